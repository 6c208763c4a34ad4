/** The commands that are measured. Each contestant has a namespace, and each Pulumi program a stack, of its own. */
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { workloadName, parts } from "../../model/names.ts";
import { UserError } from "../../system/errors.ts";
import { type Environment, outputOf } from "../../system/process.ts";
import type { DeclaredObject } from "../declared.ts";

/** The machine's cluster, and a folder that is deleted at the end. */
export interface Ground {
    readonly context: string;
    readonly env: Environment;
    readonly folder: string;
    /** Ends the command that runs. */
    readonly signal?: AbortSignal;
}

/** The floor: kubectl, which waits for the three rollouts and for nothing else. */
export class Kubectl {
    private readonly file: string;

    private readonly ground: Ground;
    private readonly namespace: string;

    public constructor(ground: Ground, namespace: string) {
        this.ground = ground;
        this.namespace = namespace;
        this.file = join(ground.folder, `${namespace}.json`);
    }

    public async up(objects: readonly DeclaredObject[]): Promise<void> {
        writeFileSync(this.file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
        await this.run("apply", `--filename=${this.file}`);
        await this.rolledOut();
    }

    public async restartApi(): Promise<void> {
        await this.run("rollout", "restart", `deployment/${workloadName("api")}`);
        await this.rolledOut();
    }

    public async destroy(): Promise<void> {
        await this.run("delete", `--filename=${this.file}`);
    }

    private async rolledOut(): Promise<void> {
        for (const part of parts) {
            await this.run("rollout", "status", `deployment/${workloadName(part)}`, "--timeout=5m");
        }
    }

    private run(...args: readonly string[]): Promise<string> {
        return kubectl(this.ground, `--namespace=${this.namespace}`, ...args);
    }
}

/** Runs kubectl, and returns what it prints. */
export function kubectl(ground: Ground, ...args: readonly string[]): Promise<string> {
    return run("kubectl", [`--context=${ground.context}`, ...args], ground);
}

/** Helm, with a chart of the same objects: a release that waits until all of them are ready. */
export class Helm {
    private readonly ground: Ground;
    private readonly namespace: string;
    private readonly chart: string;

    public constructor(ground: Ground, namespace: string) {
        this.ground = ground;
        this.namespace = namespace;
        this.chart = join(ground.folder, "chart");
        mkdirSync(join(this.chart, "templates"), { recursive: true });
        writeFileSync(join(this.chart, "Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 1.0.0\n");
    }

    /** Whether it can take part. */
    public static isInstalled({ env }: Ground): boolean {
        return outputOf("helm", ["version"], env) !== undefined;
    }

    public async up(objects: readonly DeclaredObject[]): Promise<void> {
        const others = objects.filter(({ kind }) => kind !== "Namespace").map((one) => JSON.stringify(one));
        writeFileSync(join(this.chart, "templates", "all.yaml"), others.join("\n---\n"));
        await this.run("upgrade", "--install", "bench", this.chart, "--create-namespace", "--wait");
    }

    /** Helm leaves the namespace that it made. */
    public async destroy(): Promise<void> {
        await this.run("uninstall", "bench");
        await kubectl(this.ground, "delete", "namespace", this.namespace);
    }

    private run(...args: readonly string[]): Promise<string> {
        const where = [`--kube-context=${this.ground.context}`, `--namespace=${this.namespace}`];
        return run("helm", [...args, ...where], this.ground);
    }
}

/** A Pulumi program on a stack of its own, whose state is in the benchmark's folder. */
export class PulumiProgram {
    private readonly ground: Ground;
    private readonly directory: string;
    private readonly stack: string;

    public constructor(ground: Ground, name: "program" | "empty" | "plain", stack = "bench") {
        this.ground = ground;
        this.directory = copyOf(name, ground);
        this.stack = stack;
    }

