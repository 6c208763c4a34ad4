/** Files that hold messages: whole or not at all, and for their owner alone to read. */
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
import { dirname } from "node:path";

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
    read: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
    write: writeDurably,
    create: createDurably,
    remove: (path) => {
        rmSync(path, { force: true });
    },
};

/** Writes a file, whole or not at all. It is on the disk when this returns. */
export function writeDurably(path: string, text: string): void {
    const part = `${path}.part`;
    writePrivately(part, text);
    renameSync(part, path);
    flushFolder(path);
}

/**
 * As `writeDurably`, for a file that must not exist yet.
 *
 * @returns false if it exists: it stays as it is.
 */
export function createDurably(path: string, text: string): boolean {
    // Two processes that create the same file at once must not write the same temporary file.
    const part = `${path}.${process.pid}.part`;
    writePrivately(part, text);
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

function writePrivately(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    try {
        writeFileSync(path, text, { mode: 0o600, flush: true });
    } catch (error) {
        rmSync(path, { force: true }); // half a file, on a full disk
        throw error;
    }
}

/** A new name is on the disk only when its folder is. */
function flushFolder(path: string): void {
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
}
