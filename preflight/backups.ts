/** Backups that are missing: the last one failed, the newest one is too old, or there are none. */
import type { Settings } from "../config/settings.ts";
import type { FoundBackups } from "../kubernetes/backups.ts";
import type { CronJob, Job, LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Fix, type Found, error, fix, warning } from "../model/finding.ts";
import { backupName, sendContainer, upgradeJobPrefix, workloadName } from "../model/names.ts";
import { longestAge } from "../model/schedule.ts";

/** Keys of the Secret of a target: restic's environment. */
const targetSecretKeys = ["RESTIC_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/**
 * A Secret of the target that is missing or lacks a key. Before there is a namespace, there can be no Secret: then it is a
 * warning, and the first backups stay in the cluster.
 */
export function incompleteSecret(
    { backups, namespace }: Settings,
    { namespace: live, targetSecret: found }: Pick<ClusterSnapshot, "namespace" | "targetSecret">,
): Found {
    const name = backups?.target?.secretName;
    if (name === undefined || found === "forbidden") {
        return [];
    }
    const lacking = targetSecretKeys.filter((key) => found?.data?.[key] === undefined);
    if (lacking.length === 0) {
        return [];
    }
    const where = `--namespace ${namespace}`;
    const missing = found ? `Secret ${name} has no ${lacking.join(", ")}` : `There is no Secret ${name}`;
    return (live ? error : warning)(
        "target-secret-incomplete",
        `${missing} (backupTargetSecret), so no backup can be copied to backupTarget. Write the keys ${targetSecretKeys.join(", ")} ` +
            "to a file target.env, each in a line KEY=VALUE.",
        fix(
            live ? "Create it" : "Create it as soon as there is the namespace",
            `kubectl delete secret ${name} ${where} --ignore-not-found`,
            `kubectl create secret generic ${name} ${where} --from-env-file=target.env`,
        ),
        live && fix("Copy no backups", "pulumi config rm backupTarget"),
    );
}

/** Warnings about the backups of a stack that has some. */
export function missingBackups(
    { backups, namespace }: Settings,
    { objects }: Pick<ClusterSnapshot, "objects">,
    now = new Date(),
): readonly Finding[] {
    const cronJob = cronJobIn(objects);
    if (!backups || !cronJob) {
        return [];
    }
    return [failedBackup(objects, namespace), overdueBackup(cronJob, namespace, now)].flat();
}

/** The CronJob that makes the backups. Undefined if there is none. */
export function cronJobIn(objects: readonly LiveObject[]): CronJob | undefined {
    return objects.find(({ kind, metadata }) => kind === "CronJob" && metadata.name === backupName) as
        CronJob | undefined;
}

function failedBackup(objects: readonly LiveObject[], namespace: string): Found {
    const [newest] = (objects as readonly Job[])
        .filter(({ kind, metadata }) => kind === "Job" && metadata.name.startsWith(`${backupName}-`))
        // The update that tries an image on a backup says itself what failed, and mostly the image did.
        .filter(({ metadata }) => !metadata.name.startsWith(upgradeJobPrefix))
        .filter(({ status }) => status?.completionTime !== undefined || hasFailed(status))
        .sort((a, b) =>
            (a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1,
        );
    if (!newest || !hasFailed(newest.status)) {
        return [];
    }
    const { name } = newest.metadata;
    // The one rule of a backup's Job is about the copy to the target.
    if (newest.status?.conditions?.some(({ reason }) => reason === "PodFailurePolicy")) {
        return notCopied("The last backup of the messages", name, namespace);
    }
    const logs = `kubectl logs job/${name} --namespace ${namespace} --all-containers`;
    return warning(
        "backup-failed",
        `The last backup of the messages failed (Job ${name}).`,
        fix("See why", logs),
        fix("Make one now", "npm run backup"),
    );
}

/** A backup that is on its claim only. */
export function notCopied(backup: string, job: string, namespace: string, reason = ""): Finding {
    return warning(
        "backup-not-copied",
        `${backup} is proven, and its copy to backupTarget failed. It would be lost with this cluster. ${reason}`.trim(),
        fix("See why", `kubectl logs job/${job} --namespace ${namespace} --container ${sendContainer}`),
        fix("Make one now, and copy it", "npm run backup"),
    );
}

/** How far the clocks of the cluster and of this machine may differ, in ms. */
const clockSkew = 3600 * 1000;

function hasFailed(status: Job["status"]): boolean {
    return (status?.conditions ?? []).some(({ type, status: is }) => type === "Failed" && is === "True");
}

function overdueBackup({ metadata, spec, status }: CronJob, namespace: string, now: Date): Found {
    const newest = new Date(status?.lastSuccessfulTime ?? metadata.creationTimestamp ?? now);
    const { name } = metadata;
    if (newest.getTime() > now.getTime() + clockSkew) {
        return warning(
            "backup-overdue",
            `The newest scheduled backup that succeeded is of ${newest.toISOString()}, which is in the future: the clock of the cluster was ahead. Until then, Kubernetes starts no scheduled backup.`,
            fix(
                "Set the clock, and let the schedule begin anew",
                `kubectl delete cronjob ${name} --namespace ${namespace}`,
                "pulumi up --refresh",
            ),
        );
    }
    const age = (now.getTime() - newest.getTime()) / 1000;
    if (spec?.suspend === true || age <= (longestAge(spec?.schedule ?? "") ?? Infinity)) {
        return [];
    }
    return warning(
        "backup-overdue",
        `The newest scheduled backup that succeeded is of ${newest.toISOString()}, which is more than two intervals ago (${spec?.schedule ?? ""}).`,
        fix("See why", `kubectl describe cronjob ${name} --namespace ${namespace}`),
        fix("Make one now", "npm run backup"),
    );
}

/** What a command makes a backup for. */
export type Occasion = "manual" | "before-restore" | "before-switch" | "before-down";

/** A backup that failed. Nothing was changed. `job` is undefined if no Job was started. */
export function backupNotMade(
    occasion: Occasion,
    { reason, job, namespace }: Record<"reason" | "namespace", string> & { readonly job: string | undefined },
    ways: readonly Fix[],
): Finding {
    const where = `--namespace ${namespace}`;
    const look = job
        ? [`kubectl describe job ${job} ${where}`, `kubectl logs job/${job} ${where} --all-containers`]
        : [`kubectl get pods,events ${where}`, `kubectl logs deployment/${workloadName("api")} ${where}`];
    const see = fix(job ? "See its Job" : "See what the api does", ...look);
    const what = `The ${occasion} backup failed: ${reason}\nNothing was changed.`;
    return error("backup-not-made", what, see, ...ways);
}

/** A target that could not be listed, beside the claim. */
export function unreadableTarget({ targetProblem }: Pick<FoundBackups, "targetProblem">): readonly Finding[] {
    return targetProblem === undefined
        ? []
        : [warning("target-unreadable", `The copies in backupTarget cannot be listed. ${targetProblem}`)];
}

export function backupsOff({ backups }: Pick<Settings, "backups">): Finding {
    return error(
        "backups-off",
        backups
            ? "backupSchedule is set in the config, and the last up did not apply it."
            : "This stack makes no backups, because backupSchedule is not set.",
        fix("Write the messages to a file", "npm run backup -- --file messages.json"),
        backups
            ? fix("Apply it", "npm run up")
            : fix("Make backups every night", "pulumi config set backupSchedule '0 3 * * *'", "npm run up"),
    );
}
