/**
 * The one way to the cluster: a lean client over kubectl, which reads kubeconfigs, credential plugins and proxies as its
 * users know them. One `kubectl proxy` carries all requests of a run, on a socket that only this user can open. It starts
 * in a tenth of the time that a client library takes to load.
 */
import { TransientError, UserError } from "../system/errors.ts";
import { parseJson } from "../system/json.ts";
import { type Ended, capture } from "../system/process.ts";
import { type ClusterAccess, kubectlEnvironment, kubectlFlags, startProxy } from "./kubectl.ts";
import { poll } from "./poll.ts";

// `import` evaluates every export of the module. The export WebSocket loads undici, which takes 40 to 66 ms.
const { request } = process.getBuiltinModule("node:http");

/** What the API server answers, or why there is no answer. The body is text if it is not JSON. */
export type Answer<T = unknown> =
    | { readonly kind: "found"; readonly body: T }
    | { readonly kind: "not found"; readonly message: string }
    | { readonly kind: "forbidden"; readonly message: string }
    | { readonly kind: "failed"; readonly status: number; readonly message: string };

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** How a patch is applied. Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply */
export type PatchType = "application/merge-patch+json" | "application/apply-patch+yaml";

const answerLimit = 15_000; // ms, for one answer

const execSeconds = 120; // for a command in a pod, with all that it reads and prints

/** What kubectl prints if the user may not run a command, or if there is nothing to ask. */
const refusals = /\(Forbidden\)|\(Unauthorized\)|must be logged in|context .* does not exist|ENOENT/;

/** A connection to a cluster. It ends with this process, however that ends, and does not keep it from ending. */
export class Client {
    public readonly target: ClusterAccess;
    private readonly socketPath: string;

    private constructor(target: ClusterAccess, socketPath: string) {
        this.target = target;
        this.socketPath = socketPath;
    }

    /** Opens a connection. The first request tells whether the cluster answers. */
    public static async connect(wanted: ClusterAccess): Promise<Client> {
        const { target, socketPath } = await startProxy(wanted);
        return new Client(target, socketPath);
    }

    /** GETs a path of the API, such as /api/v1/namespaces/synergychat. */
    public read<T = unknown>(path: string): Promise<Answer<T>> {
        return this.ask("GET", path) as Promise<Answer<T>>;
    }

    /** POSTs an object to a path of the API. */
    public post<T = unknown>(path: string, body: unknown): Promise<Answer<T>> {
        return this.ask("POST", path, body) as Promise<Answer<T>>;
    }

    /** Patches an object. */
    public patch<T = unknown>(path: string, body: unknown, type: PatchType): Promise<Answer<T>> {
        return this.ask("PATCH", path, body, type) as Promise<Answer<T>>;
    }

    /** Deletes an object, and with it what it owns. Does not wait until it is gone. */
    public delete(path: string): Promise<Answer> {
        return this.ask("DELETE", `${path}?propagationPolicy=Background`);
    }

    /** As `delete`, but it is an error if the object is there and cannot be deleted. */
    public async deleteIfThere(path: string): Promise<void> {
        const answer = await this.delete(path);
        if (answer.kind !== "not found") {
            this.bodyOf(answer, path);
        }
    }

    /** An object by its path. Undefined if there is none. If the user may not read it, that is an error: forbidden is not absent. */
    public async find<T>(path: string): Promise<T | undefined> {
        const answer = await this.read<T>(path);
        return answer.kind === "not found" ? undefined : this.bodyOf(answer, path);
    }

    /** As `find`, but undefined if the user may not read it. */
    public async findIfAllowed<T>(path: string): Promise<T | undefined> {
        const answer = await this.read<T>(path);
        const { kind } = answer;
        return kind === "forbidden" || kind === "not found" ? undefined : this.bodyOf(answer, path);
    }

    /** As `find`, for an object that there must be. */
    public async get<T>(path: string): Promise<T> {
        return this.bodyOf(await this.read<T>(path), path);
    }

    /** All objects of a list, each with its kind. None if the cluster has no such kind. */
    public async list<T>(path: string): Promise<readonly T[]> {
        const found = await this.find<List<T>>(path);
        return found ? itemsOf(found) : [];
    }

    /** As `list`, but undefined if the user may not list them, or if the cluster has no such kind. */
    public async listIfAllowed<T>(path: string): Promise<readonly T[] | undefined> {
        const found = await this.findIfAllowed<List<T>>(path);
        return found && itemsOf(found);
    }

