import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

export interface ReceivedEvent {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace: string };
    readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
    readonly reason: string;
    readonly message: string;
    readonly type: string;
    readonly reportingComponent: string;
    readonly firstTimestamp: string;
}

/** An API server that takes Events, and the token folder of a pod that may send them. */
export interface ApiServer {
    readonly server: Server;
    readonly port: string;
    /** Each request: its path, and its authorization. */
    readonly requests: { readonly path: string; readonly authorization: string }[];
    readonly events: ReceivedEvent[];
    /** The status of the next answers. "silent": no answer at all. */
    answer: number | "silent";
}

export async function startApiServer(folder: string): Promise<ApiServer> {
    makeCertificate(folder);
    const server = createServer({
        key: readFileSync(join(folder, "server.key")),
        cert: readFileSync(join(folder, "ca.crt")),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = String((server.address() as AddressInfo).port);
    const api: ApiServer = { server, port, requests: [], events: [], answer: 201 };
    server.on("request", (request, response) => {
        let body = "";
        request.on("data", (part: Buffer) => (body += part.toString()));
        request.on("end", () => {
            api.requests.push({
                path: request.url ?? "",
                authorization: request.headers.authorization ?? "",
            });
            if (api.answer === "silent") {
                return;
            }
            if (api.answer === 201) {
                api.events.push(JSON.parse(body) as ReceivedEvent);
            }
            response.writeHead(api.answer).end("{}");
        });
    });
    return api;
}

function makeCertificate(folder: string): void {
    const subject = ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1"];
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const files = ["-keyout", join(folder, "server.key"), "-out", join(folder, "ca.crt")];
    execFileSync("openssl", ["req", "-x509", "-days", "2", ...subject, ...key, ...files], { stdio: "pipe" });
    writeFileSync(join(folder, "token"), "first-token\n");
}
