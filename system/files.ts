/** Files that must survive a kill at any moment, and that only their owner may read. */
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Writes a file, whole or not at all. It is on the disk when this returns. */
export function writePrivately(file: string, text: string): void {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const part = `${file}.part`;
    writeFileSync(part, text, { mode: 0o600, flush: true });
    renameSync(part, file);
    flushFolder(file);
}

/** A new name is on the disk only when its folder is. */
export function flushFolder(path: string): void {
    const folder = openSync(dirname(path), "r");
    fsyncSync(folder);
    closeSync(folder);
}
