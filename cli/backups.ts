/** Backups as the commands make them: with a word about what was made, or one finding about why not. */
import type { Settings } from "../config/settings.ts";
import { type FoundBackups, findCronJob, makeBackup } from "../kubernetes/backups.ts";
import { type Finding, type Fix, error, fix, warning } from "../model/finding.ts";
import { workloadName } from "../model/names.ts";
import type { Backup } from "../pods/backups.ts";
import { notCopied } from "../preflight/backups.ts";
import { countMessages } from "../preflight/text.ts";
import { UserError } from "../system/errors.ts";
import type { Session } from "./session.ts";

type Occasion = "manual" | "before-restore" | "before-switch" | "before-down";

/**
 * Makes a backup and proves it, if the stack makes backups.
 *
 * @param without how to go on without it, for a command that makes it before it replaces or deletes messages.
 * @returns the backup. Undefined: the stack makes none.
 * @throws UserError if it fails. Nothing was changed.
 */
export async function makeProvenBackup(
    { output, client }: Pick<Session, "output" | "client">,
    namespace: string,
    occasion: Occasion,
    ...without: readonly Fix[]
): Promise<Backup | undefined> {
    const cronJob = await findCronJob(client, namespace);
    if (!cronJob) {
        return undefined;
    }
    output.info("Making a backup, and proving it: the api's own image starts on a copy of it ...");
    const end = await makeBackup(client, cronJob, occasion);
    if (!end.ok) {
        throw new UserError(output.render([backupNotMade(occasion, { ...end, namespace }, without)]));
    }
    const { name, messages, proven } = end.backup;
    output.info(`Backup ${name}: ${countMessages(messages)}, ${proven ? "proven" : "not proven"}.`);
    if (end.notSent !== undefined) {
        output.findings([notCopied(`Backup ${name}`, end.job, namespace, end.notSent)]);
        if (occasion === "manual") {
            process.exitCode = 1;
        }
    }
    return end.backup;
}

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

/** What was found of the backups. @throws UserError if that is nothing, because the stack makes none. */
export function requireBackups<T>(found: T | undefined, { settings, output }: Session): T {
    if (found === undefined) {
        throw new UserError(output.render([backupsOff(settings)]));
    }
    return found;
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
