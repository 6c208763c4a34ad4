/** What keeps a pod from running, in the words of the cluster. */
import { kindOf, listPath } from "../model/kinds.ts";
import type { Client } from "./client.ts";
import { type Claim, type ClusterEvent, type Pod, claimsOf, conditionOf } from "./objects.ts";

/** How long an obstacle may last, in ms. A volume that is provisioned and an image that is pulled take their time. */
export const patience = 60_000;

/** Reasons for which a container that starts waits. Time alone cures no other, such as ImagePullBackOff or CrashLoopBackOff. */
const startReasons = ["", "ContainerCreating", "PodInitializing"];

/** What keeps a pod from running, in full sentences. Undefined: it runs, has ended, or may still start. */
export async function podObstacle(client: Client, namespace: string, pod: Pod): Promise<string | undefined> {
    const { metadata, status } = pod;
    const problem = podProblem(pod);
    if (status?.phase !== "Pending" || metadata.deletionTimestamp) {
        return problem && sentence(problem);
    }
    // A claim that is never bound keeps every pod that mounts it from starting. The pod itself does not name it.
    const [unbound] = await unboundClaims(client, namespace, claimsOf(pod.spec));
    return unbound ?? (problem ? sentence(problem) : lastWarning(client, namespace, metadata.name));
}

/** What a pod's own status says about it. Undefined: it runs, or may still start. */
export function podProblem({ metadata, status }: Pod): string | undefined {
    if (metadata.deletionTimestamp) {
        return undefined;
    }
    const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    const waiting = statuses.flatMap(({ name = "", state, lastState }) => {
        const { reason = "", message = "" } = state?.waiting ?? {};
        // Why the container could not be started is in its last state: the waiting reason is only the back-off then.
        const cause = lastState?.terminated?.message ?? "";
        return startReasons.includes(reason)
            ? []
            : [`container ${name}: ${reason}. ${message} ${cause}`.trim()];
    });
    if (waiting.length > 0) {
        return waiting.join("; ");
    }
    const unscheduled = conditionOf({ status }, "PodScheduled", "False");
    return unscheduled && `${unscheduled.reason ?? ""}: ${unscheduled.message ?? ""}`;
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

/** Which of these claims have no volume, and why, in full sentences. */
export async function unboundClaims(
    client: Client,
    namespace: string,
    names: readonly string[],
): Promise<readonly string[]> {
    const claims = await client.listIfAllowed<Claim>(listPath(kindOf("PersistentVolumeClaim"), namespace));
    const unbound = (claims ?? []).filter(
        ({ metadata, status }) => names.includes(metadata.name) && status?.phase !== "Bound",
    );
    return Promise.all(
        unbound.map(async ({ metadata: { name }, status }) => {
            const event = await newestEvent(client, namespace, name);
            const reason = event ? ` ${sentence(event.message ?? "")}` : "";
            return `Claim ${name} is not bound to a volume (${status?.phase ?? "unknown"}).${reason}`;
        }),
    );
}

async function newestEvent(client: Client, namespace: string, name: string) {
    const selector = encodeURIComponent(`involvedObject.name=${name}`);
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=${selector}`;
    return newest((await client.listIfAllowed<ClusterEvent>(path)) ?? []);
}

/** The newest of these events. Undefined if there is none. */
export function newest(events: readonly ClusterEvent[]): ClusterEvent | undefined {
    const timeOf = ({ lastTimestamp, eventTime, metadata }: ClusterEvent) =>
        lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "";
    return events.toSorted((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1))[0];
}
