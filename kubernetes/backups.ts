/** The backups of a stack: made by a Job from the CronJob's template, listed and read by a pod that mounts their claim. */
import { basename } from "node:path";
import { objectPath } from "../model/kinds.ts";
import { backupName, backupsReaderName, firstBackupName, sendContainer, toolPaths } from "../model/names.ts";
import { preferNodeOfApi } from "../model/labels.ts";
import { type Backup, type BackupReason, backupNamed } from "../pods/backups.ts";
import { UserError } from "../system/errors.ts";
import { parseJson } from "../system/json.ts";
import type { Ended } from "../system/process.ts";
import { ChatApi } from "./chat-api.ts";
import type { Client } from "./client.ts";
import { type JobToRun, runJob, startJob } from "./jobs.ts";
import type { CronJob, Pod } from "./objects.ts";
import { patience, podObstacle, sentence } from "./obstacles.ts";
import { type Clock, lasting, poll } from "./poll.ts";

/** How a backup ended. `job` is the name of its Job. Undefined: none was started. */
export type BackupEnd =
    /** `notSent` says why it was not copied to the target. Undefined: it was, or there is none. */
    | {
          readonly ok: true;
          readonly backup: Backup;
          readonly notSent: string | undefined;
          readonly job: string;
      }
    | { readonly ok: false; readonly reason: string; readonly job: string | undefined };

const answerSeconds = 30; // an api that was just restarted answers sooner
const jobSeconds = 660; // the Job's own deadline, and a minute
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
    // The backup is printed once it is proven. What failed then is the copy to the target.
    const backup = parseJson(end.log?.trim().split("\n").at(-1) ?? "") as Backup | undefined;
    if (!backup) {
        const unread =
            "The backup was made, but its name is in the log of its pod, which cannot be read (pods/log).";
        return { ok: false, reason: end.ok ? unread : end.reason, job: job.name };
    }
    const notSent = end.ok ? undefined : sentence(end.reason);
    return { ok: true, backup, notSent, job: job.name };
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

/** A backup, and where it is. */
export interface PlacedBackup extends Backup {
    readonly places: readonly ("claim" | "target")[];
}

export interface FoundBackups {
    /** The newest first. */
    readonly backups: readonly PlacedBackup[];
    /** Why the target cannot be listed. Undefined: it can, or there is none. */
    readonly targetProblem: string | undefined;
}

/** All backups, on the claim and in the target. Undefined if the stack makes none. */
export function listBackups(client: Client, namespace: string): Promise<FoundBackups | undefined> {
    return withReader(client, namespace, (claim, target) => {
        const here = JSON.parse(outputOf(claim("list"))) as readonly Backup[];
        const asked = target?.("list");
        const there = asked?.status === 0 ? copiesIn(asked.stdout) : [];
        return {
            backups: placed(here, there),
            targetProblem: asked && asked.status !== 0 ? sentence(reasonIn(asked)) : undefined,
        };
    });
}

/** The copies that restic's list of snapshots has: each is a snapshot of one backup. */
export function copiesIn(snapshots: string): readonly Backup[] {
    return (JSON.parse(snapshots) as readonly Snapshot[]).flatMap(({ paths: [path = ""], summary }) =>
        backupNamed(basename(path), {
            size: summary?.total_bytes_processed ?? 0,
            proven: true,
            ...(summary && { time: summary.backup_end.replace(/\.\d+/, "") }),
        }),
    );
}

interface Snapshot {
    readonly paths: readonly string[];
    readonly summary?: { readonly total_bytes_processed: number; readonly backup_end: string };
}

/** The backups of both places, each once. */
export function placed(here: readonly Backup[], there: readonly Backup[]): readonly PlacedBackup[] {
    const places = { claim: here, target: there };
    const isIn = (backups: readonly Backup[], { name }: Backup) => backups.some((one) => one.name === name);
    return [...here, ...there.filter((copy) => !isIn(here, copy))]
        .map((backup) => ({
            ...backup,
            places: (["claim", "target"] as const).filter((place) => isIn(places[place], backup)),
        }))
        .sort((one, other) => (one.name < other.name ? 1 : -1));
}

