import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable, Writable } from "node:stream";
import { Problem } from "./problem.ts";
import { say } from "./progress.ts";

/**
 * One run at a time; the next waits. The lock is the kernel's, held by a child that ends when this process does: after a
 * kill there is no stale lock that somebody would have to release.
 *
 * @param seconds how long to wait for another run.
 */
export async function withLock<T>(path: string, use: () => Promise<T>, seconds = 3600): Promise<T> {
    await mkdir(dirname(path), { recursive: true });
    let holder = await take(path, ["--nonblock"]);
    if (!holder) {
        say("another run of the sandbox is at work: waiting for it to end");
        holder = await take(path, ["--timeout", String(seconds)]);
    }
    if (!holder) {
        throw new Problem(`another run of the sandbox is at work, and has not ended in ${seconds} s`);
    }
    try {
        return await use();
    } finally {
        holder.stdin.end();
        await once(holder, "exit");
    }
}

/** The child that holds the lock; undefined if another run does. */
async function take(
    path: string,
    patience: readonly string[],
): Promise<ChildProcessByStdio<Writable, Readable, null> | undefined> {
    const held = ["sh", "-c", "echo locked; exec cat > /dev/null"];
    const child = spawn("flock", [...patience, "--conflict-exit-code", "75", path, ...held], {
        stdio: ["pipe", "pipe", "inherit"],
        detached: true,
    });
    const first = await Promise.race([once(child.stdout, "data"), once(child, "exit"), once(child, "error")]);
    if (!Buffer.isBuffer(first[0]) && first[0] !== 75) {
        throw new Problem(
            `the lock ${path} cannot be taken (${String(first[0])}): is flock (util-linux) installed?`,
        );
    }
    return first[0] === 75 ? undefined : child;
}
