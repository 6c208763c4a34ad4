/** What a switch has done so far, with the copy of the messages: a file that outlives a kill at any moment. */
import {
    closeSync,
    existsSync,
    fsyncSync,
    linkSync,
    mkdirSync,
    openSync,
    readFileSync,
    renameSync,
    rmSync,
    writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Message } from "./messages";
import { UserError } from "./process";

export interface Journal {
    /** The storage mode that the switch leads to. */
    readonly to: "persistent" | "ephemeral";
    /** Process of the switch that wrote this last. */
    readonly pid: number;
    /** The copy. Unset: nothing was changed yet, but that the api is out of its Service. */
    readonly copy?: readonly Message[];
    /** UID of a claim of the stack's that no pod mounted when the copy was made: what it holds is not in the copy. */
    readonly unreadClaim?: string;
    /** What the new volume is to hold in the end: the copy, after whatever it held before. */
    readonly wanted?: readonly Message[];
}

/**
 * Path of the journal of one installation of the stack, by whatever name its stack is called.
 *
 * @param folder where this project keeps what is no part of the repository.
 * @param installation UID of the stack's namespace: a stack that is made anew has nothing to do with an old journal.
 */
export function journalPath(folder: string, installation: string): string {
    return join(folder, "switches", `${installation}.json`);
}

/**
 * The journal of a switch that did not come to its end; undefined where there is none.
 *
 * @throws UserError when it is damaged.
 */
export function readJournal(path: string): Journal | undefined {
    if (!existsSync(path)) {
        return undefined;
    }
    try {
        return JSON.parse(readFileSync(path, "utf8")) as Journal;
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is a switch's journal, and holds a copy of the messages. Save what is left of it before you remove it.",
        );
    }
}

/**
 * Writes the first journal of a switch. As `writeJournal`, but where another switch has begun meanwhile, that one keeps its
 * own.
 *
 * @returns whether this is the one that has begun.
 */
export function beginJournal(path: string, journal: Journal): boolean {
    const part = writePart(path, journal);
    try {
        linkSync(part, path);
        flushFolder(path);
        return true;
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
            throw error;
        }
        return false;
    } finally {
        rmSync(part);
    }
}

/** Writes the journal, on the disk when this returns, whole or not at all, for nobody else to read. */
export function writeJournal(path: string, journal: Journal): void {
    renameSync(writePart(path, journal), path);
    flushFolder(path);
}

function writePart(path: string, journal: Journal): string {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const part = `${path}.part`;
    writeFileSync(part, JSON.stringify(journal, undefined, 2), { mode: 0o600, flush: true });
    return part;
}

function flushFolder(path: string): void {
    // The new name is on the disk only when its folder is.
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
}

export function removeJournal(path: string): void {
    rmSync(path, { force: true });
}
