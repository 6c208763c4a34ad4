/** What a switch has done so far, with the copy of the messages: a file that survives a kill at any moment. */
import { existsSync, linkSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Message } from "../../../kubernetes/chat-api";
import { UserError } from "../../../system/errors";
import { flushFolder, writePrivately } from "../../../system/files";

/** A storage mode. */
export type Mode = "persistent" | "ephemeral";

/** The content of a journal. */
export interface Entries {
    /** The storage mode that the switch leads to. */
    readonly to: Mode;
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
    /** Address at which the api answered this machine before the switch. Undefined: it answered at none. */
    readonly address?: string | undefined;
    /** The copy of the messages. Undefined: the storage is unchanged. */
    readonly copy?: readonly Message[] | undefined;
    /** UID of the stack's claim if no pod mounted it when the copy was made: its messages are not in the copy. */
    readonly unreadClaim?: string | undefined;
    /** What the new volume must hold at the end: what it held at first, then the copy. */
    readonly wanted?: readonly Message[] | undefined;
}

/**
 * Path of the journal of one installation of the stack, whatever the stack is called.
 *
 * @param folder where this project keeps what is not part of the repository.
 * @param installation UID of the stack's namespace: a stack that is made again has nothing to do with an old journal.
 */
export function journalPath(folder: string, installation: string): string {
    return join(folder, "switches", `${installation}.json`);
}

/** A journal on the disk. It does not change: each change is a new Journal, which is on the disk when it is returned. */
export class Journal {
    private constructor(
        public readonly path: string,
        public readonly entries: Entries,
    ) {}

    /**
     * The journal of a switch that is not complete. Undefined if there is none.
     *
     * @throws UserError if it is damaged.
     */
    public static read(path: string): Journal | undefined {
        return existsSync(path) ? new Journal(path, parse(path)) : undefined;
    }

    /** The first journal of a switch. Undefined if another switch has begun in the meantime: its journal stays. */
    public static begin(path: string, entries: Entries): Journal | undefined {
        // Two switches that begin at once must not write the same file.
        const part = `${path}.${entries.pid}`;
        writePrivately(part, textOf(entries));
        try {
            linkSync(part, path);
            flushFolder(path);
            return new Journal(path, entries);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
                throw error;
            }
            return undefined;
        } finally {
            rmSync(part);
        }
    }

    /**
     * The journal with these entries changed: on the disk, whole or not at all, and read back from there.
     *
     * @param changes undefined removes an entry.
     */
    public with(changes: Partial<Entries>): Journal {
        const entries = { ...this.entries, ...changes };
        writePrivately(this.path, textOf(entries));
        if (readFileSync(this.path, "utf8") !== textOf(entries)) {
            throw new UserError(
                `${this.path} does not hold what was written to it. The disk may be damaged.\n` +
                    "  Look for disk errors:  dmesg",
            );
        }
        return new Journal(this.path, entries);
    }

    /** Deletes the journal with its copy of the messages. */
    public remove(): void {
        rmSync(this.path, { force: true });
    }
}

function parse(path: string): Entries {
    try {
        return JSON.parse(readFileSync(path, "utf8")) as Entries;
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is the journal of a switch and holds a copy of the messages. Nothing was changed.\n" +
                `  Save what is left of it:  cp ${path} ${path}.damaged\n` +
                `  Then remove it:           rm ${path}`,
        );
    }
}

function textOf(entries: Entries): string {
    return JSON.stringify(entries, undefined, 2);
}
