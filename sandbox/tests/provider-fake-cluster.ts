/** As much of an API server as the provider's tests need: objects by path, server-side apply, watches. No TLS. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { type JsonObject, at, objectAt } from "../pulumi/json.ts";

const KINDS: Record<string, { kind: string; name: string; namespaced: boolean }[]> = {
    "/api/v1": [
        { kind: "ConfigMap", name: "configmaps", namespaced: true },
        { kind: "Namespace", name: "namespaces", namespaced: false },
    ],
    "/apis/apps/v1": [{ kind: "Deployment", name: "deployments", namespaced: true }],
};

export class FakeCluster {
    /** By path, as the API server serves them. */
    readonly objects = new Map<string, JsonObject>();
    readonly requests: string[] = [];
    /** What the next requests are answered with instead, by method and path. */
    readonly refusals = new Map<string, { status: number; body: JsonObject }>();
    /** Deleted objects stay until `remove`, as those with finalizers do. */
    holdDeleted = false;
    readonly #watchers = new Set<{ path: string; response: http.ServerResponse }>();
    readonly #server: http.Server;
    #version = 1;

    constructor() {
        this.#server = http.createServer((request, response) => {
            void this.#answer(request, response);
        });
    }

    async start(): Promise<string> {
        await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    }

    stop(): void {
        this.#server.closeAllConnections();
        this.#server.close();
    }

    /** Changes an object and tells whoever watches. */
    put(path: string, object: JsonObject): JsonObject {
        const known = this.objects.get(path);
        const metadata = {
            uid: at(known, "metadata", "uid") ?? `uid-${this.#version}`,
            ...objectAt(object, "metadata"),
            resourceVersion: String(++this.#version),
        };
        const stored = { ...object, metadata };
        this.objects.set(path, stored);
        this.#tell(known ? "MODIFIED" : "ADDED", path, stored);
        return stored;
    }

    remove(path: string): void {
        const object = this.objects.get(path);
        this.objects.delete(path);
        this.#tell("DELETED", path, object ?? {});
    }

    #tell(type: string, path: string, object: JsonObject): void {
        for (const watcher of this.#watchers) {
            if (path.startsWith(`${watcher.path}/`)) {
                watcher.response.write(`${JSON.stringify({ type, object })}\n`);
            }
        }
    }

    async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const url = new URL(request.url ?? "/", "http://x");
        const method = request.method ?? "GET";
        this.requests.push(`${method} ${url.pathname}${url.searchParams.has("dryRun") ? " (dry run)" : ""}`);
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) {
            chunks.push(chunk);
        }
        const refusal = this.refusals.get(`${method} ${url.pathname}`);
        if (refusal) {
            reply(response, refusal.status, refusal.body);
        } else if (url.searchParams.has("watch")) {
            response.writeHead(200);
            response.flushHeaders();
            this.#watchers.add({ path: url.pathname, response });
        } else {
            const body = Buffer.concat(chunks).toString();
            this.#serve(method, url, body === "" ? {} : (JSON.parse(body) as JsonObject), response);
        }
    }

    #serve(method: string, url: URL, body: JsonObject, response: http.ServerResponse): void {
        const path = url.pathname;
        const known = this.objects.get(path);
        const resources = KINDS[path];
        if (resources) {
            reply(response, 200, { resources });
        } else if (method === "PATCH") {
            const dryRun = url.searchParams.has("dryRun");
            reply(response, 200, dryRun ? { ...body, status: {} } : this.put(path, { ...known, ...body }));
        } else if (method === "GET" && url.searchParams.has("fieldSelector")) {
            const name = url.searchParams.get("fieldSelector")?.replace("metadata.name=", "") ?? "";
            const found = this.objects.get(`${path}/${name}`);
            reply(response, 200, { metadata: { resourceVersion: "1" }, items: found ? [found] : [] });
        } else if (!known) {
            reply(response, 404, { message: `${path} not found`, reason: "NotFound" });
        } else if (method === "DELETE" && !this.holdDeleted) {
            this.remove(path);
            reply(response, 200, known);
        } else {
            reply(response, 200, known);
        }
    }
}

function reply(response: http.ServerResponse, status: number, body: JsonObject): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
}

/** A kubeconfig for a fake cluster, as text. */
export function kubeconfig(server: string): string {
    return JSON.stringify({
        clusters: [{ name: "fake", cluster: { server } }],
        contexts: [{ name: "fake", context: { cluster: "fake", user: "me" } }],
        users: [{ name: "me", user: { token: "secret" } }],
        "current-context": "fake",
    });
}
