/** What a switch has done so far, with the copy of the messages: a file that survives a kill at any moment. */
import { join } from "node:path";
import type { StorageMode } from "../../../model/storage.ts";
import type { Message } from "../../../pods/database.ts";
import { UserError } from "../../../system/errors.ts";
import type { Disk } from "../../../system/files.ts";

export interface Entries {
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
    readonly to: StorageMode;
    /** The copy of the messages. Undefined: the storage is unchanged. */
    readonly copy?: readonly Message[] | undefined;
    /** UID of the stack's claim if no pod mounted it when the copy was made: its messages are not in the copy. */
    readonly unreadClaim?: string | undefined;
    /** What the new volume must hold at the end: what it held at first, then the copy. */
    readonly wanted?: readonly Message[] | undefined;
    /** Whether all is done, and the api has only to be put back into its Service. */
    readonly complete?: boolean | undefined;
}

export interface JournalFile {
    readonly disk: Disk;
    readonly path: string;
}

/**
 * Path of a journal, below the folder where this project keeps what is not part of the repository. Its name is the UID of
 * the stack's namespace: a stack that is made again has nothing to do with it.
 */
export function journalPath(folder: string, installation: string): string {
    return join(folder, "switches", `${installation}.json`);
}

/** The journal of a switch that is not complete. Undefined if there is none. @throws UserError if it is damaged. */
export function readJournal({ disk, path }: JournalFile): Entries | undefined {
    const text = disk.read(path);
    try {
        return text === undefined ? undefined : (JSON.parse(text) as Entries);
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is the journal of a switch that was interrupted, and holds messages. Nothing was changed.\n" +
                `  Put it aside:  mv ${path} ${path}.damaged`,
        );
    }
}

/** The first journal of a switch. False if another one has begun in the meantime: its journal stays. */
export function createJournal({ disk, path }: JournalFile, entries: Entries): boolean {
    return disk.create(path, textOf(entries));
}

/** Replaces the journal, and returns its entries when they are on the disk. */
export function saveJournal({ disk, path }: JournalFile, entries: Entries): Entries {
    disk.write(path, textOf(entries));
    return entries;
}

function textOf(entries: Entries): string {
    return JSON.stringify(entries, undefined, 2);
}
