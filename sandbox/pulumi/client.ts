/** A small Kubernetes client over node:https: JSON requests, lists that stay current by watching, errors in one sentence. */
import { execFile } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";
import http from "node:http";
import https from "node:https";
import { promisify } from "node:util";
import { type Json, type JsonObject, at, isObject, listAt, objectAt, shown, textAt } from "./json.ts";
import type { Connection } from "./kubeconfig.ts";

/** The API server said no. */
export class ApiError extends Error {
    readonly status: number;
    readonly body: Json;

    constructor(status: number, body: Json) {
        super(textAt(body, "message") ?? `the API server answered ${status}`);
        this.status = status;
        this.body = body;
    }

    get reason(): string {
        return textAt(this.body, "reason") ?? "";
    }
}

/** No answer at all. */
export class UnreachableError extends Error {}

export const isStatus = (error: unknown, ...statuses: number[]): error is ApiError =>
    error instanceof ApiError && statuses.includes(error.status);

export interface Request {
    method?: "GET" | "PATCH" | "DELETE";
    query?: Record<string, string | undefined>;
    body?: Json;
    contentType?: string;
    signal?: AbortSignal;
}

const IDLE_LIMIT_MS = 30_000;
/** How long one watch lasts before it is made anew. */
const WATCH_SECONDS = 290;
const RELIST_PAUSE_MS = 250;
const RELIST_ATTEMPTS = 120;

export class KubeClient {
    readonly server: string;
    readonly namespace: string;
    readonly #connection: Connection;
    readonly #agent: http.Agent;
    readonly #credentials: () => Promise<Credentials>;

    constructor(connection: Connection) {
        this.#connection = connection;
        this.server = connection.server;
        this.namespace = connection.namespace ?? "default";
        this.#agent = new (connection.server.startsWith("http:") ? http : https).Agent({ keepAlive: true });
        this.#credentials = credentialsOf(connection);
    }

    get(path: string, signal?: AbortSignal): Promise<Json> {
        return this.request(path, signal ? { signal } : {});
    }

    async request(path: string, request: Request = {}): Promise<Json> {
        for (let attempt = 0; ; attempt++) {
            const response = await this.#send(path, request);
            const text = await this.#text(response);
            const status = response.statusCode ?? 0;
            const retryAfter = Number(response.headers["retry-after"]);
            if (status === 429 && attempt < 10 && retryAfter > 0) {
                await pause(retryAfter * 1000, undefined, request.signal ? { signal: request.signal } : {});
                continue;
            }
            const body = parseBody(text);
            if (status >= 400) {
                throw new ApiError(status, body);
            }
            return body;
        }
    }

    /**
     * The objects of a list as they are now, then again after each change, for as long as the caller asks. A watch
     * that ends (they all do after some minutes) is made anew from a fresh list; a server that is away meanwhile (it
     * may be restarting) is given some time.
     */
    async *observe(
        path: string,
        query: Record<string, string>,
        signal: AbortSignal,
    ): AsyncGenerator<JsonObject[]> {
        let list = await this.request(path, { query, signal });
        for (;;) {
            const items = new Map(
                listAt(list, "items")
                    .filter(isObject)
                    .map((item) => [keyOf(item), item]),
            );
            yield [...items.values()];
            const resourceVersion = textAt(list, "metadata", "resourceVersion") ?? "0";
            for await (const event of this.#watch(path, { ...query, resourceVersion }, signal)) {
                const type = textAt(event, "type");
                if (type === "ERROR") {
                    break;
                }
                const item = objectAt(event, "object");
                if (type === "DELETED") {
                    items.delete(keyOf(item));
                } else {
                    items.set(keyOf(item), item);
                }
                yield [...items.values()];
            }
            list = await this.#listAgain(path, query, signal);
        }
    }

