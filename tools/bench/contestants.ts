/** The commands that are measured. Each contestant has a namespace, and each Pulumi program a stack, of its own. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parts, workloadName } from "../../model/names.ts";
import { UserError } from "../../system/errors.ts";
import { type Environment, isOnPath } from "../../system/process.ts";
import { declaredObjects } from "../declared.ts";

/** The machine's cluster, and a folder that is deleted at the end. */
export interface Ground {
    readonly context: string;
    readonly env: Environment;
    readonly folder: string;
    /** Ends the command that runs. */
    readonly signal: AbortSignal;
}

/** Config keys without their namespace. */
export type Config = Readonly<Record<string, string>>;
export type Command = () => Promise<unknown>;

/** Who deploys the app. */
export interface Contestant {
    readonly namespace: string;
    /** Writes down what the app has to be, which is not measured, and returns the command that deploys it. */
    readonly prepare: (config: Config) => Promise<Command>;
    readonly destroy: Command;
}

/** Everybody who takes part. Helm does if it is installed. */
export async function contestantsOn(ground: Ground) {
    return {
        kubectl: kubectlContestant(ground),
        helm: isOnPath("helm", ground.env) ? helmContestant(ground) : undefined,
        empty: await pulumiContestant(ground, "empty"),
        plain: await pulumiContestant(ground, "plain"),
        program: await pulumiContestant(ground, "program"),
        peak: peakMemory(ground),
    };
}

/** The floor: kubectl, which waits for the three rollouts and for nothing else. */
function kubectlContestant(ground: Ground) {
    const namespace = "synergychat-bench-kubectl";
    const file = join(ground.folder, "kubectl.json");
    const run = (...args: readonly string[]) => kubectl(ground, `--namespace=${namespace}`, ...args);
    const andRollOut = async (...args: readonly string[]) => {
        await run(...args);
        for (const part of parts) {
            await run("rollout", "status", `deployment/${workloadName(part)}`, "--timeout=5m");
        }
    };
    return {
        namespace,
        prepare: async (config: Config) => {
            const items = await declaredObjects(configIn(namespace, config));
            writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
            return () => andRollOut("apply", `--filename=${file}`);
        },
        destroy: () => run("delete", `--filename=${file}`),
        restartApi: () => andRollOut("rollout", "restart", `deployment/${workloadName("api")}`),
    };
}

/** Helm, with a chart of the same objects: a release that waits until all of them are ready. */
function helmContestant(ground: Ground): Contestant {
    const namespace = "synergychat-bench-helm";
    const chart = join(ground.folder, "chart");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 1.0.0\n");
    const target = [`--kube-context=${ground.context}`, `--namespace=${namespace}`];
    return {
        namespace,
        prepare: async (config) => {
            const objects = (await declaredObjects(configIn(namespace, config))).filter(
                ({ kind }) => kind !== "Namespace",
            );
            const texts = objects.map((object) => JSON.stringify(object));
            writeFileSync(join(chart, "templates", "all.yaml"), texts.join("\n---\n"));
            const flags = ["--install", "--create-namespace", "--wait"];
            return () => run(ground, "helm", "upgrade", "bench", chart, ...flags, ...target);
        },
        // Helm leaves the namespace that it made.
        destroy: async () => {
            await run(ground, "helm", "uninstall", "bench", ...target);
            await kubectl(ground, "delete", "namespace", namespace);
        },
    };
}

/** A Pulumi program: a copy in the benchmark's folder, because Pulumi writes a stack's config file beside the program. */
async function pulumiContestant(ground: Ground, name: "program" | "plain" | "empty") {
    const namespace = `synergychat-bench-${name}`;
    const directory = join(ground.folder, name);
    if (name === "program") {
        const isPart = (path: string) => !/^(node_modules|sandbox|\.git|Pulumi\..+\.yaml)$/.test(path);
        cpSync(".", directory, { recursive: true, filter: isPart });
    } else {
        cpSync(join(import.meta.dirname, "programs", name), directory, { recursive: true });
        writeFileSync(join(directory, "package.json"), `{ "name": "bench", "main": "index.ts" }`);
    }
    symlinkSync(resolve("node_modules"), join(directory, "node_modules"));

    const pulumi = (args: readonly string[], env: Environment = {}) => {
        const flags = ["--cwd", directory, "--non-interactive", "--stack", "bench"];
        return run({ ...ground, env: { ...ground.env, ...env } }, "pulumi", ...args, ...flags);
    };
    await pulumi(["stack", "init"]);
    const update = (env?: Environment) => pulumi(["up", "--yes", "--skip-preview"], env);
    return {
        namespace,
        prepare: async (changes: Config) => {
            const own = configIn(namespace, changes);
            const objects = join(ground.folder, "plain.json");
            if (name === "plain") {
                writeFileSync(objects, JSON.stringify(await declaredObjects(own)));
            }
            const config = {
                "kubernetes:context": ground.context,
                ...(name === "plain" ? { objects } : own),
            };
            const pairs = Object.entries(config).flatMap(([key, value]) => [
                "--plaintext",
                `${key}=${value}`,
            ]);
            await pulumi(["config", "set-all", "--path", ...pairs]);
            return () => update();
        },
        update,
        preview: () => pulumi(["preview"]),
        destroy: () => pulumi(["destroy", "--yes", "--skip-preview"]),
    };
}

function configIn(namespace: string, changes: Config): Config {
    const hosts = { webHost: `web.${namespace}.internal`, apiHost: `api.${namespace}.internal` };
    return { namespace, ...hosts, ...changes };
}

/** What the process of a Pulumi program needs at its peak, written to a file by the process itself. */
function peakMemory({ folder }: Ground) {
    const [file, script] = [join(folder, "peak"), join(folder, "peak.cjs")];
    // A language host may be a Node.js process, too. The program is the one that runs the SDK's script.
    writeFileSync(
        script,
        `if (/cmd.run/.test(process.argv[1] ?? "")) process.on("exit", () =>
            require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.resourceUsage().maxRSS)));`,
    );
    const environment = { NODE_OPTIONS: `--require ${script}` };
    return { environment, mebibytes: () => Number(readFileSync(file, "utf8")) / 1024 };
}

/** Runs kubectl, and returns what it prints. */
export function kubectl(ground: Ground, ...args: readonly string[]): Promise<string> {
    return run(ground, "kubectl", `--context=${ground.context}`, ...args);
}

const execute = promisify(execFile);

/** Runs a program to its end, and returns what it prints. Other work of this process goes on meanwhile. */
async function run({ env, signal }: Ground, program: string, ...args: readonly string[]): Promise<string> {
    try {
        return (await execute(program, args, { env: { ...env }, signal, maxBuffer: Infinity })).stdout;
    } catch (error) {
        const { message, stdout = "" } = error as Error & { readonly stdout?: string };
        throw new UserError(`${message}\n${stdout}`);
    }
}
