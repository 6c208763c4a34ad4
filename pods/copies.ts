/** Copies of the api's file: those that the guard keeps beside it for a person to look at, and the newest backup. */
import { existsSync, linkSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Message, parse, readIfThere } from "./database.ts";
import { renameDurably, writeDurably } from "./durable.ts";

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
    return path;
}

/** Keeps the mirror of a file that has become shorter. */
export function keepMirror(mirror: string, folder: string): string {
    const path = newCopy(folder, "shorter");
    renameDurably(mirror, path);
    return path;
}

/** The path of a new copy. If it is one too many, the oldest is deleted, but never the largest, which has the most messages. */
function newCopy(folder: string, kind: "torn" | "shorter"): string {
    mkdirSync(folder, { recursive: true });
    const names = readdirSync(folder).filter((name) => name.startsWith(`${kind}-`));
    const copies = names.sort().map((name) => join(folder, name));
    const sizes = copies.map((path) => statSync(path).size);
    const largest = copies[sizes.lastIndexOf(Math.max(...sizes))];
    for (const path of copies
        .filter((copy) => copy !== largest)
        .slice(0, Math.max(0, copies.length + 1 - limit))) {
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
 * The messages of the newest backup that is whole, if it is newer than a mirror. An older one that has more messages was made
 * before a restore, which removed them on purpose.
 */
export function newestBackup(folder: string | undefined, mirror: string): readonly Message[] | undefined {
    try {
        // Their names begin with their time.
        const names = folder ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
        for (const name of names.sort().reverse()) {
            const path = join(folder ?? "", name);
            const messages = parse(readIfThere(path)?.toString() ?? "");
            if (messages) {
                return changedAt(path) > changedAt(mirror) ? messages : undefined;
            }
        }
    } catch (error) {
        console.log(`The backups cannot be read: ${(error as Error).message}`);
    }
    return undefined;
}

/** When the newest proven backup was proven, as ISO 8601. Undefined: none is, or they cannot be read. */
export function newestProof(folder: string): string | undefined {
    try {
        const proofs = readdirSync(folder).filter((name) => name.endsWith(".proven"));
        const newest = proofs.sort().at(-1);
        return newest && statSync(join(folder, newest)).mtime.toISOString();
    } catch {
        return undefined;
    }
}

/** In ms. 0: there is no such file. */
function changedAt(path: string): number {
    return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