    /** Makes the stack, with this config. */
    public async init(config: Readonly<Record<string, string>> = {}): Promise<void> {
        await this.run(["stack", "init"]);
        for (const [key, value] of Object.entries(config)) {
            await this.setConfig(key, value);
        }
    }

    /** Sets a config value, by its path. */
    public setConfig(key: string, value: string): Promise<void> {
        return this.run(["config", "set", "--path", key, value]);
    }

    /** Brings the app up, or changes it. */
    public update(env: Environment = {}): Promise<void> {
        return this.run(["up", "--yes", "--skip-preview"], env);
    }

    public preview(): Promise<void> {
        return this.run(["preview"]);
    }

    public destroy(): Promise<void> {
        return this.run(["destroy", "--yes", "--skip-preview"]);
    }

    private async run(args: readonly string[], env: Environment = {}): Promise<void> {
        const where = ["--cwd", this.directory, "--non-interactive", "--stack", this.stack];
        await run("pulumi", [...args, ...where], { ...this.ground, env: { ...this.ground.env, ...env } });
    }
}

/** The programs that are measured, each one copy: Pulumi writes a stack's config file beside the program. */
export function copyOf(name: "program" | "empty" | "plain", { folder }: Ground): string {
    const copy = join(folder, name);
    if (existsSync(copy)) {
        return copy;
    }
    if (name === "program") {
        const isPart = (path: string) => !/^(node_modules|sandbox|\.git|Pulumi\..+\.yaml)$/.test(path);
        cpSync(".", copy, { recursive: true, filter: isPart });
    } else {
        cpSync(join(import.meta.dirname, "programs", name), copy, { recursive: true });
        writeFileSync(
            join(copy, "package.json"),
            JSON.stringify({ name: `bench-${name}`, main: "index.ts" }),
        );
    }
    symlinkSync(resolve("node_modules"), join(copy, "node_modules"));
    return copy;
}

/** What the process of a Pulumi program needs at its peak, written to a file by the process itself. */
export class PeakMemory {
    private readonly file: string;
    private readonly script: string;

    public constructor({ folder }: Ground) {
        this.file = join(folder, "peak");
        this.script = join(folder, "peak.cjs");
        // A language host may be a Node.js process, too. The program is the one that runs the SDK's script.
        writeFileSync(
            this.script,
            `if (/cmd.run/.test(process.argv[1] ?? "")) process.on("exit", () =>
                require("node:fs").writeFileSync(${JSON.stringify(this.file)}, String(process.resourceUsage().maxRSS)));`,
        );
    }

    public get environment(): Environment {
        return { NODE_OPTIONS: `--require ${this.script}` };
    }

    public mebibytes(): number {
        return Number(readFileSync(this.file, "utf8")) / 1024;
    }
}

/** Waits until no volume of the namespace's claims is there any more. */
export async function volumesGone(ground: Ground, namespace: string): Promise<void> {
    for (;;) {
        const { items } = JSON.parse(await kubectl(ground, "get", "pv", "--output=json")) as {
            items: readonly { spec: { claimRef?: { namespace: string } } }[];
        };
        if (!items.some(({ spec }) => spec.claimRef?.namespace === namespace)) {
            return;
        }
        await sleep(100);
    }
}

/** Runs a program to its end, and returns what it prints. Other work of this process goes on meanwhile. */
function run(
    program: string,
    args: readonly string[],
    { env, signal }: Pick<Ground, "env" | "signal">,
): Promise<string> {
    return new Promise((resolve, reject) => {
        const child = spawn(program, args, { env: { ...env }, stdio: ["ignore", "pipe", "pipe"], signal });
        let [stdout, stderr] = ["", ""];
        child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
        child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
        child.once("error", ({ message }) => (stderr += message));
        // An aborted program is still there until this event, and goes on writing.
        child.once("close", (status) => {
            if (status === 0) {
                resolve(stdout);
            } else {
                reject(new UserError(`${program} ${args.join(" ")} failed:\n${stdout}${stderr}`));
            }
        });
    });
}
