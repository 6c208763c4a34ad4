/** Copies of the api's file: those that the guard keeps beside it for a person to look at, and the newest backup. */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Message, parse, readIfThere } from "./database.ts";
import { writeDurably } from "./durable.ts";

/** How many copies of a kind are kept. */
const limit = 5;

/** Keeps a torn file under a second name, once. It is not moved: an app that starts without a file writes an empty list. */
export function keepTorn(file: string, bytes: Buffer, folder: string): string {
    mkdirSync(folder, { recursive: true });
    const [last] = newestFirst(folder, /^torn-/);
    if (last !== undefined && readIfThere(last)?.equals(bytes)) {
        return last; // The repair has failed before.
    }
    const path = newCopy(folder, "torn");
    try {
        linkSync(file, path); // A link needs no space, so it succeeds on a full disk.
    } catch {
        writeDurably(path, bytes); // Some file systems have no links.
    }
    return path;
}

/** Keeps the mirror of a file that has become shorter. The next one is written to the same folder, which flushes both names. */
export function keepMirror(mirror: string, folder: string): string {
    const path = newCopy(folder, "shorter");
    renameSync(mirror, path);
    return path;
}

/** The path of a new copy. If it is one too many, the oldest is deleted, but never the largest, which has the most messages. */
function newCopy(folder: string, kind: "torn" | "shorter"): string {
    const copies = newestFirst(folder, new RegExp(`^${kind}-`));
    const [largest] = copies.toSorted((one, other) => statSync(other).size - statSync(one).size);
    for (const path of copies.filter((copy) => copy !== largest).slice(limit - 2)) {
        rmSync(path);
    }
    for (let time = Date.now(); ; time++) {
        const path = join(folder, `${kind}-${new Date(time).toISOString().replaceAll(/[-:.]/g, "")}.json`);
        if (!existsSync(path)) {
            return path;
        }
    }
}

/**
 * The messages of the newest backup that is whole. None, if it is older than a mirror: then it was made before a restore, which
 * removed them on purpose.
 */
export function newestBackup(folder: string | undefined, mirror: string): readonly Message[] {
    try {
        for (const path of folder ? newestFirst(folder, /\.json$/) : []) {
            const messages = parse(readIfThere(path)?.toString() ?? "");
            if (messages) {
                const mirrored = statSync(mirror, { throwIfNoEntry: false })?.mtimeMs ?? 0;
                return statSync(path).mtimeMs > mirrored ? messages : [];
            }
        }
    } catch (error) {
        console.log(`The backups cannot be read: ${(error as Error).message}`);
    }
    return [];
}

/** When the newest proven backup was proven, as ISO 8601. Undefined: none is, or they cannot be read. */
export function newestProof(folder: string): string | undefined {
    try {
        const [newest] = newestFirst(folder, /\.proven$/);
        return newest && statSync(newest).mtime.toISOString();
    } catch {
        return undefined;
    }
}

/** The files with such names, the newest first: their names have their time. */
function newestFirst(folder: string, names: RegExp): readonly string[] {
    const found = readdirSync(folder).filter((name) => names.test(name));
    return found
        .toSorted()
        .toReversed()
        .map((name) => join(folder, name));
}
