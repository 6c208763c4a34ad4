/**
 * The one way to the cluster: a lean client over kubectl, which reads kubeconfigs, credential plugins and proxies as its
 * users know them. One `kubectl proxy` carries all requests of a run, on a socket that only this user can open. It starts
 * in a tenth of the time that a client library takes to load.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../system/errors.ts";
import { type Ended, capture } from "../system/process.ts";
import { type Target, kubectlFlags, startProxy } from "./kubectl.ts";

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

/** A connection to a cluster. It ends with this process, however that ends, and does not keep it from ending. */
export class Client {
    public readonly target: Target;
    private readonly socketPath: string;

    private constructor(target: Target, socketPath: string) {
        this.target = target;
        this.socketPath = socketPath;
    }

    /**
     * Opens a connection. The first request tells whether the cluster answers.
     *
     * @throws UserError if there is no kubectl, or no such context.
     */
    public static async connect(wanted: Target): Promise<Client> {
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

    /**
     * An object by its path. Undefined if there is none.
     *
     * @throws UserError if the cluster does not tell: forbidden is not the same as absent.
     */
    public async find<T>(path: string): Promise<T | undefined> {
        const answer = await this.read<T>(path);
        return answer.kind === "not found" ? undefined : this.bodyOf(answer, path);
    }

    /**
     * As `find`, but undefined if the user may not read it.
     *
     * @throws UserError if the cluster does not answer.
     */
    public async findIfAllowed<T>(path: string): Promise<T | undefined> {
        const answer = await this.read<T>(path);
        return answer.kind === "forbidden" || answer.kind === "not found"
            ? undefined
            : this.bodyOf(answer, path);
    }

    /**
     * An object by its path.
     *
     * @throws UserError if there is none, or if the cluster does not tell.
     */
    public async get<T>(path: string): Promise<T> {
        return this.bodyOf(await this.read<T>(path), path);
    }

    /**
     * All objects of a list, each with its kind. None if the cluster has no such kind.
     *
     * @throws UserError if the cluster does not tell.
     */
    public async list<T>(path: string): Promise<readonly T[]> {
        const found = await this.find<List<T>>(path);
        return found ? itemsOf(found) : [];
    }

    /**
     * As `list`, but undefined if the user may not list them, or if the cluster has no such kind.
     *
     * @throws UserError if the cluster does not answer.
     */
    public async listIfAllowed<T>(path: string): Promise<readonly T[] | undefined> {
        const found = await this.findIfAllowed<List<T>>(path);
        return found && itemsOf(found);
    }

    /**
     * Asks again and again until there is an answer. False is none.
     *
     * @param what completes "Waited ... until".
     * @param interval between two questions, in milliseconds. Once a second by default.
     * @throws UserError if there is none when the time is over.
     */
    public async waitUntil<T>(
        what: string,
        ask: () => Promise<T | undefined | false>,
        seconds: number,
        advice = "kubectl get pods,events",
        interval = 1000,
    ): Promise<T> {
        const end = performance.now() + seconds * 1000;
        for (;;) {
            const answer = await ask();
            if (answer !== undefined && answer !== false) {
                return answer;
            }
            if (performance.now() > end) {
                throw new UserError(
                    `Waited ${seconds} s in vain until ${what}.\n  Look for the reason: ${advice}`,
                );
            }
            await sleep(interval);
        }
    }

    /** Runs a command in a pod. */
    public exec(namespace: string, pod: string, command: readonly string[], input?: string): Ended {
        const { env = process.env } = this.target;
        const where = [...kubectlFlags(this.target), "--namespace", namespace];
        const stdin = input === undefined ? [] : ["--stdin"];
        return capture("kubectl", [...where, "exec", ...stdin, pod, "--", ...command], env, input);
    }

    /**
     * The body of an answer.
     *
     * @throws UserError if there is none.
     */
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
                throw new UserError(
                    `The cluster of context ${context} does not answer ${path}: ${answer.message}\n` +
                        `  See whether it is running: kubectl --context ${context} get nodes`,
                );
        }
    }

    private ask(method: Method, path: string, body?: unknown, type = "application/json"): Promise<Answer> {
        const { socketPath } = this;
        const options = {
            socketPath,
            path,
            method,
            headers: { "Content-Type": type },
            timeout: answerLimit,
        };
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

interface List<T> {
    readonly kind: string;
    readonly items: readonly T[];
}

/** The items of a list do not carry their kind. */
function itemsOf<T>({ kind, items }: List<T>): readonly T[] {
    return items.map((item) => ({ ...item, kind: kind.replace(/List$/, "") }));
}

function answerOf(status: number, text: string): Answer {
    const body = parsed(text);
    if (status >= 200 && status < 300) {
        return { kind: "found", body };
    }
    // The API server's own words if it is the one that refuses.
    const { message = text.trim() } = (typeof body === "object" && body ? body : {}) as { message?: string };
    if (status === 404) {
        return { kind: "not found", message };
    }
    return status === 403 ? { kind: "forbidden", message } : { kind: "failed", status, message };
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
