/** Jobs that a command or the program starts and waits for, and why one failed, in the words of its pod. */
import { kindOf, listPath, objectPath } from "../model/kinds";
import { UserError } from "../system/errors";
import type { Client } from "./client";
import type { Job, LiveObject, Pod } from "./objects";
import { podsThatCannotStart } from "./rollout";

/** How a Job ended. */
export type JobEnd =
    | { readonly ok: true; readonly log: string }
    /** `reason` is a full sentence, or what the program in the pod printed last. */
    | { readonly ok: false; readonly reason: string };

/** The Job to start: its name, its owner if it has one, and its spec. */
export interface JobToRun {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly spec: object;
    /** What is deleted takes the Job along. */
    readonly owner?: LiveObject | undefined;
}

const ttl = 600; // s for which an ended Job can still be looked at

/**
 * Starts a Job and waits for its end.
 *
 * @param seconds limit of the wait. Afterwards the Job counts as failed.
 * @param container whose log is returned.
 */
export async function runJob(
    client: Client,
    namespace: string,
    job: JobToRun,
    { seconds, container }: { readonly seconds: number; readonly container: string },
): Promise<JobEnd> {
    const path = listPath(kindOf("Job"), namespace);
    client.bodyOf(await client.post(path, manifest(job)), path);
    try {
        const end = await client.waitUntil(
            `Job ${job.name} ends`,
            async () => ending(client, namespace, job.name),
            seconds,
        );
        return end === "complete"
            ? { ok: true, log: await logOf(client, namespace, job.name, container) }
            : { ok: false, reason: await reasonOf(client, namespace, job.name) };
    } catch (error) {
        if (!(error instanceof UserError)) {
            throw error;
        }
        return { ok: false, reason: await reasonOf(client, namespace, job.name) };
    }
}

function manifest({ name, labels, spec, owner }: JobToRun): object {
    const reference = owner && {
        apiVersion: "batch/v1",
        kind: owner.kind,
        name: owner.metadata.name,
        uid: owner.metadata.uid,
    };
    return {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name, labels, ...(reference && { ownerReferences: [reference] }) },
        spec: { ...spec, ttlSecondsAfterFinished: ttl },
    };
}

/** Also if a pod cannot start, which no Job ends for before its deadline. */
async function ending(
    client: Client,
    namespace: string,
    name: string,
): Promise<"complete" | "failed" | false> {
    const { status } = await client.get<Job>(objectPath("Job", name, namespace));
    const is = (type: string) =>
        (status?.conditions ?? []).some(
            (condition) => condition.type === type && condition.status === "True",
        );
    return is("Complete") ? "complete" : is("Failed") ? "failed" : false;
}

/** The last line of the container that failed, else what keeps its pod from starting. */
async function reasonOf(client: Client, namespace: string, job: string): Promise<string> {
    const pods = await podsOf(client, namespace, job);
    for (const pod of pods) {
        const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
        const failed = [...initContainerStatuses, ...containerStatuses].find(
            ({ state, restartCount = 0 }) => (state?.terminated?.exitCode ?? 0) !== 0 || restartCount > 0,
        );
        if (failed) {
            const previous = failed.state?.terminated ? "" : "&previous=true";
            const log = await readLog(
                client,
                namespace,
                pod.metadata.name,
                `${failed.name ?? ""}${previous}`,
            );
            const last = log.trim().split("\n").at(-1) ?? "";
            return last === "" ? `container ${failed.name ?? ""} failed.` : last;
        }
    }
    const [stuck] = podsThatCannotStart(pods);
    return stuck?.reason ?? `Job ${job} did not end in time.`;
}

async function logOf(client: Client, namespace: string, job: string, container: string): Promise<string> {
    const [pod] = await podsOf(client, namespace, job);
    return pod ? readLog(client, namespace, pod.metadata.name, container) : "";
}

async function readLog(client: Client, namespace: string, pod: string, container: string): Promise<string> {
    const answer = await client.read(
        `/api/v1/namespaces/${namespace}/pods/${pod}/log?container=${container}`,
    );
    return answer.kind === "found"
        ? typeof answer.body === "string"
            ? answer.body
            : JSON.stringify(answer.body)
        : "";
}

/** The newest first. */
async function podsOf(client: Client, namespace: string, job: string): Promise<readonly Pod[]> {
    const selector = encodeURIComponent(`batch.kubernetes.io/job-name=${job}`);
    const pods = await client.list<Pod>(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`);
    return [...pods].sort((a, b) =>
        (a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1,
    );
}
