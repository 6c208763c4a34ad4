/** Commands that are killed at random moments, what recovers from that, and what must not be left afterwards. */
import { strict as assert } from "node:assert";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { kubectl, until } from "./cluster.ts";
import { operation } from "./operation.ts";
import type { TestStack } from "./stack.ts";

/** What is hit: the pulumi that runs an `up` or a `destroy`, or the provider that works for it. */
export interface Hit {
    readonly command: "up" | "destroy";
    readonly victim: "pulumi" | "provider";
}

/**
 * What the stack makes on the way, in about this order. An `up` goes on after each, until the pods are ready, and a
 * `destroy` until Kubernetes has emptied the namespace, which takes five seconds at the least.
 */
const made = [
    "serviceaccount/default",
    "configmap/synergychat-web-configmap",
    "persistentvolumeclaim/synergychat-api-pvc",
    "service/api-service",
    "deployment.apps/synergychat-api",
];

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

/** Starts the command, kills it or its provider with SIGKILL once one of the objects is there, or gone, and waits for its end. */
export async function interrupt(stack: TestStack, hit: Hit, random: () => number): Promise<void> {
    const own = made.slice(hit.command === "up" ? 0 : 1);
    const object = own[Math.floor(random() * own.length)] ?? "";
    const args = [hit.command, "--yes", "--skip-preview", "--non-interactive", "--stack", stack.name];
    const child = spawn("pulumi", args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    }
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    await until(`${hit.command} has come to ${object}`, async () => {
        assert.equal(child.exitCode, null, output);
        const flags = ["--namespace", stack.name, "--ignore-not-found", "--output=name"];
        const isThere = (await kubectl("get", object, ...flags)).trim() === object;
        return isThere === (hit.command === "up");
    });
    const victim = hit.victim === "pulumi" ? child.pid : providerOf(child);
    assert.ok(victim !== undefined, output);
    process.kill(victim, "SIGKILL");
    const status = await ended;
    console.log(`      ${hit.victim} of ${hit.command} killed after ${object}: exit ${String(status)}`);
    assert.notEqual(status, 0, output);
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

/** Runs one of the project's own commands on the stack, without a question. */
export async function recover(command: "up" | "down", stack: TestStack): Promise<string> {
    const { status, text } = await operation(command, stack, ["--yes"]);
    assert.equal(status, 0, text);
    return text;
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
    await until("the volumes are gone", async () => (await folders(stack)).length === 0);
    const namespace = await kubectl("get", "namespace", stack.name, "--ignore-not-found");
    const left = [...(await folders(stack)), ...[...seen].filter((folder) => existsSync(folder))];
    assert.deepEqual({ namespace, left }, { namespace: "", left: [] });
}
