/** What keeps a pod that somebody waits for from running, in the words of the cluster. */
import { kindOf, listPath } from "../model/kinds.ts";
import type { Client } from "./client.ts";
import { type Claim, type ClusterEvent, type Pod, claimsOf } from "./objects.ts";
import { podsThatCannotStart } from "./rollout.ts";

/** How long an obstacle may last, in ms. A volume that is provisioned and an image that is pulled take their time. */
export const patience = 60_000;

/** What keeps a pod from running, in full sentences. Undefined: it runs, has ended, or may still start. */
export async function podObstacle(client: Client, namespace: string, pod: Pod): Promise<string | undefined> {
    const { metadata, status } = pod;
    const reason = podsThatCannotStart([pod])[0]?.reason;
    if (status?.phase !== "Pending") {
        return reason;
    }
    const unbound = await unboundClaim(client, namespace, pod);
    return unbound ?? reason ?? (await lastWarning(client, namespace, metadata.name));
}

/** The newest event of an object if it is a warning: what the cluster tries to do in vain. */
export async function lastWarning(client: Client, namespace: string, name: string) {
    const newest = await newestEvent(client, namespace, name);
    return newest?.type === "Warning" ? sentence(newest.message ?? newest.reason ?? "") : undefined;
}

/** A text as a sentence. */
export function sentence(text: string): string {
    return text.trim().replace(/[.!]?$/, ".");
}

/** A claim that is never bound keeps every pod that mounts it from starting. The pod itself does not name it. */
async function unboundClaim(client: Client, namespace: string, { spec }: Pod): Promise<string | undefined> {
    const names = claimsOf(spec);
    const claims = await client.listIfAllowed<Claim>(listPath(kindOf("PersistentVolumeClaim"), namespace));
    const unbound = (claims ?? []).find(
        ({ metadata, status }) => names.includes(metadata.name) && status?.phase !== "Bound",
    );
    if (!unbound) {
        return undefined;
    }
    const { name } = unbound.metadata;
    const event = await newestEvent(client, namespace, name);
    return `Claim ${name} is not bound to a volume (${unbound.status?.phase ?? "unknown"}). ${event ? sentence(event.message ?? "") : ""}`.trim();
}

async function newestEvent(client: Client, namespace: string, name: string) {
    const selector = encodeURIComponent(`involvedObject.name=${name}`);
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`;
    return newest((await client.listIfAllowed<ClusterEvent>(path)) ?? []);
}

/** The newest of these events. Undefined if there is none. */
export function newest(events: readonly ClusterEvent[]): ClusterEvent | undefined {
    return [...events].sort((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1))[0];
}

/** When an event happened last, as a text that sorts. */
export function timeOf({ lastTimestamp, eventTime, metadata }: ClusterEvent): string {
    return lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "";
}
