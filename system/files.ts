/** Files that hold messages: whole or not at all, and for their owner alone to read. */
import { constants, copyFileSync, linkSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { readIfThere } from "../pods/database.ts";
import { flush, writeDurably } from "../pods/durable.ts";

/** The disk that operations keep their files on. Tests replace it. */
export interface Disk {
    /** The text of a file. Undefined if there is none. */
    readonly read: (path: string) => string | undefined;
    readonly write: (path: string, text: string) => void;
    readonly create: (path: string, text: string) => boolean;
    readonly remove: (path: string) => void;
}

/** The disk of this machine. */
export const localDisk: Disk = {
    read: (path) => readIfThere(path)?.toString(),
    write,
    create: createDurably,
    remove: (path) => {
        rmSync(path, { force: true });
    },
};

function write(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeDurably(path, text, 0o600);
}

/** Some file systems (exFAT, some of FUSE) have no hard links. There, a kill in this instant can leave half a file. */
function linkOrCopy(from: string, to: string): void {
    try {
        linkSync(from, to);
    } catch (error) {
        if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"].includes(codeOf(error))) {
            throw error;
        }
        copyFileSync(from, to, constants.COPYFILE_EXCL);
        flush(to);
    }
}

function codeOf(error: unknown): string {
    return (error as NodeJS.ErrnoException).code ?? "";
}

/**
 * Writes a file that must not exist yet.
 *
 * @returns false if it exists: it stays as it is.
 */
export function createDurably(path: string, text: string): boolean {
    // Two processes that create the same file at once must not write the same temporary file.
    const part = `${path}.${process.pid}.part`;
    write(part, text);
    try {
        linkOrCopy(part, path);
        flush(dirname(path));
        return true;
    } catch (error) {
        if (codeOf(error) !== "EEXIST") {
            throw error;
        }
        return false;
    } finally {
        rmSync(part);
    }
}
