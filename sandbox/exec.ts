import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Problem } from "./problem.ts";

export interface Options {
    cwd?: string;
    env?: NodeJS.ProcessEnv;
    input?: string;
    seconds?: number;
    /** Each line of what it says on its standard error, as it comes. */
    onLine?: (line: string) => void;
}

export interface Outcome {
    code: number | null;
    stdout: string;
    stderr: string;
}

const children = new Set<ChildProcess>();
process.on("exit", () => {
    children.forEach((child) => child.kill("SIGKILL"));
});

/** Runs a program to its end, however that is. A program that is not there ends with code 127, as in a shell. */
export async function attempt(
    program: string,
    args: readonly string[],
    options: Options = {},
): Promise<Outcome> {
    const child = spawn(program, args, {
        cwd: options.cwd,
        env: options.env,
        timeout: (options.seconds ?? 60) * 1000,
        killSignal: "SIGKILL",
    });
    children.add(child);
    child.once("close", () => children.delete(child));
    const failed = once(child, "error").then(([error]: unknown[]) => String(error));
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    if (options.onLine) {
        eachLine(child.stderr, options.onLine);
    }
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    const first = await Promise.race([ended, failed]);
    if (typeof first === "string") {
        return { code: 127, stdout: "", stderr: first };
    }
    const [stdout, stderr] = first;
    return { code: child.exitCode, stdout, stderr };
}

/** Runs a program that has to succeed, and gives what it says on its standard output. */
export async function run(program: string, args: readonly string[], options: Options = {}): Promise<string> {
    const { code, stdout, stderr } = await attempt(program, args, options);
    if (code !== 0) {
        const how = code === null ? `did not end within ${options.seconds ?? 60} s` : `failed (${code})`;
        throw new Problem(`${[program, ...args].join(" ")} ${how}:\n${lastLines(stderr || stdout)}`);
    }
    return stdout;
}

export async function has(program: string): Promise<boolean> {
    return (await attempt("which", [program])).code === 0;
}

export function lastLines(output: string, count = 15): string {
    return output
        .trimEnd()
        .split("\n")
        .slice(-count)
        .map((line) => `    ${line}`)
        .join("\n");
}

function eachLine(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
    let rest = "";
    stream.on("data", (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach(onLine);
    });
}

export function sleep(seconds: number): Promise<void> {
    return new Promise((done) => setTimeout(done, seconds * 1000));
}

/** Asks until the answer is yes, at most for so many seconds. */
export async function eventually(seconds: number, ask: () => boolean | Promise<boolean>): Promise<boolean> {
    const end = performance.now() + seconds * 1000;
    while (!(await ask())) {
        if (performance.now() > end) {
            return false;
        }
        await sleep(0.1);
    }
    return true;
}
