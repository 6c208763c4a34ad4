/** What an operation on the messages has done so far: a file that survives a kill at any moment. */
import { join } from "node:path";
import type { Operation } from "../model/labels.ts";
import { UserError } from "../system/errors.ts";
import type { Disk } from "../system/files.ts";

/** What every journal holds. */
export interface Entries {
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
    /** Address at which the api answered this machine before the operation. Undefined: it answered at none. */
    readonly address?: string | undefined;
    /** Whether all is done, and the api has only to be put back into its Service. */
    readonly complete?: boolean | undefined;
}

/** Where a journal is. */
export interface JournalFile {
    readonly disk: Disk;
    readonly path: string;
}

/** Folder of the journals of an operation, below the one where this project keeps what is not part of the repository. */
export function journalFolder(folder: string, operation: Operation): string {
    return join(folder, operation === "switch" ? "switches" : "restores");
}

/** Path of a journal. Its name is the UID of the stack's namespace: a stack that is made again has nothing to do with it. */
export function journalPath(folder: string, operation: Operation, installation: string): string {
    return join(journalFolder(folder, operation), `${installation}.json`);
}

/** The journal of an operation that is not complete. Undefined if there is none. @throws UserError if it is damaged. */
export function readJournal({ disk, path }: JournalFile): Entries | undefined {
    const text = disk.read(path);
    try {
        return text === undefined ? undefined : (JSON.parse(text) as Entries);
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is the journal of a command that was interrupted, and holds messages. Nothing was changed.\n" +
                `  Save what is left of it:  cp ${path} ${path}.damaged\n` +
                `  Then remove it:           rm ${path}`,
        );
    }
}

/** The first journal of an operation. False if another one has begun in the meantime: its journal stays. */
export function createJournal({ disk, path }: JournalFile, entries: Entries): boolean {
    return disk.create(path, textOf(entries));
}

/** Replaces the journal, and returns its entries when they are on the disk. */
export function saveJournal<E extends Entries>({ disk, path }: JournalFile, entries: E): E {
    disk.write(path, textOf(entries));
    return entries;
}

function textOf(entries: Entries): string {
    return JSON.stringify(entries, undefined, 2);
}
