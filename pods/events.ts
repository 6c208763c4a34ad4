/** Events of the api's pod, sent to the cluster's API with the token that is mounted into the guard's container. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** The pod that the Events are about, and the way to the cluster's API. */
export interface Cluster {
    readonly pod: { readonly name: string; readonly uid: string; readonly namespace: string };
    readonly host: string;
    readonly port: string;
    /** Folder of the mounted token and of the certificate of the cluster's authority. */
    readonly tokenFolder: string;
}

export interface PodEvent {
    readonly reason: string;
    readonly message: string;
    readonly type: "Normal" | "Warning";
    readonly at: Date;
    /** Makes the Event's name. An Event with the name of an earlier one is not made twice. Random if undefined. */
    readonly id?: string;
    /** Called when the cluster's API has answered, and will not change its answer. */
    readonly onSent?: () => void;
}

/** What the cluster's API answered: "refused" will not change if the Event is sent again. */
export type Answer = "accepted" | "refused" | "later";
export type Send = (event: PodEvent) => Promise<Answer>;

/** How many Events wait for an API server that does not answer. */
const limit = 100;

/** Sends Events one after the other, in the background, for as long as it takes. */
export class EventQueue {
    private readonly send: Send;
    private readonly pause: number;
    private readonly waiting: PodEvent[] = [];

    /** @param pause milliseconds until an Event that could not be sent is sent again. */
    public constructor(send: Send, pause = 5000) {
        this.send = send;
        this.pause = pause;
    }

    public add(event: PodEvent): void {
        this.waiting.push({ id: crypto.randomUUID(), ...event });
        if (this.waiting.length > limit) {
            this.waiting.shift();
        }
        if (this.waiting.length === 1) {
            void this.drain();
        }
    }

    private async drain(): Promise<void> {
        for (let event = this.waiting[0]; event; event = this.waiting[0]) {
            if ((await this.send(event)) === "later") {
                await sleep(this.pause);
                continue;
            }
            event.onSent?.();
            if (this.waiting[0] === event) {
                this.waiting.shift();
            }
        }
    }
}

/**
 * Sends one Event. It never rejects: problems are logged, and the answer says whether to try again.
 *
 * @param timeout milliseconds that the API server has for its answer.
 */
export function sendTo(cluster: Cluster, timeout = 5000): Send {
    let lastProblem = "";
    const log = (problem: string): void => {
        if (problem !== lastProblem) {
            lastProblem = problem;
            console.log(problem);
        }
    };
    return async (event) => {
        try {
            const { status, answer } = await post(cluster, objectOf(event, cluster), timeout);
            // 409: an earlier attempt succeeded, and its answer was lost.
            if (status < 300 || status === 409) {
                lastProblem = "";
                return "accepted";
            }
            log(`The cluster refused an Event: ${String(status)} ${answer.slice(0, 500)}`);
            // The kubelet renews an expired token. A server that is overloaded or starting answers later.
            return status === 401 || status === 429 || status >= 500 ? "later" : "refused";
        } catch (error) {
            log(`Events cannot be sent yet: ${(error as Error).message}`);
            return "later";
        }
    };
}

function objectOf({ reason, message, type, at, id = "" }: PodEvent, { pod }: Cluster): object {
    const time = at.toISOString().replace(/\.\d+/, "");
    return {
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: `${pod.name}.${id}`, namespace: pod.namespace },
        involvedObject: { apiVersion: "v1", kind: "Pod", ...pod },
        reason,
        message: message.slice(0, 1024),
        type,
        source: { component: "synergychat-guard" },
        reportingComponent: "synergychat-guard",
        reportingInstance: pod.name,
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
    };
}

async function post(cluster: Cluster, event: object, timeout: number) {
    const { request } = await import("node:https"); // Loaded now, it does not delay the guard's start.
    const mounted = (name: string): string => readFileSync(join(cluster.tokenFolder, name), "utf8");
    const sent = request({
        method: "POST",
        host: cluster.host,
        port: cluster.port,
        path: `/api/v1/namespaces/${cluster.pod.namespace}/events`,
        ca: mounted("ca.crt"),
        headers: { Authorization: `Bearer ${mounted("token").trim()}`, "Content-Type": "application/json" },
        signal: AbortSignal.timeout(timeout),
    });
    sent.end(JSON.stringify(event));
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return { status: response.statusCode ?? 0, answer: await text(response) };
}
