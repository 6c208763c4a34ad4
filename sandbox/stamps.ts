import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What an artefact is made of, in a few characters: texts as they are, and files (or folders of them) by content. */
export async function fingerprint(texts: readonly string[], files: readonly string[] = []): Promise<string> {
    const hash = createHash("sha256");
    for (const text of [process.arch, ...texts]) {
        hash.update(`${text}\0`);
    }
    for (const file of files) {
        for (const path of await filesIn(file)) {
            hash.update(`${path.slice(file.length)}\0`)
                .update(await readFile(path))
                .update("\0");
        }
    }
    return hash.digest("hex");
}

async function filesIn(path: string): Promise<string[]> {
    try {
        const names = await readdir(path, { recursive: true, withFileTypes: true });
        const files = names
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name));
        return files.filter((file) => !file.includes("/node_modules/")).sort();
    } catch (error) {
        if (isCode(error, "ENOTDIR")) {
            return [path];
        }
        throw error;
    }
}

export async function isStamped(file: string, value: string): Promise<boolean> {
    return (await readIfThere(file)) === value;
}

/** To be called when the artefact is whole and in its place, never before: only a stamp makes it count as built. */
export async function stamp(file: string, value: string): Promise<void> {
    await writeWhole(file, value);
}

/** A file is there with all of its content or not at all, even after a kill in the middle. */
export async function writeWhole(file: string, content: string, mode = 0o600): Promise<void> {
    await mkdir(dirname(file), { recursive: true });
    const part = `${file}.part`;
    await writeFile(part, content, { mode });
    await rename(part, file);
}

export async function readIfThere(file: string): Promise<string | undefined> {
    try {
        return await readFile(file, "utf8");
    } catch (error) {
        if (isCode(error, "ENOENT")) {
            return undefined;
        }
        throw error;
    }
}

/**
 * A folder to make something in, gone afterwards. Its name is used once: what a killed run has started may go on for a
 * while, and must not write among what the next run makes.
 */
export async function withFolder<T>(parent: string, use: (path: string) => Promise<T>): Promise<T> {
    const path = join(parent, `${temporary}${process.pid}-${Date.now()}`);
    await mkdir(path, { recursive: true });
    try {
        return await use(path);
    } finally {
        await rm(path, { recursive: true, force: true });
    }
}

/** Removes what killed runs have left. For who holds the lock. */
export async function sweep(parent: string): Promise<void> {
    const names = await readdir(parent).catch(() => []);
    const left = names.filter((name) => name.startsWith(temporary));
    await Promise.all(left.map((name) => rm(join(parent, name), { recursive: true, force: true })));
}

const temporary = "temporary-";

export function isCode(error: unknown, code: string): boolean {
    return error instanceof Error && "code" in error && error.code === code;
}
