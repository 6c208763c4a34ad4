/** Other programs, run from here. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { RunError } from "@pulumi/pulumi";

/** A problem that a person can solve: shown as its message alone, without a stack trace. */
export class UserError extends Error {}

/** The command was called in a way that it does not allow. */
export class UsageError extends UserError {}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the programs that run from here write what they say. */
let stdout: "inherit" | 2 = "inherit";

/** From here on, everything that is said goes to stderr: stdout is for the JSON that the command prints. */
export function keepStdoutForJson(): void {
    console.log = console.error;
    stdout = 2;
}

/**
 * Runs a program with its output on the terminal.
 *
 * @throws UserError when it cannot be started or fails; what went wrong it has said itself.
 */
export function run(program: string, args: readonly string[], env: Environment): void {
    const { status, signal, error } = spawnSync(program, args, {
        env: { ...env },
        stdio: ["inherit", stdout, "inherit"],
    });
    if (error) {
        throw new UserError(`${program} cannot be started: ${error.message}`);
    }
    if (status !== 0) {
        throw new UserError(
            `${program} ${args.join(" ")} failed (${signal ?? `exit status ${status}`}), see above`,
        );
    }
}

/** How a program ended, and what it said. */
export interface Ended {
    /** Exit status; null where a signal ended it, or where it could not be started. */
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
}

/**
 * Runs a program unseen, to its end.
 *
 * @param input what it reads on its standard input.
 */
export function attempt(program: string, args: readonly string[], env: Environment, input = ""): Ended {
    const options = { env: { ...env }, input, encoding: "utf8" as const, maxBuffer: Infinity };
    const { status, stdout, stderr, error } = spawnSync(program, args, options);
    // One that ends before it has read its input (EPIPE) was started all the same, and says itself what was wrong.
    return error && status === null
        ? { status, stdout: "", stderr: error.message }
        : { status, stdout, stderr };
}

/** What a program prints, or undefined when it fails or is not there. */
export function output(program: string, args: readonly string[], env: Environment): string | undefined {
    const { status, stdout } = attempt(program, args, env);
    return status === 0 ? stdout.trim() : undefined;
}

/** Whether a program is on the PATH. */
export function onPath(program: string, env: Environment): boolean {
    return (env.PATH ?? "").split(delimiter).some((folder) => {
        try {
            accessSync(join(folder, program), constants.X_OK);
            return true;
        } catch {
            return false;
        }
    });
}

/**
 * Runs a command's main function. An error that a person can solve becomes its message, without a stack trace. The exit
 * status is 0 if all went well, 1 if something failed, and 2 if the command was called wrongly.
 */
export function main(command: () => Promise<void>): void {
    // Without this, an interrupt would end the command before the program that it runs, and before what is to follow.
    process.on("SIGINT", () => process.exit(130));
    command().catch((error: unknown) => {
        console.error(isForPeople(error) ? `\n${error.message}` : error);
        process.exitCode = error instanceof UsageError ? 2 : 1;
    });
}

/** An error of the operating system (a disk that is full, a folder that may not be written) says itself what is wrong. */
function isForPeople(error: unknown): error is Error {
    return (
        error instanceof UserError ||
        RunError.isInstance(error) ||
        (error instanceof Error && "syscall" in error)
    );
}

/** Asks the person at the terminal, where one sits there. */
export async function agrees(question: string): Promise<boolean> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(`${question} [y/N] `);
    terminal.close();
    return /^y(es)?$/i.test(answer.trim());
}

/** Whether a person sits at the terminal. */
export function isAttended(): boolean {
    return process.stdin.isTTY && process.stdout.isTTY;
}
