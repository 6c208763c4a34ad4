/** Jobs that a command or the program starts and waits for, and why one failed, in the words of its pod. */
import { kindOf, listPath, objectPath } from "../model/kinds.ts";
import { workloadName } from "../model/names.ts";
import type { Client } from "./client.ts";
import { type Job, type LiveObject, type Pod, conditionOf } from "./objects.ts";
import { lastWarning, patience, podObstacle, sentence } from "./obstacles.ts";
import { lasting } from "./poll.ts";

/** How a Job ended. */
type Ending =
    | { readonly ok: true }
    /** `reason` is a full sentence, or what the program in the pod printed last. */
    | { readonly ok: false; readonly reason: string };

/** How a Job ended, and the log of the container that was asked for. Undefined: it could not be started. */
export type JobEnd = Ending & { readonly log: string | undefined };

export interface JobToRun {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly spec: object;
    /** The Job is deleted with its owner. A CronJob also counts its success as one of its own, as `kubectl create job --from`. */
    readonly owner?: LiveObject | undefined;
}

const ttl = 600; // s for which an ended Job can still be looked at

export function startJob(
    client: Client,
    namespace: string,
    { name, labels, spec, owner }: JobToRun,
): ReturnType<Client["post"]> {
    const { kind, metadata } = owner ?? {};
    const ofOwner = { apiVersion: "batch/v1", kind, name: metadata?.name, uid: metadata?.uid };
    return client.post(listPath(kindOf("Job"), namespace), {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name, labels, ...(owner && { ownerReferences: [{ ...ofOwner, controller: true }] }) },
        spec: { ...spec, ttlSecondsAfterFinished: ttl },
    });
}

/** Starts a Job, waits for its end, and returns the log of a container. After the limit, the Job counts as failed. */
export async function runJob(
    client: Client,
    namespace: string,
    job: JobToRun,
    { seconds, container }: { readonly seconds: number; readonly container: string },
): Promise<JobEnd> {
    const answer = await startJob(client, namespace, job);
    if (answer.kind !== "found") {
        // For example a quota for Jobs.
        return {
            ok: false,
            reason: `Its Job cannot be started: ${sentence(answer.message)}`,
            log: undefined,
        };
    }
    const start = performance.now();
    const lasts = lasting<string>(patience);
    const end = async (): Promise<Ending | undefined> => {
        const live = await client.get<Job>(objectPath("Job", job.name, namespace));
        if (conditionOf(live, "Complete")) {
            return { ok: true };
        }
        const failed = conditionOf(live, "Failed");
        if (failed) {
            return { ok: false, reason: await failureOf(client, namespace, job.name, failed.message ?? "") };
        }
        // An obstacle does not fail the Job before its deadline. At the deadline, the pod is deleted, and the reason with it.
        const pod = await podOf(client, namespace, job.name);
        // Without a pod, what keeps the Job from having one, as a quota does.
        const obstacle = await (pod
            ? podObstacle(client, namespace, pod)
            : lastWarning(client, namespace, job.name));
        const isLate = performance.now() - start > seconds * 1000;
        return lasts(obstacle) !== undefined || isLate
            ? { ok: false, reason: obstacle ?? `Job ${job.name} did not end within ${seconds} s.` }
            : undefined;
    };
    // Beyond the limit of its own, for the moment at which the API server does not answer.
    const ended = await client.waitUntil(`Job ${job.name} ends`, end, seconds + 60);
    const pod = await podOf(client, namespace, job.name);
    return { ...ended, log: await readLog(client, namespace, pod, container) };
}

/**
 * What the failed container printed last. The api of a Job's pod is stopped at the end of the pod, so its exit code says
 * something only if it was restarted before.
 */
async function failureOf(client: Client, namespace: string, job: string, message: string): Promise<string> {
    const pod = await podOf(client, namespace, job);
    const { initContainerStatuses = [], containerStatuses = [], message: ofPod } = pod?.status ?? {};
    const statuses = [...initContainerStatuses, ...containerStatuses];
    const isApi = ({ name }: { readonly name?: string | undefined }) => name === workloadName("api");
    const api = statuses.find((status) => isApi(status) && (status.restartCount ?? 0) > 0);
    const failed = statuses.find(
        (status) => !isApi(status) && (status.state?.terminated?.exitCode ?? 0) !== 0,
    );
    if (!pod || !(failed ?? api)) {
        return sentence(ofPod ?? (message || `Job ${job} failed.`));
    }
    const lastLine = async (container: string) =>
        (await readLog(client, namespace, pod, container)).trim().split("\n").at(-1) ?? "";
    const { name = "", state } = failed ?? {};
    const own =
        failed && ((await lastLine(name)) || `Container ${name}: ${state?.terminated?.reason ?? "failed"}.`);
    const cause = api && (await lastLine(api.name ?? ""));
    return [own, cause && `The api ended with: ${cause}`].filter(Boolean).join(" ");
}

async function readLog(client: Client, namespace: string, pod: Pod | undefined, container: string) {
    const path = `/api/v1/namespaces/${namespace}/pods/${pod?.metadata.name ?? ""}/log?container=${container}`;
    const answer = await client.read(path);
    const body = answer.kind === "found" ? answer.body : "";
    return typeof body === "string" ? body : JSON.stringify(body);
}

/** The newest pod of a Job. Undefined if it has none. */
async function podOf(client: Client, namespace: string, job: string): Promise<Pod | undefined> {
    const selector = encodeURIComponent(`batch.kubernetes.io/job-name=${job}`);
    const pods = await client.list<Pod>(`/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`);
    const time = ({ metadata }: Pod) => metadata.creationTimestamp ?? "";
    return [...pods].sort((one, other) => (time(one) < time(other) ? 1 : -1))[0];
}
