import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** A process that a test started, and what it printed. */
export interface Running {
    readonly process: ChildProcess;
    readonly output: () => string;
    /** Its exit code. Undefined if a signal ended it. */
    readonly ended: Promise<number | undefined>;
}

export function start(command: readonly string[], env: NodeJS.ProcessEnv): Running {
    const [program = "", ...args] = command;
    const process_ = spawn(program, args, {
        env: { ...process.env, ...env },
        stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [process_.stdout, process_.stderr]) {
        stream.setEncoding("utf8").on("data", (part: string) => (output += part));
    }
    const ended = new Promise<number | undefined>((resolve, reject) => {
        process_.on("error", reject);
        process_.on("close", (code) => {
            resolve(code ?? undefined);
        });
    });
    return { process: process_, output: () => output, ended };
}

/** Waits until a condition returns something. The limit is generous: it only ends a test that would fail anyway. */
export async function until<T>(
    what: string,
    condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
    const deadline = Date.now() + 60_000;
    for (;;) {
        const result = await condition();
        if (result !== undefined && result !== false) {
            return result;
        }
        if (Date.now() > deadline) {
            throw new Error(`Not seen within a minute: ${what}`);
        }
        await sleep(10);
    }
}
