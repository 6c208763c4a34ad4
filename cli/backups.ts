/** Backups as the commands make them: with a word about what was made, or one finding about why not. */
import { findCronJob, makeBackup } from "../kubernetes/backups.ts";
import type { Fix } from "../model/finding.ts";
import type { Backup } from "../pods/backups.ts";
import { type Occasion, backupNotMade, backupsOff, notCopied } from "../preflight/backups.ts";
import { countMessages } from "../preflight/text.ts";
import { UserError } from "../system/errors.ts";
import type { Session } from "./session.ts";

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

/** What was found of the backups. @throws UserError if that is nothing, because the stack makes none. */
export function requireBackups<T>(found: T | undefined, { settings, output }: Session): T {
    if (found === undefined) {
        throw new UserError(output.render([backupsOff(settings)]));
    }
    return found;
}