    async #listAgain(path: string, query: Record<string, string>, signal: AbortSignal): Promise<Json> {
        for (let attempt = 0; ; attempt++) {
            await pause(RELIST_PAUSE_MS, undefined, { signal });
            try {
                return await this.request(path, { query, signal });
            } catch (error) {
                if (!(error instanceof UnreachableError) || attempt >= RELIST_ATTEMPTS) {
                    throw error;
                }
            }
        }
    }

    async *#watch(path: string, query: Record<string, string>, signal: AbortSignal): AsyncGenerator<Json> {
        const timeoutSeconds = String(WATCH_SECONDS);
        const response = await this.#send(path, {
            query: { ...query, watch: "true", timeoutSeconds },
            signal,
        });
        if (response.statusCode !== 200) {
            throw new ApiError(response.statusCode ?? 0, parseBody(await this.#text(response)));
        }
        response.socket.setTimeout(0);
        response.setEncoding("utf8");
        let rest = "";
        try {
            for await (const chunk of response as AsyncIterable<string>) {
                const lines = (rest + chunk).split("\n");
                rest = lines.pop() ?? "";
                yield* lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Json);
            }
        } catch (error) {
            if (signal.aborted) {
                throw error;
            }
        } finally {
            response.destroy();
        }
    }

    async #text(response: http.IncomingMessage): Promise<string> {
        const chunks: Buffer[] = [];
        try {
            for await (const chunk of response as AsyncIterable<Buffer>) {
                chunks.push(chunk);
            }
        } catch (error) {
            throw this.#unreachable(error);
        }
        return Buffer.concat(chunks).toString("utf8");
    }

    async #send(path: string, request: Request): Promise<http.IncomingMessage> {
        const credentials = await this.#credentials();
        const url = new URL(this.server + path);
        for (const [key, value] of Object.entries(request.query ?? {})) {
            if (value !== undefined) {
                url.searchParams.set(key, value);
            }
        }
        const body = request.body === undefined ? undefined : JSON.stringify(request.body);
        const options: https.RequestOptions = {
            method: request.method ?? "GET",
            agent: this.#agent,
            timeout: IDLE_LIMIT_MS,
            headers: {
                accept: "application/json",
                "user-agent": "synergychat-sandbox",
                ...(body !== undefined && {
                    "content-type": request.contentType ?? "application/json",
                    "content-length": Buffer.byteLength(body),
                }),
                ...(credentials.token !== undefined && { authorization: `Bearer ${credentials.token}` }),
            },
            ...tlsOptions(this.#connection, credentials),
            ...(request.signal && { signal: request.signal }),
        };
        try {
            return await this.#exchange(url, options, body);
        } catch (error) {
            throw this.#unreachable(error);
        }
    }

    /** A kept connection that the server closed just then is tried once more: every request here can be repeated. */
    #exchange(
        url: URL,
        options: https.RequestOptions,
        body: string | undefined,
    ): Promise<http.IncomingMessage> {
        return new Promise((resolve, reject) => {
            const outgoing = (url.protocol === "http:" ? http : https).request(url, options, resolve);
            outgoing.on("timeout", () => {
                outgoing.destroy(new Error(`no answer within ${IDLE_LIMIT_MS / 1000} s`));
            });
            outgoing.on("error", (error: NodeJS.ErrnoException) => {
                if (outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE")) {
                    this.#exchange(url, options, body).then(resolve, reject);
                } else {
                    reject(error);
                }
            });
            outgoing.end(body);
        });
    }

    #unreachable(error: unknown): Error {
        const cause = error instanceof Error ? error : new Error(String(error));
        if (cause.name === "AbortError") {
            return cause;
        }
        const hint = "is the cluster running, and does the kubeconfig's context name it?";
        return new UnreachableError(
            `no Kubernetes API server at ${this.server}: ${explain(cause)}; ${hint}`,
            { cause },
        );
    }
}

/** Node puts the reasons of several failed addresses into one error without a message of its own. */
function explain(error: Error): string {
    return error instanceof AggregateError ? error.errors.map(String).join(", ") : error.message;
}

const keyOf = (item: JsonObject): string => textAt(item, "metadata", "uid") ?? JSON.stringify(item.metadata);

function parseBody(text: string): Json {
    try {
        return JSON.parse(text) as Json;
    } catch {
        return { message: text.trim() };
    }
}

interface Credentials {
    token?: string | undefined;
    cert?: string | Buffer | undefined;
    key?: string | Buffer | undefined;
    expires?: number;
}

function tlsOptions(connection: Connection, credentials: Credentials): https.RequestOptions {
    return {
        ...(connection.ca && { ca: connection.ca }),
        ...(credentials.cert && { cert: credentials.cert }),
        ...(credentials.key && { key: credentials.key }),
        ...(connection.serverName && { servername: connection.serverName }),
        ...(connection.insecure && { rejectUnauthorized: false }),
    };
}

/** Credentials for each request; those of an exec plugin are kept until they expire. */
function credentialsOf(connection: Connection): () => Promise<Credentials> {
    const { exec, cert, key, token } = connection;
    if (!exec) {
        return () => Promise.resolve({ cert, key, token: token?.() });
    }
    let known: Promise<Credentials> | undefined;
    return async () => {
        const current = await known;
        if (
            current === undefined ||
            (current.expires !== undefined && current.expires < Date.now() + 10_000)
        ) {
            known = runExecPlugin(exec);
        }
        return (await known) ?? {};
    };
}

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
async function runExecPlugin(exec: JsonObject): Promise<Credentials> {
    const apiVersion = textAt(exec, "apiVersion") ?? "client.authentication.k8s.io/v1";
    const env = listAt(exec, "env").map((item): [string, string] => [
        textAt(item, "name") ?? "",
        textAt(item, "value") ?? "",
    ]);
    const info = JSON.stringify({ apiVersion, kind: "ExecCredential", spec: { interactive: false } });
    const command = textAt(exec, "command") ?? "";
    const environment = { ...process.env, ...Object.fromEntries(env), KUBERNETES_EXEC_INFO: info };
    let stdout: string;
    try {
        const args = listAt(exec, "args").map(shown);
        ({ stdout } = await promisify(execFile)(command, args, { env: environment }));
    } catch (error) {
        throw new Error(`the kubeconfig's credential plugin "${command}" failed: ${String(error)}`, {
            cause: error,
        });
    }
    const status = at(parseBody(stdout), "status");
    const expiry = textAt(status, "expirationTimestamp");
    return {
        token: textAt(status, "token"),
        cert: textAt(status, "clientCertificateData"),
        key: textAt(status, "clientKeyData"),
        ...(expiry !== undefined && { expires: Date.parse(expiry) }),
    };
}