/**
 * The text of a backup, from the claim or else from the target. Undefined if the stack makes none. A UserError says that this
 * one is missing or damaged.
 */
export function readBackup(client: Client, namespace: string, name: string): Promise<string | undefined> {
    return withReader(client, namespace, (claim, target) => {
        const here = claim("read", name);
        return outputOf(here, ...(here.status === 0 || !target ? [] : [target("read", name)]));
    });
}

/** Runs the program of one place in the pod. */
type Reader = (...args: readonly string[]) => Ended;

/**
 * Lists or reads by the programs of folder pods/, in a pod that mounts the backups. They are run in the pod instead of being
 * the pod's own: a kubelet cuts a log off at 10 MiB, and a long chat is longer.
 *
 * @param use `target` is undefined if the stack has none.
 */
async function withReader<T>(
    client: Client,
    namespace: string,
    use: (claim: Reader, target: Reader | undefined) => T,
): Promise<T | undefined> {
    const cronJob = await client.find<CronJob>(objectPath("CronJob", backupName, namespace));
    if (!cronJob) {
        return undefined;
    }
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const pod = readerPod(cronJob);
    const answer = await client.post<Pod>(path, pod);
    if (answer.kind !== "found") {
        throw new UserError(`The backups cannot be read. ${sentence(answer.message)}`); // for example a quota for pods
    }
    const { name } = answer.body.metadata;
    try {
        await waitUntilRunning(client, namespace, name);
        const run =
            (container: string, ...program: readonly string[]): Reader =>
            (...args) =>
                client.exec(namespace, { pod: name, container }, [...program, ...args]);
        return use(
            run("prove", "node", `${toolPaths.code}/backup.js`),
            pod.spec.containers.length > 1
                ? run(sendContainer, "sh", `${toolPaths.code}/target.sh`)
                : undefined,
        );
    } finally {
        await client.delete(`${path}/${name}`);
    }
}

/** What the first one printed that succeeded. A UserError has the reasons of all. */
function outputOf(...tries: readonly Ended[]): string {
    const good = tries.find(({ status }) => status === 0);
    if (!good) {
        throw new UserError(tries.map((one) => sentence(reasonIn(one))).join(" "));
    }
    return good.stdout;
}

/** What the program printed last, without what kubectl adds to it. */
function reasonIn({ stderr }: Ended): string {
    const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("command terminated"));
    return lines.at(-1) ?? "The program in the pod ended without a reason.";
}

/**
 * A pod like the one that proves a backup: so it needs nothing from the cluster that a backup does not need. It goes with
 * the CronJob if a killed command leaves it.
 */
export function readerPod({ metadata, spec }: CronJob) {
    const { metadata: { labels } = {}, spec: pod } = spec?.jobTemplate?.spec?.template ?? {};
    const containers = [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
    const idle = (container: string, ...command: readonly string[]) =>
        containers
            .filter((one) => one.name === container)
            .map((one) => ({
                ...one,
                command,
                volumeMounts: one.volumeMounts?.map((mount) => ({ ...mount, readOnly: true })),
            }));
    const { name, uid } = metadata;
    return {
        apiVersion: "v1",
        kind: "Pod",
        metadata: {
            generateName: `${backupsReaderName}-`,
            labels: { ...labels, app: backupsReaderName },
            ownerReferences: [{ apiVersion: "batch/v1", kind: "CronJob", name, uid }],
        },
        spec: {
            ...pod,
            activeDeadlineSeconds: readerSeconds,
            terminationGracePeriodSeconds: 0,
            // A guard may mount the claim as well, and then its node is the only one that can. But an api without a pod has no node.
            affinity: preferNodeOfApi,
            initContainers: [],
            containers: [
                ...idle("prove", "node", "--eval", "setTimeout(() => undefined, 2 ** 31 - 1)"),
                ...idle(sendContainer, "sleep", String(readerSeconds)),
            ],
        },
    };
}

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
