/** Locks of a state that is kept in files: who holds them, and whether that process still runs. */
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { localDisk } from "../system/files.ts";
import { parseJson } from "../system/json.ts";
import { outputOf, runVisibly } from "../system/process.ts";
import type { Login } from "./login.ts";
import { projectName, shortName } from "./project.ts";

/** Without content if it cannot be read: then Pulumi has the word. */
interface Lock {
    readonly pid?: number;
    readonly hostname?: string;
}

/**
 * Releases the stack if a pulumi that was killed on this machine left it locked. Any other lock is left to its holder,
 * and Pulumi then names the holder.
 */
export function releaseDeadLock(stack: string, { env, url }: Login, info: (text: string) => void): void {
    const state = stateFolder(url);
    const name = shortName(stack);
    const locks =
        state === undefined ? [] : locksIn(join(state, "locks", "organization", projectName(), name));
    if (state === undefined || locks.length === 0 || !locks.every(isDead)) {
        return;
    }
    const pids = locks.map(({ pid }) => pid).join(", ");
    info(`The stack is locked by a pulumi that no longer runs (pid ${pids}). Releasing it: pulumi cancel`);
    removeEmptyAttributes(join(state, "stacks", projectName(), `${name}.json.attrs`), info);
    runVisibly("pulumi", ["cancel", "--yes", "--stack", stack], env, 2);
}

/** Folder of the state. Undefined if the state is not kept in files of this machine: other backends release by themselves. */
function stateFolder(url: string): string | undefined {
    return url.startsWith("file://")
        ? join(url.slice("file://".length).replace(/^~/, homedir()), ".pulumi")
        : undefined;
}

function locksIn(folder: string): readonly Lock[] {
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return files
        .filter((file) => file.endsWith(".json"))
        .flatMap((file) => localDisk.read(join(folder, file)) ?? []) // Its holder may have ended meanwhile.
        .map((text) => (parseJson(text) ?? {}) as Lock);
}

/**
 * Pulumi replaces a state's file in one step, but not the small file beside it that holds its content type. If Pulumi is
 * killed in that instant, the small file is empty, and every command fails with "failed to load checkpoint: EOF". The state
 * itself is whole, and is read as well without the small file.
 */
function removeEmptyAttributes(file: string, info: (text: string) => void): void {
    if (existsSync(file) && statSync(file).size === 0) {
        info(`Pulumi was killed while it saved. Removing the empty ${file}; the state beside it is whole.`);
        rmSync(file);
    }
}

function isDead({ pid, hostname: host }: Lock): boolean {
    return host === hostname() && pid !== undefined && !isPulumi(pid);
}

/** Whether a process runs and is a pulumi: after a restart of the machine, its number may belong to another program. */
function isPulumi(pid: number): boolean {
    try {
        process.kill(pid, 0);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code !== "ESRCH";
    }
    const program = outputOf("ps", ["-o", "stat=,comm=", "-p", String(pid)], process.env);
    // Z: the process has ended, and its parent has not read its status yet.
    return program === undefined || (program.includes("pulumi") && !program.startsWith("Z"));
}
