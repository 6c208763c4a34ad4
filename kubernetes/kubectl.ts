/** The kubectl on the PATH: its kubeconfig, its contexts, and the `kubectl proxy` that the client speaks through. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { UserError } from "../system/errors.ts";
import { type Environment, capture, outputOf } from "../system/process.ts";

/** Which cluster is asked. */
export interface ClusterAccess {
    /** Context of the kubeconfig. */
    readonly context: string;
    /** Path or content of the kubeconfig. Undefined: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig?: string | undefined;
    /** Environment that kubectl is found and run in. Undefined: this process's own. */
    readonly env?: Environment;
}

const installDocs = "https://kubernetes.io/docs/tasks/tools";

export const noKubectl =
    "kubectl is not on the PATH. An alias, such as one for minikube kubectl, is not enough.\n" +
    `  Install it:  ${installDocs}`;

/** Whether a kubeconfig is given as its content, not as a path. */
export function isContent(kubeconfig: string): boolean {
    return kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
}

/** The path of a kubeconfig as Pulumi's provider reads it: `~` is the user's home. */
export function kubeconfigPath(kubeconfig: string): string {
    return kubeconfig.replace(/^~(?=\/)/, homedir());
}

/** The environment of every kubectl: a kuberc may give its commands other defaults, such as another output format. */
export function kubectlEnvironment(env: Environment = process.env): Environment {
    return { ...env, KUBERC: "off" };
}

/** The flags that make kubectl ask this cluster. Its kubeconfig must be a path. */
export function kubectlFlags({ context, kubeconfig }: ClusterAccess): readonly string[] {
    return [`--context=${context}`, ...kubeconfigFlag(kubeconfig)];
}

function kubeconfigFlag(kubeconfig: string | undefined): readonly string[] {
    return kubeconfig ? [`--kubeconfig=${kubeconfig}`] : [];
}

/** The contexts of a kubeconfig. */
export function contexts({ kubeconfig, env }: Omit<ClusterAccess, "context">): readonly string[] {
    const args = ["config", "get-contexts", "--output=name", ...kubeconfigFlag(kubeconfig)];
    const { status, stdout, stderr } = capture("kubectl", args, kubectlEnvironment(env));
    if (status !== 0) {
        throw new UserError(
            `kubectl config get-contexts fails: ${stderr.trim()}\n` +
                `  Check that kubectl is on the PATH (${installDocs}) and that your kubeconfig is valid.`,
        );
    }
    return stdout.split("\n").filter((name) => name !== "");
}

/** The context that kubectl uses if a command names none. Undefined: there is none. */
export function currentContext(env: Environment): string | undefined {
    return outputOf("kubectl", ["config", "current-context"], kubectlEnvironment(env));
}

/** The namespace that kubectl uses in a context if a command names none. Undefined: default. */
export function currentNamespace({ context, env }: ClusterAccess): string | undefined {
    const output = `--output=jsonpath={.contexts[?(@.name=="${context}")].context.namespace}`;
    return outputOf("kubectl", ["config", "view", output], kubectlEnvironment(env));
}

/** @param known the contexts that the kubeconfig has. */
export function unknownContext(context: string, known: readonly string[], env: Environment): string {
    const problem =
        `kubernetes:context is ${JSON.stringify(context)}. Your kubeconfig has no such context. ` +
        `It has: ${known.join(", ") || "none"}.`;
    const start = isInPod(env)
        ? "  In a pod, make it:   see docs/troubleshooting.md, A pod has no context"
        : "  Start your cluster:  minikube start";
    return `${problem}\n${start}\n  Name another one:    pulumi config set kubernetes:context NAME`;
}

/** Whether this process runs in a pod, which has a service account instead of a kubeconfig. */
export function isInPod(env: Environment): boolean {
    return Boolean(env.KUBERNETES_SERVICE_HOST);
}

/**
 * Starts `kubectl proxy` on a socket in a new folder that only this user can open, and waits until it serves. The target
 * that it returns has a kubeconfig that is a path.
 */
export async function startProxy(wanted: ClusterAccess) {
    if (process.platform === "win32") {
        throw new UserError("On Windows, run this in WSL: https://learn.microsoft.com/windows/wsl/install");
    }
    const folder = temporaryFolder();
    const socketPath = join(folder, "socket");
    const target: ClusterAccess = {
        ...wanted,
        kubeconfig: wanted.kubeconfig && fileOf(wanted.kubeconfig, folder),
    };
    const failure = await serving(spawnProxy(target, folder, socketPath));
    if (failure !== undefined) {
        throw new UserError(explain(target, failure));
    }
    return { target, socketPath };
}

function temporaryFolder(): string {
    try {
        return mkdtempSync(join(tmpdir(), "synergychat-"));
    } catch (error) {
        throw new UserError(`No folder can be made for temporary files: ${(error as Error).message}`);
    }
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
 * The proxy's input ends when this process does, killed or not. Then the proxy ends too, with its whole process group, and
 * its folder is removed. The group matters if kubectl is a wrapper (minikube can be one): the real one is its child.
 */
const script = `
exec 3<&0
folder=$1
shift
(trap "" TERM; read -r _ <&3; rm -rf "$folder"; kill -- -$$) >/dev/null 2>&1 &
exec kubectl "$@" </dev/null 3<&-`;

function spawnProxy(target: ClusterAccess, folder: string, socketPath: string): Proxy {
    // Without --append-server-path, kubectl drops the path of the server's URL (Rancher and gateways have one), and the
    // requests reach another cluster, or none.
    const args = ["proxy", `--unix-socket=${socketPath}`, "--append-server-path", ...kubectlFlags(target)];
    return spawn("/bin/sh", ["-c", script, "sh", folder, ...args], {
        env: kubectlEnvironment(target.env),
        stdio: ["pipe", "pipe", "pipe"],
        // A process group of its own, so that a signal to this process's group does not keep it from removing its folder.
        detached: true,
    });
}

/** Waits until the proxy serves. Returns what it printed if it ended instead. */
function serving(proxy: Proxy): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
        let printed = "";
        let errors = "";
        proxy.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
        proxy.stdout.on("data", (chunk: Buffer) => {
            printed += chunk.toString();
            // A wrapper around kubectl may print lines of its own first.
            if (/^Starting to serve/m.test(printed)) {
                for (const handle of [proxy, proxy.stdin, proxy.stdout, proxy.stderr]) {
                    (handle as Proxy | Socket).unref();
                }
                resolve(undefined);
            }
        });
        proxy.once("error", reject);
        proxy.once("close", () => {
            resolve(errors.trim());
        });
    });
}

/** Why kubectl proxy ended at once. */
function explain(target: ClusterAccess, errors: string): string {
    if (/kubectl: (command )?not found/.test(errors)) {
        return noKubectl;
    }
    if (errors.includes("unknown flag: --append-server-path")) {
        return `Your kubectl is too old. Version 1.23 or newer is required.\n  Install a newer one:  ${installDocs}`;
    }
    if (/context .* does not exist/.test(errors)) {
        return unknownContext(target.context, contexts(target), target.env ?? process.env);
    }
    const given = target.kubeconfig
        ? "\n  kubernetes:kubeconfig must be the path or the content of a kubeconfig." +
          "\n  Use your own:  pulumi config rm kubernetes:kubeconfig"
        : "";
    return `kubectl proxy does not start: ${errors}${given}`;
}
