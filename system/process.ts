/** Runs other programs. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { UserError } from "./errors.ts";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How a program ended, and what it printed. */
export interface Ended {
    /** Exit status. Null if a signal or the time limit ended it, or if it could not be started. */
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/** How a program is run whose output is not shown. */
interface CaptureOptions {
    /** What it reads on its standard input. */
    readonly input?: string | undefined;
    /** When it is killed. A program that waits for something that never comes must not hold up the command for ever. */
    readonly seconds?: number;
}

/** Runs a program to its end without showing its output. */
export function capture(
    program: string,
    args: readonly string[],
    env: Environment,
    { input = "", seconds = 120 }: CaptureOptions = {},
): Ended {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
        env: { ...env },
        input,
        encoding: "utf8",
        maxBuffer: Infinity,
        timeout: seconds * 1000,
        killSignal: "SIGKILL",
    });
    if ((error as NodeJS.ErrnoException | undefined)?.code === "ETIMEDOUT") {
        return { status: null, stdout, stderr: `${stderr}${program} did not end within ${seconds} s.` };
    }
    // A program that ends before it has read its input (EPIPE) was started all the same, and explains itself.
    return error && status === null
        ? { status, stdout: "", stderr: error.message }
        : { status, stdout, stderr };
}

/** What a program prints. Undefined if it fails or cannot be started. */
export function outputOf(program: string, args: readonly string[], env: Environment): string | undefined {
    const { status, stdout } = capture(program, args, env);
    return status === 0 ? stdout.trim() : undefined;
}

/**
 * Runs a program with its output on the terminal.
 *
 * @param stdout where its standard output goes: to this process's standard output (1) or standard error (2).
 * @throws UserError if it cannot be started or fails. It has printed the reason itself.
 */
export function runVisibly(program: string, args: readonly string[], env: Environment, stdout: 1 | 2): void {
    const { status, signal, error } = spawnSync(program, args, {
        env: { ...env },
        stdio: ["inherit", stdout, "inherit"],
    });
    if (error) {
        throw new UserError(`${program} cannot be started: ${error.message}`);
    }
    if (status !== 0) {
        const how = signal ?? `exit status ${status}`;
        throw new UserError(`${program} ${args.join(" ")} failed (${how}). Its output is above.`);
    }
}

/** Whether a program is on the PATH. */
export function isOnPath(program: string, env: Environment): boolean {
    return (env.PATH ?? "").split(delimiter).some((folder) => {
        try {
            accessSync(join(folder, program), constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}
