/** Backups in their folder: their names, which say all about them, and which of them go. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Message, parse, readIfThere } from "./database.ts";
import { writeDurably } from "./durable.ts";

/** A backup, as its name and its file tell. */
export interface Backup {
    readonly name: string;
    /** When its file was written, as ISO 8601. */
    readonly time: string;
    /** In bytes. */
    readonly size: number;
    /** How many messages it has. */
    readonly messages: number;
    readonly reason: string;
    /** Whether the api's own image has returned all of them from a copy. */
    readonly proven: boolean;
}

/** Why a backup is made, as a part of its name. */
export type BackupReason =
    "scheduled" | "first" | "manual" | "before-upgrade" | "before-restore" | "before-switch" | "before-down";

/** How many backups for other reasons than the schedule are kept, all together. */
export const othersKept = 20;

const pattern = /^(\d{8}T\d{6}Z)-(\d+)-([0-9a-f]{8})-([a-z-]+)\.json$/;

/** Whether a text can be the name of a backup. */
export function isBackupName(name: string): boolean {
    return pattern.test(name);
}

/** Whether a text has the checksum and the number of messages that the name of its backup says. */
export function isWhatNameSays(name: string, text: string): boolean {
    const [, , messages, sum] = pattern.exec(name) ?? [];
    return checksum(text) === sum && parse(text)?.length === Number(messages);
}

/** Name of a backup of this text. */
export function nameOf(
    text: string,
    messages: readonly Message[],
    reason: string,
    date = new Date(),
): string {
    const time = date.toISOString().replaceAll(/[-:]|\.\d+/g, "");
    return `${time}-${messages.length}-${checksum(text)}-${reason}.json`;
}

/**
 * The time for the name of the next backup. Names are sorted by it, so it is later than that of every other backup: if the clock
 * was turned back, the newest backup would otherwise be the first to be deleted.
 */
export function nextTime(folder: string): Date {
    const [newest] = backupsIn(folder);
    return new Date(Math.max(Date.now(), newest ? Date.parse(timeIn(newest.name)) + 1000 : 0));
}

/** The time that a name begins with, as ISO 8601. */
function timeIn(name: string): string {
    return name.replace(/^(....)(..)(..)T(..)(..)(..)Z.*/, "$1-$2-$3T$4:$5:$6Z");
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
        .flatMap((name) => {
            const file = statSync(join(folder, name), { throwIfNoEntry: false });
            // Another run may have deleted it in the meantime.
            return file === undefined
                ? []
                : backupNamed(name, {
                      size: file.size,
                      proven: existsSync(proofOf(folder, name)),
                      time: `${file.mtime.toISOString().slice(0, 19)}Z`,
                  });
        });
}

/** What the name of a backup says, with what it does not say. None if it is not the name of a backup. */
export function backupNamed(
    name: string,
    more: Pick<Backup, "size" | "proven"> & Partial<Backup>,
): readonly Backup[] {
    const [, , messages, , reason] = pattern.exec(name) ?? [];
    return reason === undefined
        ? []
        : [{ name, time: timeIn(name), messages: Number(messages), reason, ...more }];
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

/** The text of a backup. An error says that there is none of that name, or that it is not what its name says. */
export function readBackup(folder: string, name: string): string {
    const text = isBackupName(name) ? readIfThere(join(folder, name))?.toString() : undefined;
    if (text === undefined) {
        throw new Error(`There is no backup ${name}.`);
    }
    if (!isWhatNameSays(name, text)) {
        throw new Error(`Backup ${name} is damaged: its name says another checksum or number of messages.`);
    }
    return text;
}

/**
 * The backups that may be deleted if they must, the least wanted first: unproven ones before proven ones, older ones before
 * newer ones. The newest proven one and the one with most messages are never among them.
 *
 * @param backups the newest first.
 */
export function expendable(backups: readonly Backup[]): readonly Backup[] {
    const [fullest] = backups.toSorted((one, other) => other.messages - one.messages);
    const newestProven = backups.find(({ proven }) => proven);
    return [...backups.filter(({ proven }) => proven), ...backups.filter(({ proven }) => !proven)]
        .reverse()
        .filter((backup) => backup !== fullest && backup !== newestProven);
}

/**
 * The backups that are more than what is kept: a number of scheduled ones, and another number of all others. The newest
 * backup is not among them, because its proof may still go on.
 *
 * @param backups the newest first.
 */
export function surplus(backups: readonly Backup[], scheduledKept: number): readonly Backup[] {
    const over = (isIn: (backup: Backup) => boolean, kept: number): readonly Backup[] =>
        expendable(backups)
            .filter((backup) => isIn(backup) && backup !== backups[0])
            .slice(0, Math.max(0, backups.filter(isIn).length - kept));
    const isScheduled = ({ reason }: Backup): boolean => reason === "scheduled";
    return [...over(isScheduled, scheduledKept), ...over((backup) => !isScheduled(backup), othersKept)];
}

/** Deletes the surplus. Called before a copy as well, so that copies that are never proven do not fill the volume. */
export function prune(folder: string, scheduledKept: number): void {
    remove(folder, surplus(backupsIn(folder), scheduledKept));
}

/** Deletes the least wanted backups that free a number of bytes. False: all of them together are smaller, and they stay. */
export function makeRoom(folder: string, bytes: number): boolean {
    const all = expendable(backupsIn(folder));
    let freed = 0;
    const last = all.findIndex(({ size }) => (freed += size) >= bytes);
    remove(folder, all.slice(0, last + 1));
    return last !== -1;
}

function remove(folder: string, backups: readonly Backup[]): void {
    for (const { name } of backups) {
        rmSync(proofOf(folder, name), { force: true });
        rmSync(join(folder, name), { force: true });
    }
}

/** Deletes what killed runs have left: parts of files, older than a day. */
export function sweep(folder: string): void {
    for (const name of readdirSync(folder).filter((file) => file.endsWith(".part"))) {
        const changed = statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
        if (Date.now() - changed > 24 * 60 * 60 * 1000) {
            rmSync(join(folder, name), { force: true });
        }
    }
}

function checksum(text: string): string {
    return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
