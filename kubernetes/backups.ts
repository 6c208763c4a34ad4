/** The backups of a stack: made by a Job from the CronJob's template, listed and read by a pod that mounts their claim. */
import { objectPath } from "../model/kinds.ts";
import { backupName, firstBackupName, toolPaths } from "../model/names.ts";
import { selectorLabels } from "../model/labels.ts";
import type { Backup, BackupReason } from "../pods/backups.ts";
import { UserError } from "../system/errors.ts";
import { ChatApi } from "./chat-api.ts";
import type { Client } from "./client.ts";
import { type JobToRun, runJob, startJob } from "./jobs.ts";
import type { CronJob, Pod } from "./objects.ts";
import { patience, podObstacle, sentence } from "./obstacles.ts";
import { type Clock, lasting, poll } from "./poll.ts";

/** How a backup ended. */
export type BackupEnd =
    | { readonly ok: true; readonly backup: Backup }
    /** `job` is the name of the Job that failed. Undefined: none was started. */
    | { readonly ok: false; readonly reason: string; readonly job: string | undefined };

const answerSeconds = 30; // an api that was just restarted answers sooner
const jobSeconds = 660; // the Job's own deadline, and a minute
const readerName = "synergychat-backups-reader";
const readerSeconds = 600; // after which a pod that a killed command started ends by itself

/** The CronJob that makes the backups. Undefined if the stack makes none, or if the user may not see it. */
export function findCronJob(client: Client, namespace: string): Promise<CronJob | undefined> {
    return client.findIfAllowed<CronJob>(objectPath("CronJob", backupName, namespace));
}

/** Makes a backup now, and waits until it is proven. As `kubectl create job --from`, with a reason. */
export async function makeBackup(
    client: Client,
    cronJob: CronJob,
    reason: BackupReason,
    clock?: Clock,
): Promise<BackupEnd> {
    const { namespace = "" } = cronJob.metadata;
    const api = new ChatApi(client, namespace);
    const answers = async () => (await api.messagesAt(api.serviceProxy())) !== undefined;
    // A Job would wait for minutes for an api that has a torn file, or no pod.
    if (!(await poll(answers, { seconds: answerSeconds, inVain: () => false, clock }))) {
        const problem = `The api has not returned its messages for ${answerSeconds} s, so there is nothing to copy.`;
        return { ok: false, reason: problem, job: undefined };
    }
    const job = jobFrom(cronJob, reason);
    const end = await runJob(client, namespace, job, { seconds: jobSeconds, container: "prove" });
    if (!end.ok) {
        return { ...end, job: job.name };
    }
    const last = end.log.trim().split("\n").at(-1) ?? "";
    return { ok: true, backup: JSON.parse(last) as Backup };
}

/**
 * Starts the first backup of a stack, unless its CronJob has made one. It is no resource of the stack: whoever deletes the
 * finished Job must not make Pulumi run it again.
 *
 * @returns why it cannot be started, as a full sentence.
 */
export async function startFirstBackup(client: Client, namespace: string): Promise<string | undefined> {
    const cronJob = await findCronJob(client, namespace);
    if (!cronJob || cronJob.status?.lastSuccessfulTime !== undefined) {
        return undefined;
    }
    const job = { ...jobFrom(cronJob, "first"), name: firstBackupName };
    const answer = await startJob(client, namespace, job);
    const isRunning = answer.kind === "failed" && answer.status === 409;
    return answer.kind === "found" || isRunning ? undefined : sentence(answer.message);
}

/** The Job that makes a backup for another reason than the schedule. It goes with its CronJob. */
export function jobFrom(cronJob: CronJob, reason: BackupReason, date = new Date()): JobToRun {
    const { metadata, spec } = cronJob.spec?.jobTemplate ?? {};
    const withReason = (_: string, value: unknown) =>
        (value as { name?: unknown } | undefined)?.name === "REASON"
            ? { name: "REASON", value: reason }
            : value;
    const time = date.toISOString().replace(/[-:]/g, "").slice(0, 15).toLowerCase();
    return {
        name: `${backupName}-${reason}-${time}z`,
        labels: (metadata?.labels ?? {}) as Readonly<Record<string, string>>,
        spec: JSON.parse(JSON.stringify(spec ?? {}, withReason)) as object,
        owner: { ...cronJob, kind: "CronJob" },
    };
}