    /** As `poll`, with an error that says what was waited for: `what` completes "Waited ... until". */
    public waitUntil<T>(
        what: string,
        ask: () => Promise<T | undefined | false>,
        seconds: number,
        advice = "kubectl get pods,events",
        interval?: number,
    ): Promise<T> {
        const inVain = `Waited ${seconds} s in vain until ${what}.\n  Look for the reason: ${advice}`;
        return poll(ask, { seconds, inVain, interval });
    }

    /** Runs a command in a container, to its end. A TransientError says that it could not be run, or did not end. */
    public exec(
        namespace: string,
        { pod, container }: { readonly pod: string; readonly container: string },
        command: readonly string[],
        input?: string,
    ): Ended {
        const where = [...kubectlFlags(this.target), `--namespace=${namespace}`];
        // Without its name, kubectl takes the first container, which can be a proxy that a service mesh has injected.
        const into = ["exec", pod, `--container=${container}`, ...(input === undefined ? [] : ["--stdin"])];
        const args = [...where, ...into, "--", ...command];
        const ended = capture("kubectl", args, kubectlEnvironment(this.target.env), {
            input,
            seconds: execSeconds,
        });
        const { status, stdout, stderr } = ended;
        const exitCode = status === 0 ? 0 : Number(/terminated with exit code (\d+)/.exec(stderr)?.[1]);
        // A code above 128 is a signal: the container was stopped in the meantime.
        if (exitCode <= 128 || isProgramMissing(stdout + stderr)) {
            return ended;
        }
        const problem = `${command[0] ?? ""} did not run in pod ${pod}, namespace ${namespace}: ${stderr.trim()}`;
        throw refusals.test(stderr) ? new UserError(problem) : new TransientError(problem);
    }

    /** The body of an answer. A UserError says why there is none. */
    public bodyOf<T>(answer: Answer<T>, path: string): T {
        const { context } = this.target;
        switch (answer.kind) {
            case "found":
                return answer.body;
            case "not found":
                throw new UserError(`The cluster of context ${context} has no ${path}.`);
            case "forbidden":
                throw new UserError(`You have no permission for ${path}: ${answer.message}`);
            case "failed":
                throw new (isTransient(answer) ? TransientError : UserError)(
                    `The cluster of context ${context} does not answer ${path}: ${answer.message}\n` +
                        `  See whether it is running: kubectl --context ${context} get nodes`,
                );
        }
    }

    private ask(method: Method, path: string, body?: unknown, type = "application/json"): Promise<Answer> {
        const { socketPath } = this;
        const headers = { "Content-Type": type };
        const options = { socketPath, path, method, headers, timeout: answerLimit };
        return new Promise((resolve) => {
            const failed = ({ message }: Error): void => {
                resolve({ kind: "failed", status: 0, message });
            };
            const asked = request(options, (response) => {
                let text = "";
                response.setEncoding("utf8");
                response.on("data", (chunk: string) => (text += chunk));
                response.on("error", failed);
                response.on("end", () => {
                    resolve(answerOf(response.statusCode ?? 0, text));
                });
            });
            asked.on("error", failed);
            asked.on("timeout", () => asked.destroy(new Error(`no answer in ${answerLimit / 1000} s`)));
            asked.end(body === undefined ? undefined : JSON.stringify(body));
        });
    }
}

/** Whether the same request can succeed a moment later: there was no answer, too many requests, or an error of the server. */
export function isTransient(answer: Answer): boolean {
    return answer.kind === "failed" && (answer.status === 0 || answer.status === 429 || answer.status >= 500);
}

/** Whether a container could not be started because its image lacks the program, in the words of runc and of crun. */
export function isProgramMissing(problem: string): boolean {
    return /executable file (`\w+` )?not found|": stat .*: no such file or directory/.test(problem);
}

interface List<T> {
    readonly kind: string;
    readonly items: readonly T[];
}

/** The items of a list do not carry their kind. */
function itemsOf<T>({ kind, items }: List<T>): readonly T[] {
    return items.map((item) => ({ ...item, kind: kind.replace(/List$/, "") }));
}

function answerOf(status: number, text: string): Answer {
    const body = parseJson(text) ?? text;
    if (status >= 200 && status < 300) {
        return { kind: "found", body };
    }
    // The API server's own words if it is the one that refuses.
    const { message = text.trim() } = (typeof body === "object" ? body : {}) as { message?: string };
    if (status === 404) {
        return { kind: "not found", message };
    }
    return status === 403 ? { kind: "forbidden", message } : { kind: "failed", status, message };
}
