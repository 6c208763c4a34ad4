/** Events about the api's pod, over the API server, with the token that the pod has for this alone. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";

/** The pod that the Events are about, and how the API server is reached. */
export interface PodIdentity {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    /** Host and port of the API server. */
    readonly server: { readonly host: string; readonly port: number };
    /** Folder with the token and the certificate authority. */
    readonly credentials: string;
}

const component = "synergychat-guard";
const queueLimit = 100;
const requestLimit = 5000; // ms

/** Events that are still to be sent, in their order. None is lost while the API server does not answer, up to a limit. */
export class Events {
    private readonly pod: PodIdentity;
    private readonly waiting: object[] = [];
    private isSending = false;

    public constructor(pod: PodIdentity) {
        this.pod = pod;
    }

    /** Adds an Event. */
    public add(reason: string, message: string, date = new Date()): void {
        console.log(`${reason}: ${message}`);
        const { name, namespace, uid } = this.pod;
        const time = date.toISOString().replace(/\.\d+Z$/, "Z");
        this.waiting.push({
            apiVersion: "v1",
            kind: "Event",
            metadata: { generateName: `${name}.`, namespace },
            involvedObject: { apiVersion: "v1", kind: "Pod", name, namespace, uid },
            type: "Warning",
            reason,
            message,
            source: { component },
            reportingComponent: component,
            reportingInstance: name,
            firstTimestamp: time,
            lastTimestamp: time,
            count: 1,
        });
        this.waiting.splice(0, this.waiting.length - queueLimit);
    }

    /** Sends what waits, until one is not taken. */
    public async send(): Promise<void> {
        if (this.isSending) {
            return;
        }
        this.isSending = true;
        try {
            for (let [next] = this.waiting; next !== undefined; [next] = this.waiting) {
                const status = await this.post(next);
                // The API server has refused it, and would refuse it again.
                const isDone = status >= 200 && status < 500 && status !== 429;
                if (!isDone) {
                    return;
                }
                if (status >= 300) {
                    console.error(`The API server refused an Event: status ${status}`);
                }
                this.waiting.shift();
            }
        } finally {
            this.isSending = false;
        }
    }

    /** The status of the answer. 0: there is none. */
    private post(event: object): Promise<number> {
        const { namespace, server, credentials } = this.pod;
        return new Promise((resolve) => {
            try {
                const asked = request(
                    {
                        ...server,
                        path: `/api/v1/namespaces/${namespace}/events`,
                        method: "POST",
                        ca: readFileSync(join(credentials, "ca.crt")),
                        headers: {
                            "Content-Type": "application/json",
                            // Read each time, since the kubelet replaces the token every hour.
                            Authorization: `Bearer ${readFileSync(join(credentials, "token"), "utf8")}`,
                        },
                        timeout: requestLimit,
                    },
                    (response) => {
                        response.resume();
                        response.on("end", () => {
                            resolve(response.statusCode ?? 0);
                        });
                    },
                );
                asked.on("timeout", () => asked.destroy(new Error("timeout")));
                asked.on("error", () => {
                    resolve(0);
                });
                asked.end(JSON.stringify(event));
            } catch {
                resolve(0);
            }
        });
    }
}
