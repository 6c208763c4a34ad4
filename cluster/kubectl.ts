/**
 * One lean Kubernetes client: kubectl itself, which reads kubeconfigs, credential plugins and proxies as its users know
 * them. One `kubectl proxy` carries all questions of a run, on a socket that nobody else can open: it starts in a tenth
 * of the time that a client library takes to load, and a process a question would take seven times as long.
 */
import { type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { Socket } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { promisify } from "node:util";
import { RunError } from "@pulumi/pulumi";

/** Which cluster is asked. */
export interface Target {
    /** Context of the kubeconfig. */
    readonly context: string;
    /** Path or content of the kubeconfig; unset: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig?: string | undefined;
    /** Environment that kubectl is found and run in. Default: this process's own. */
    readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What the API server answers, or why there is no answer. */
export type Answer =
    /** The body is text where it is not JSON. */
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

/** An open way to a cluster. It ends with this process, however that ends, and does not keep it from ending. */
export interface Connection {
    readonly target: Target;
    /** GETs a path of the API, such as /api/v1/namespaces/synergychat. */
    read(path: string): Promise<Answer>;
    /** POSTs an object to a path of the API. */
    post(path: string, body: unknown): Promise<Answer>;
}

const patience = 15_000; // ms, for one answer
const kubectlDocs = "https://kubernetes.io/docs/tasks/tools";

/**
 * Opens the way to a cluster. Whether the cluster answers, its first question tells.
 *
 * @throws RunError where there is no kubectl, or no such context.
 */
export async function connect(wanted: Target): Promise<Connection> {
    if (process.platform === "win32") {
        throw new RunError("On Windows, run this in WSL: https://learn.microsoft.com/windows/wsl/install");
    }
    const folder = temporaryFolder();
    const socketPath = join(folder, "socket");
    const target = { ...wanted, kubeconfig: wanted.kubeconfig && fileOf(wanted.kubeconfig, folder) };
    const failure = await serving(startProxy(target, folder, socketPath));
    if (failure !== undefined) {
        throw new RunError(await explain(target, failure));
    }
    return {
        target,
        read: (path) => ask(socketPath, path),
        post: (path, body) => ask(socketPath, path, JSON.stringify(body)),
    };
}

function temporaryFolder(): string {
    try {
        return mkdtempSync(join(tmpdir(), "synergychat-"));
    } catch (error) {
        throw new RunError(`No folder can be made for temporary files: ${(error as Error).message}`);
    }
}

/** Whether a kubeconfig is given as its content, not as a path. */
export function isContent(kubeconfig: string): boolean {
    return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}

/** The path of a kubeconfig, as Pulumi's provider reads it: `~` is the user's home. */
export function kubeconfigPath(kubeconfig: string): string {
    return kubeconfig.replace(/^~(?=\/)/, homedir());
}

function fileOf(kubeconfig: string, folder: string): string {
    if (!isContent(kubeconfig)) {
        return kubeconfigPath(kubeconfig);
    }
    const file = join(folder, "kubeconfig");
    writeFileSync(file, kubeconfig, { mode: 0o600 });
    return file;
}

type Proxy = ChildProcessByStdio<Writable, Readable, Readable>;

/**
 * Its input ends when this process does, killed or not: then it ends too, and its folder goes. With it ends its group:
 * where kubectl is a wrapper (minikube can be one), the real one is a child of it.
 */
const script = `
exec 3<&0
folder=$1
shift
(trap "" TERM; read -r _ <&3; rm -rf "$folder"; kill -- -$$) >/dev/null 2>&1 &
exec kubectl "$@" </dev/null 3<&-`;

function startProxy(target: Target, folder: string, socketPath: string): Proxy {
    // Without --append-server-path, kubectl drops the path of the server's URL and asks another cluster, or none.
    const flags = [`--context=${target.context}`, "--append-server-path", ...kubeconfigFlag(target)];
    return spawn("/bin/sh", ["-c", script, "sh", folder, "proxy", `--unix-socket=${socketPath}`, ...flags], {
        env: { ...(target.env ?? process.env) },
        stdio: ["pipe", "pipe", "pipe"],
        // A group of its own: what is killed with this process's group is not there to remove its folder.
        detached: true,
    });
}

/** Waits until it serves; what it said where it ended instead. */
function serving(proxy: Proxy): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
        let said = "";
        let printed = "";
        proxy.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
        proxy.stdout.on("data", (chunk: Buffer) => {
            printed += chunk.toString();
            // A wrapper around kubectl may print lines of its own first.
            if (!/^Starting to serve/m.test(printed)) {
                return;
            }
            for (const handle of [proxy, proxy.stdin, proxy.stdout, proxy.stderr]) {
                (handle as Proxy | Socket).unref();
            }
            resolve(undefined);
        });
        proxy.once("error", reject);
        proxy.once("close", () => {
            resolve(said.trim());
        });
    });
}

