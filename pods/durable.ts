/** Files that are written whole or not at all. Once a function returns, a crash of the node does not undo it. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Writes or replaces a file: after a crash of the process or the node, it holds the old content or the new one. */
export function writeDurably(path: string, content: string | Uint8Array, mode = 0o666): void {
    const part = join(dirname(path), `.${basename(path)}.part`);
    try {
        writeFileSync(part, content, { mode, flush: true });
        renameSync(part, path);
        flush(dirname(path));
    } catch (error) {
        rmSync(part, { force: true }); // half a file, on a full disk
        throw error;
    }
}

/** Flushes a file, or the names in a folder. Some file systems (CIFS, 9p, some of FUSE) cannot flush a folder, and refuse it. */
export function flush(path: string): void {
    const descriptor = openSync(path, "r");
    try {
        fsyncSync(descriptor);
    } catch (error) {
        if (!["EINVAL", "ENOTSUP", "ENOSYS"].includes((error as NodeJS.ErrnoException).code ?? "")) {
            throw error;
        }
    } finally {
        closeSync(descriptor);
    }
}