/** All backups, the newest first. Undefined if the stack makes none. */
export async function listBackups(client: Client, namespace: string): Promise<readonly Backup[] | undefined> {
    const text = await readerOutput(client, namespace, ["list"]);
    return text === undefined ? undefined : (JSON.parse(text) as readonly Backup[]);
}

/** The text of a backup. Undefined if the stack makes none. A UserError says that this one is missing or damaged. */
export function readBackup(client: Client, namespace: string, name: string): Promise<string | undefined> {
    return readerOutput(client, namespace, ["read", name]);
}

/**
 * What pods/backup.ts prints in a pod that mounts the backups. It is run in the pod instead of being the pod's own program:
 * a kubelet cuts a log off at 10 MiB, and a long chat is longer.
 */
async function readerOutput(client: Client, namespace: string, args: readonly string[]) {
    const cronJob = await client.find<CronJob>(objectPath("CronJob", backupName, namespace));
    if (!cronJob) {
        return undefined;
    }
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const answer = await client.post<Pod>(path, readerPod(cronJob));
    if (answer.kind !== "found") {
        throw new UserError(`The backups cannot be read. ${sentence(answer.message)}`); // for example a quota for pods
    }
    const { name } = answer.body.metadata;
    try {
        await waitUntilRunning(client, namespace, name);
        const command = ["node", `${toolPaths.code}/backup.ts`, ...args];
        const into = { pod: name, container: "reader" };
        const { status, stdout, stderr } = client.exec(namespace, into, command);
        if (status !== 0) {
            throw new UserError(reasonIn(stderr) ?? `Pod ${name} did not read the backups.`);
        }
        return stdout;
    } finally {
        await client.delete(`${path}/${name}`);
    }
}

/** What the program printed, without what kubectl adds to it. */
function reasonIn(stderr: string): string | undefined {
    const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("command terminated"));
    return lines.at(-1);
}

/**
 * A pod like the one that proves a backup: so it needs nothing from the cluster that a backup does not need. It goes with
 * the CronJob if a killed command leaves it.
 */
export function readerPod({ metadata, spec }: CronJob): object {
    const { metadata: { labels } = {}, spec: pod } = spec?.jobTemplate?.spec?.template ?? {};
    const [prover] = pod?.containers ?? [];
    const { name, uid } = metadata;
    return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
            generateName: `${readerName}-`,
            labels: { ...labels, app: readerName },
            ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name, uid }],
        },
        spec: {
            ...pod,
            activeDeadlineSeconds: readerSeconds,
            terminationGracePeriodSeconds: 0,
            affinity: besideApi,
            initContainers: [],
            containers: [
                {
                    ...prover,
                    name: "reader",
                    command: ["node", "--eval", "setTimeout(() => undefined, 2 ** 31 - 1)"],
                    volumeMounts: prover?.volumeMounts?.map((mount) => ({ ...mount, readOnly: true })),
                },
            ],
        },
    };
}

/** A guard may mount the claim as well, and then its node is the only one that can. But an api without a pod has no node. */
const besideApi = {
    podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
            {
                weight: 100,
                podAffinityTerm: {
                    labelSelector: { matchLabels: selectorLabels("api") },
                    topologyKey: "kubernetes.io/hostname",
                },
            },
        ],
    },
};

async function waitUntilRunning(client: Client, namespace: string, name: string): Promise<void> {
    const lasts = lasting<string>(patience);
    await client.waitUntil(
        `pod ${name} runs`,
        async () => {
            const pod = await client.get<Pod>(`/api/v1/namespaces/${namespace}/pods/${name}`);
            if (pod.status?.phase === "Running") {
                return true;
            }
            const obstacle = lasts(await podObstacle(client, namespace, pod));
            if (obstacle !== undefined) {
                throw new UserError(`The backups cannot be read. ${obstacle}`);
            }
            return false;
        },
        300,
        `kubectl get pods,events --namespace ${namespace}`,
    );
}
