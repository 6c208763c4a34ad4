/** Commands that are killed at random moments, what recovers from that, and what must not be left afterwards. */
import { strict as assert } from "node:assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl } from "./cluster.ts";
import type { TestStack } from "./stack.ts";

/** What is hit: the pulumi that runs an `up` or a `destroy`, or the provider that works for it. */
export interface Hit {
    readonly command: "up" | "destroy";
    readonly victim: "pulumi" | "provider";
}

/** How many lines of progress each command prints here at the least, before its last second. */
const progress = { up: 20, destroy: 18 };

/** An object of the cluster on its way. Those of components and of the stack come before there is a provider to kill. */
const progressLine = / kubernetes:\S+ \S+ (creat|delet)(ing|ed)\b/g;

/**
 * Numbers from 0 to 1, the same for the same seed, which SEED names and the tests print.
 * Source: https://github.com/cprosche/mulberry32
 */
export function seeded(): () => number {
    let state = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    console.log(`      moments by SEED=${state}`);
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
        mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
        return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
}

/**
 * Starts the command, kills it or its provider with SIGKILL somewhere between its first and its last line of progress,
 * and waits for its end.
 */
export async function interrupt(stack: TestStack, hit: Hit, random: () => number): Promise<void> {
    const lines = 1 + Math.floor(random() * progress[hit.command]);
    const pause = Math.floor(random() * 300);
    const args = [hit.command, "--yes", "--skip-preview", "--non-interactive", "--stack", stack.name];
    const child = spawn("pulumi", args, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    const output = await untilProgress(child, lines);
    await sleep(pause);
    const killed = kill(hit.victim === "pulumi" ? child.pid : providerOf(child));
    const status = await ended;
    console.log(
        `      ${hit.victim} of ${hit.command} ${killed ? "killed" : "had ended"} ${pause} ms after line ${lines} of its progress`,
    );
    assert.ok(killed, `nothing was left to kill, the command ended with ${String(status)}:\n${output.text}`);
}

/** What a command printed, after so many lines of progress or at its end. */
function untilProgress(child: ChildProcess, lines: number): Promise<{ text: string }> {
    const output = { text: "" };
    return new Promise((resolve) => {
        const take = (chunk: Buffer): void => {
            output.text += chunk.toString();
            if ((output.text.match(progressLine)?.length ?? 0) >= lines) {
                resolve(output);
            }
        };
        child.stdout?.on("data", take);
        child.stderr?.on("data", take);
        child.on("close", () => {
            resolve(output);
        });
    });
}

/** The provider is a child of its pulumi, as the language host is. */
function providerOf(pulumi: ChildProcess): number | undefined {
    const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,args="], { encoding: "utf8" });
    const rows = table.split("\n").map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
    const own = rows.find(
        ([, , parent, program = ""]) =>
            Number(parent) === pulumi.pid && /provider|resource-kubernetes/.test(program),
    );
    return own ? Number(own[1]) : undefined;
}

function kill(pid: number | undefined): boolean {
    try {
        return pid !== undefined && process.kill(pid, "SIGKILL");
    } catch {
        return false;
    }
}

/** Runs one of the project's own commands on the stack, without a question. */
export function npmRun(script: "up" | "down", stack: TestStack): string {
    return execFileSync("npm", ["run", "--silent", script, "--", stack.name, "--yes"], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
    });
}

/** Folders of the volumes that the stack's claims have now. */
export async function folders(stack: TestStack): Promise<string[]> {
    const volumes = JSON.parse(await kubectl("get", "pv", "--output=json")) as { items: Volume[] };
    return volumes.items
        .filter(({ spec }) => spec.claimRef?.namespace === stack.name)
        .flatMap(({ spec }) => spec.hostPath?.path ?? []);
}

interface Volume {
    readonly spec: {
        readonly claimRef?: { readonly namespace: string };
        readonly hostPath?: { readonly path: string };
    };
}

/** Fails when a namespace, a volume or a folder of the stack is still there. A volume goes a moment after its claim. */
export async function nothingLeft(stack: TestStack, seen: ReadonlySet<string>): Promise<void> {
    for (let attempt = 0; (await folders(stack)).length > 0 && attempt < 60; attempt++) {
        await sleep(500);
    }
    const namespace = await kubectl("get", "namespace", stack.name, "--ignore-not-found");
    const left = [...(await folders(stack)), ...[...seen].filter((folder) => existsSync(folder))];
    assert.deepEqual({ namespace, left }, { namespace: "", left: [] });
}
