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

const folders: Readonly<Record<Operation, string>> = { switch: "switches", restore: "restores" };

/** Folder of the journals of an operation, below the one where this project keeps what is not part of the repository. */
export function journalFolder(folder: string, operation: Operation): string {
    return join(folder, folders[operation]);
}

/** Path of a journal. Its name is the UID of the stack's namespace: a stack that is made again has nothing to do with it. */
export function journalPath(folder: string, operation: Operation, installation: string): string {
    return join(journalFolder(folder, operation), `${installation}.json`);
}

/** A journal on the disk. It does not change: each change is a new Journal, which is on the disk when it is returned. */
export class Journal<E extends Entries> {
    public readonly path: string;
    public readonly entries: E;
    private readonly disk: Disk;

    private constructor(disk: Disk, path: string, entries: E) {
        this.disk = disk;
        this.path = path;
        this.entries = entries;
    }

    /**
     * The journal of an operation that is not complete. Undefined if there is none.
     *
     * @throws UserError if it is damaged.
     */
    public static read<E extends Entries>(disk: Disk, path: string): Journal<E> | undefined {
        const text = disk.read(path);
        return text === undefined ? undefined : new Journal(disk, path, parse(path, text) as E);
    }

    /** The first journal of an operation. Undefined if another one has begun in the meantime: its journal stays. */
    public static begin<E extends Entries>(disk: Disk, path: string, entries: E): Journal<E> | undefined {
        return disk.create(path, textOf(entries)) ? new Journal(disk, path, entries) : undefined;
    }

    /** The journal with these entries changed, on the disk. Undefined removes an entry. */
    public with(changes: Partial<E>): Journal<E> {
        const entries = { ...this.entries, ...changes };
        this.disk.write(this.path, textOf(entries));
        return new Journal(this.disk, this.path, entries);
    }

    /** Deletes the journal with the messages in it. */
    public remove(): void {
        this.disk.remove(this.path);
    }
}

function parse(path: string, text: string): unknown {
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is the journal of a command that was interrupted, and holds messages. Nothing was changed.\n" +
                `  Save what is left of it:  cp ${path} ${path}.damaged\n` +
                `  Then remove it:           rm ${path}`,
        );
    }
}

function textOf(entries: Entries): string {
    return JSON.stringify(entries, undefined, 2);
}
