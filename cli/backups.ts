/** Backups as the commands make them: with a word about what was made, or one finding about why not. */
import type { Settings } from "../config/settings.ts";
import { findCronJob, makeBackup } from "../kubernetes/backups.ts";
import type { Client } from "../kubernetes/client.ts";
import type { Finding, Fix } from "../model/finding.ts";
import { workloadName } from "../model/names.ts";
import type { Backup } from "../pods/backups.ts";
import { countMessages } from "../preflight/text.ts";
import { UserError } from "../system/errors.ts";
import type { Output } from "./output.ts";

const occasions = {
    manual: "The backup",
    "before-restore": "The backup before the restore",
    "before-switch": "The backup before the switch",
    "before-down": "The backup before the destroy",
};

/** Why a command makes a backup. */
type Occasion = keyof typeof occasions;

/**
 * Makes a backup before a command replaces or deletes messages, if the stack makes backups. Nothing was changed yet, so
 * that a backup that fails costs nothing.
 *
 * @param without how to go on without it.
 * @throws UserError if it fails.
 */
export async function backupBefore(
    output: Output,
    client: Client,
    namespace: string,
    reason: Exclude<Occasion, "manual">,
    without: Fix,
): Promise<void> {
    const cronJob = await findCronJob(client, namespace);
    if (!cronJob) {
        return;
    }
    output.info("Making a backup, and proving it ...");
    const end = await makeBackup(client, cronJob, reason);
    if (!end.ok) {
        throw new UserError(output.render([backupNotMade(reason, { ...end, namespace }, [without])]));
    }
    output.info(describeBackup(end.backup));
}

/** A backup in words. */
export function describeBackup({ name, messages, proven }: Backup): string {
    return `Backup ${name}: ${countMessages(messages)}, ${proven ? "proven" : "not proven"}.`;
}

interface FailedBackup {
    readonly reason: string;
    /** Name of the Job. Undefined: none was started. */
    readonly job: string | undefined;
    readonly namespace: string;
}

/** A backup that failed. Nothing was changed. */
export function backupNotMade(
    occasion: Occasion,
    { reason, job, namespace }: FailedBackup,
    ways: readonly Fix[],
): Finding {
    const look: Fix =
        job === undefined
            ? {
                  to: "See what the api does",
                  run: [
                      `kubectl get pods,events --namespace ${namespace}`,
                      `kubectl logs deployment/${workloadName("api")} --namespace ${namespace}`,
                  ],
              }
            : {
                  to: "See its Job",
                  run: [
                      `kubectl describe job ${job} --namespace ${namespace}`,
                      `kubectl logs job/${job} --namespace ${namespace} --all-containers`,
                  ],
              };
    return {
        code: "backup-not-made",
        severity: "error",
        subject:
            job === undefined
                ? { kind: "Deployment", name: workloadName("api"), namespace }
                : { kind: "Job", name: job, namespace },
        reason: `${occasions[occasion]} failed: ${reason}\nNothing was changed.`,
        fixes: [look, ...ways],
    };
}

/** A stack without backups, for a command that needs them. */
export function backupsOff({ backups }: Pick<Settings, "backups">): Finding {
    const toFile: Fix = {
        to: "Write the messages to a file",
        run: ["npm run backup -- --file messages.json"],
    };
    const finding = (key: string, reason: string, fixes: readonly Fix[]): Finding => ({
        code: "backups-off",
        severity: "error",
        subject: { key },
        reason,
        fixes: [toFile, ...fixes],
    });
    if (!backups) {
        return finding("backupSchedule", "This stack makes no backups, because backupSchedule is not set.", [
            {
                to: "Make backups every night",
                run: ["pulumi config set backupSchedule '0 3 * * *'", "npm run up"],
            },
        ]);
    }
    return finding(
        "backupSchedule",
        "backupSchedule is set in the config, and the last up did not apply it.",
        [{ to: "Apply it", run: ["npm run up"] }],
    );
}
