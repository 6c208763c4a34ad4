/** Copies of the api's file: those that the guard keeps beside it for a person to look at, and the newest backup. */
import { linkSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { type Copy, readBack, renameDurably, writeDurably } from "./database.ts";

/** Torn files, and mirrors that a shorter valid file replaced. */
type Kind = "torn" | "shorter";

/** How many copies of a kind are kept. */
const limit = 5;

/** Keeps a torn file under a second name. It is not moved: an app that starts without a file writes an empty list. */
export function keepTorn(file: string, bytes: Buffer, folder: string): string {
    const path = newCopy(folder, "torn");
    try {
        linkSync(file, path); // A link needs no space, so it succeeds on a full disk.
    } catch {
        writeDurably(path, bytes); // Some file systems have no links.
    }
    prune(folder, "torn");
    return path;
}

/** Keeps the mirror of a file that has become shorter. */
export function keepMirror(mirror: string, folder: string): string {
    const path = newCopy(folder, "shorter");
    renameDurably(mirror, path);
    prune(folder, "shorter");
    return path;
}

/**
 * The newest valid backup, if it is newer than the mirror. An older one that has more messages was made before a restore,
 * which removed them on purpose.
 */
export function newestBackup(folder: string | undefined, mirror: string): Copy | undefined {
    try {
        for (const path of folder ? backupsIn(folder) : []) {
            const copy = readBack(path);
            if (copy) {
                return timeOf(path) > timeOf(mirror) ? copy : undefined;
            }
        }
    } catch (error) {
        console.log(`The backups cannot be read: ${(error as Error).message}`);
    }
    return undefined;
}

/** The backups, the newest first: their names begin with their time. */
function backupsIn(folder: string): readonly string[] {
    const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
    return names.sort((one, other) => (one < other ? 1 : -1)).map((name) => join(folder, name));
}

/** The path of a new copy, whose name comes after all others of its kind, even if two are made within a second. */
function newCopy(folder: string, kind: Kind): string {
    mkdirSync(folder, { recursive: true });
    const newest = copiesIn(folder, kind).at(-1);
    const time = Math.max(Date.now(), newest ? timeInName(newest) + 1000 : 0);
    const basic = new Date(time).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    return join(folder, `${kind}-${basic}.json`);
}

/** Removes the oldest copies beyond the limit. The largest copy stays, because it holds the most messages. */
function prune(folder: string, kind: Kind): void {
    const copies = copiesIn(folder, kind).map((path) => ({ path, size: statSync(path).size }));
    const largest = Math.max(...copies.map(({ size }) => size));
    const longest = copies.findLast(({ size }) => size === largest);
    copies
        .filter((copy) => copy !== longest)
        .slice(0, Math.max(0, copies.length - limit))
        .forEach(({ path }) => {
            rmSync(path);
        });
}

const nameOfCopy = /^(torn|shorter)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.json$/;

/** The copies of a kind, the oldest first. */
function copiesIn(folder: string, kind: Kind): readonly string[] {
    return readdirSync(folder)
        .filter((name) => nameOfCopy.exec(name)?.[1] === kind)
        .sort()
        .map((name) => join(folder, name));
}

function timeInName(path: string): number {
    return Date.parse(basename(path).replace(nameOfCopy, "$2-$3-$4T$5:$6:$7Z"));
}

function timeOf(path: string): number {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
