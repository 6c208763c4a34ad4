/**
 * One lean Kubernetes client: kubectl itself, one process a question. It reads kubeconfigs, credential plugins and
 * proxies as its users know them, and starts in a tenth of the time that a client library takes to load.
 */
import { execFile } from "node:child_process";
import { RunError } from "@pulumi/pulumi";

/** Which cluster is asked. */
export interface Target {
    /** Context of the kubeconfig. */
    readonly context: string;
    /** Path of the kubeconfig; unset: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig?: string | undefined;
    /** Environment that kubectl is found and run in. Default: this process's own. */
    readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What the API server answers, or why there is no answer. */
export type Answer =
    | { readonly kind: "found"; readonly body: unknown }
    | { readonly kind: "not found" }
    | { readonly kind: "forbidden"; readonly message: string }
    | { readonly kind: "failed"; readonly message: string };

/** An object of the API, as much as every kind has. */
export interface ApiObject {
    readonly kind?: string;
    readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly uid: string;
        readonly labels?: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
        readonly deletionTimestamp?: string;
    };
}

const patience = 15; // s, for one answer
const kubectlDocs = "https://kubernetes.io/docs/tasks/tools";

/** GETs a path of the API, such as /api/v1/namespaces/synergychat. */
export function read(target: Target, path: string): Promise<Answer> {
    return kubectl(target, ["get", `--raw=${path}`]);
}

/** POSTs an object to a path of the API. */
export function post(target: Target, path: string, body: unknown): Promise<Answer> {
    return kubectl(target, ["create", `--raw=${path}`, "--filename=-"], JSON.stringify(body));
}

/** Names of the contexts that there are. */
export async function contexts(target: Target): Promise<readonly string[]> {
    const { stdout } = await execute(
        ["config", "get-contexts", "--output=name", ...kubeconfigFlag(target)],
        target,
    );
    return stdout.split("\n").filter((name) => name !== "");
}

async function kubectl(target: Target, args: readonly string[], input?: string): Promise<Answer> {
    const flags = [
        `--context=${target.context}`,
        `--request-timeout=${patience}s`,
        ...kubeconfigFlag(target),
    ];
    const { stdout, stderr } = await execute([...args, ...flags], target, input);
    if (stderr === "") {
        return { kind: "found", body: JSON.parse(stdout) as unknown };
    }
    if (/\(NotFound\)|the server could not find the requested resource/.test(stderr)) {
        return { kind: "not found" };
    }
    return { kind: stderr.includes("(Forbidden)") ? "forbidden" : "failed", message: stderr };
}

function kubeconfigFlag(target: Target): string[] {
    return target.kubeconfig ? [`--kubeconfig=${target.kubeconfig}`] : [];
}

/**
 * kubectl's two streams; stderr holds what went wrong, or nothing.
 *
 * @throws RunError where there is no kubectl.
 */
function execute(
    args: readonly string[],
    target: Target,
    input = "",
): Promise<{ stdout: string; stderr: string }> {
    return new Promise((resolve, reject) => {
        const options = { env: { ...(target.env ?? process.env) }, maxBuffer: 256 * 1024 * 1024 };
        const child = execFile("kubectl", args, options, (error, stdout, stderr) => {
            if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") {
                reject(new RunError(`kubectl is not on the PATH. Install it: ${kubectlDocs}`));
                return;
            }
            resolve({ stdout, stderr: error ? stderr.trim() || error.message : "" });
        });
        child.stdin?.on("error", () => undefined);
        child.stdin?.end(input);
    });
}
