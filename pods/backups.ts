/** Backups in their folder: their names, which say all about them, and which of them go. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Message, parse, writeDurably } from "./database.ts";

/** A backup, as its name and its file tell. */
export interface Backup {
    /** File name. */
    readonly name: string;
    /** When it was made, as ISO 8601. */
    readonly time: string;
    /** Size in bytes. */
    readonly size: number;
    /** How many messages it has. */
    readonly messages: number;
    /** Why it was made. */
    readonly reason: string;
    /** Whether the api's own image has returned all of them from a copy. */
    readonly proven: boolean;
}

/** The reason of the backups that the schedule makes, and of which only the newest are kept. */
export const scheduled = "scheduled";

/** How many backups of each other reason are kept. */
export const othersKept = 20;

const pattern = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-(\d+)-([0-9a-f]{8})-([a-z-]+)\.json$/;

/** Name of a backup of this text. */
export function nameOf(
    text: string,
    messages: readonly Message[],
    reason: string,
    date = new Date(),
): string {
    return `${timeName(date)}-${messages.length}-${checksum(text)}-${reason}.json`;
}

/** Path of the file that says that a backup is proven. */
export function proofOf(folder: string, name: string): string {
    return join(folder, `${name}.proven`);
}

/** All backups of a folder, the newest first. */
export function backupsIn(folder: string): readonly Backup[] {
    return readdirSync(folder)
        .sort()
        .reverse()
        .flatMap((name) => backupOf(folder, name) ?? []);
}

/** Undefined if the file is no backup, or if another run has deleted it in the meantime. */
function backupOf(folder: string, name: string): Backup | undefined {
    const [, year, month, day, hour, minute, second, messages, , reason] = pattern.exec(name) ?? [];
    const size = statSync(join(folder, name), { throwIfNoEntry: false })?.size;
    if (reason === undefined || size === undefined) {
        return undefined;
    }
    return {
        name,
        time: `${year ?? ""}-${month ?? ""}-${day ?? ""}T${hour ?? ""}:${minute ?? ""}:${second ?? ""}Z`,
        size,
        messages: Number(messages),
        reason,
        proven: existsSync(proofOf(folder, name)),
    };
}

/** Writes a backup and reads it back. If that fails, nothing is left under its name. */
export function writeBackup(folder: string, name: string, text: string): void {
    writeDurably(join(folder, name), text);
    try {
        readBackup(folder, name);
    } catch (error) {
        rmSync(join(folder, name), { force: true });
        throw error;
    }
}

/**
 * The text of a backup.
 *
 * @throws Error if there is none of that name, or if it is not what its name says.
 */
export function readBackup(folder: string, name: string): string {
    const [, , , , , , , messages, sum] = pattern.exec(name) ?? [];
    const path = join(folder, name);
    if (sum === undefined || !existsSync(path)) {
        throw new Error(`There is no backup ${name}.`);
    }
    const text = readFileSync(path, "utf8");
    const found = parse(text)?.length;
    if (checksum(text) !== sum || found !== Number(messages)) {
        throw new Error(
            `Backup ${name} is damaged: its checksum is ${checksum(text)}, and it has ${found ?? "no"} messages.`,
        );
    }
    return text;
}

/**
 * The backups that go, of all that there are: for each reason, proven ones are kept rather than others, and newer ones rather
 * than older ones. The one with most messages is never among them.
 *
 * @param backups the newest first.
 */
export function surplus(backups: readonly Backup[], scheduledKept: number): readonly Backup[] {
    const most = Math.max(...backups.map(({ messages }) => messages));
    const fullest = backups.find(({ messages }) => messages === most);
    const preferred = [...backups.filter(({ proven }) => proven), ...backups.filter(({ proven }) => !proven)];
    const reasons = [...new Set(backups.map(({ reason }) => reason))];
    return reasons
        .flatMap((reason) =>
            preferred
                .filter((backup) => backup.reason === reason)
                .slice(reason === scheduled ? scheduledKept : othersKept),
        )
        .filter((backup) => backup !== fullest);
}

/** Deletes the surplus, unless the newest backup is not proven: its run has failed, or goes on. */
export function prune(folder: string, scheduledKept: number): void {
    const backups = backupsIn(folder);
    if (backups[0]?.proven !== true) {
        return;
    }
    for (const { name } of surplus(backups, scheduledKept)) {
        rmSync(proofOf(folder, name), { force: true });
        rmSync(join(folder, name), { force: true });
    }
}

/** Deletes what killed runs have left: parts of files, older than a day. */
export function sweep(folder: string, now = Date.now()): void {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".part"))) {
        const changed = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? now;
        if (now - changed > 24 * 60 * 60 * 1000) {
            rmSync(join(folder, name), { force: true });
        }
    }
}

function checksum(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** A moment in a name, such as 20261125T120000Z. */
function timeName(date: Date): string {
    return date.toISOString().replaceAll(/[-:]|\.\d+/g, "");
}
