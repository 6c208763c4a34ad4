import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Problem } from "./problem.ts";

/**
 * One run at a time. The lock is the kernel's, held by a child that ends when this process does: after a kill there is
 * no stale lock that somebody would have to judge.
 */
export async function withLock<T>(path: string, use: () => Promise<T>): Promise<T> {
    await mkdir(dirname(path), { recursive: true });
    const hold = [
        "--nonblock",
        "--conflict-exit-code",
        "75",
        path,
        "sh",
        "-c",
        "echo locked; exec cat > /dev/null",
    ];
    const child = spawn("flock", hold, { stdio: ["pipe", "pipe", "inherit"], detached: true });
    const first = await Promise.race([once(child.stdout, "data"), once(child, "exit"), once(child, "error")]);
    if (first[0] === 75) {
        throw new Problem("another run of the sandbox is at work: wait for it to end, then try again");
    }
    if (!Buffer.isBuffer(first[0])) {
        throw new Problem(
            `the lock ${path} cannot be taken (${String(first[0])}): is flock (util-linux) installed?`,
        );
    }
    try {
        return await use();
    } finally {
        child.stdin.end();
        await once(child, "exit");
    }
}