/** Why kubectl ended at once. */
async function explain(target: Target, said: string): Promise<string> {
    if (/kubectl: (command )?not found/.test(said)) {
        return `kubectl is not on the PATH. Install it: ${kubectlDocs}`;
    }
    if (said.includes("unknown flag: --append-server-path")) {
        return `Your kubectl is too old: version 1.23 or newer is needed. Install a newer one: ${kubectlDocs}`;
    }
    if (!/context .* does not exist/.test(said)) {
        const given = target.kubeconfig
            ? "\n    kubernetes:kubeconfig must be the path or the content of a kubeconfig. For your own: pulumi config rm kubernetes:kubeconfig"
            : "";
        return `kubectl proxy does not start: ${said}${given}`;
    }
    return unknownContext(target.context, await contexts(target));
}

/** @param known the contexts that the kubeconfig has. */
export function unknownContext(context: string, known: readonly string[]): string {
    const have = known.length > 0 ? `It has: ${known.join(", ")}.` : "It has none.";
    return (
        `kubernetes:context is ${JSON.stringify(context)}: your kubeconfig has no such context. ${have}\n` +
        "    Start your cluster (minikube start), or run: pulumi config set kubernetes:context NAME"
    );
}

/**
 * The contexts of a kubeconfig.
 *
 * @throws RunError where kubectl does not tell them.
 */
export async function contexts(target: Omit<Target, "context">): Promise<readonly string[]> {
    const args = ["config", "get-contexts", "--output=name", ...kubeconfigFlag(target)];
    try {
        const { stdout } = await promisify(execFile)("kubectl", args, {
            env: { ...(target.env ?? process.env) },
        });
        return stdout.split("\n").filter((name) => name !== "");
    } catch (error) {
        throw new RunError(
            `kubectl config get-contexts fails: ${(error as Error).message.trim()}\n` +
                `    Is kubectl on the PATH (${kubectlDocs}), and your kubeconfig whole?`,
        );
    }
}

function kubeconfigFlag(target: Pick<Target, "kubeconfig">): string[] {
    return target.kubeconfig ? [`--kubeconfig=${target.kubeconfig}`] : [];
}

/** @param body POSTs it; without, the path is read. */
function ask(socketPath: string, path: string, body?: string): Promise<Answer> {
    const method = body === undefined ? "GET" : "POST";
    const headers = { "Content-Type": "application/json" };
    return new Promise((resolve) => {
        const failed = ({ message }: Error): void => {
            resolve({ kind: "failed", message });
        };
        const asked = request({ socketPath, path, method, headers, timeout: patience }, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (chunk: string) => (text += chunk));
            response.on("error", failed);
            response.on("end", () => {
                resolve(answer(response.statusCode ?? 0, text));
            });
        });
        asked.on("error", failed);
        asked.on("timeout", () => asked.destroy(new Error(`no answer in ${patience / 1000} s`)));
        asked.end(body);
    });
}

function answer(status: number, text: string): Answer {
    const body = parsed(text);
    if (status >= 200 && status < 300) {
        return { kind: "found", body };
    }
    if (status === 404) {
        return { kind: "not found" };
    }
    // The API server's own words where it is the one that refuses.
    const { message = text.trim() } = (typeof body === "object" && body ? body : {}) as { message?: string };
    return { kind: status === 403 ? "forbidden" : "failed", message };
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
