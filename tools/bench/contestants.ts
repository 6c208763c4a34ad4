/** The commands that are measured. Each contestant has a namespace, and each Pulumi program a stack, of its own. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parts, workloadName } from "../../model/names.ts";
import { isOnPath } from "../../system/process.ts";
import { runDeploy } from "../../tests/program/support/program.ts";

/** Config keys without their namespace. */
export type Config = Readonly<Record<string, string>>;
export type Command = () => Promise<unknown>;

/** Who deploys the app. */
export interface Contestant {
    readonly namespace: string;
    /** Writes down what the app has to be. This is not measured. */
    readonly prepare: (config: Config) => Promise<unknown>;
    readonly apply: Command;
    readonly destroy: Command;
}

/** Everybody who takes part, in a folder that is deleted at the end. Helm does if it is installed. */
export async function contestantsIn(folder: string, context: string) {
    return {
        kubectl: kubectlContestant(folder),
        ...(isOnPath("helm", process.env) && { helm: helmContestant(folder) }),
        empty: await pulumiContestant(folder, context, "empty"),
        plain: await pulumiContestant(folder, context, "plain"),
        program: await pulumiContestant(folder, context, "program"),
    };
}

/** The floor: kubectl, which waits for the three rollouts and for nothing else. */
function kubectlContestant(folder: string) {
    const namespace = namespaceOf("kubectl");
    const file = join(folder, "kubectl.json");
    const kubectl = (...args: readonly string[]) => run("kubectl", [...args, "--namespace", namespace]);
    const andRollOut = async (...args: readonly string[]) => {
        await kubectl(...args);
        for (const part of parts) {
            await kubectl("rollout", "status", `deployment/${workloadName(part)}`, "--timeout=5m");
        }
    };
    return {
        namespace,
        prepare: async (config: Config) => {
            const items = await objectsOf(namespace, config);
            writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
        },
        apply: () => andRollOut("apply", "--filename", file),
        destroy: () => kubectl("delete", "--filename", file),
        restartApi: () => andRollOut("rollout", "restart", `deployment/${workloadName("api")}`),
    };
}

/** Helm, with a chart of the same objects: a release that waits until all of them are ready. */
function helmContestant(folder: string): Contestant {
    const namespace = namespaceOf("helm");
    const chart = join(folder, "chart");
    mkdirSync(join(chart, "templates"), { recursive: true });
    writeFileSync(join(chart, "Chart.yaml"), "apiVersion: v2\nname: bench\nversion: 1.0.0\n");
    const helm = (...args: readonly string[]) => run("helm", [...args, "--namespace", namespace]);
    return {
        namespace,
        prepare: async (config) => {
            const [, ...objects] = await objectsOf(namespace, config);
            const text = objects.map((object) => JSON.stringify(object)).join("\n---\n");
            writeFileSync(join(chart, "templates", "all.yaml"), text);
        },
        apply: () => helm("upgrade", "bench", chart, "--install", "--create-namespace", "--wait"),
        // Helm leaves the namespace that it made.
        destroy: async () => {
            await helm("uninstall", "bench");
            await run("kubectl", ["delete", "namespace", namespace]);
        },
    };
}

/** A Pulumi program: a copy in the benchmark's folder, because Pulumi writes a stack's config file beside the program. */
async function pulumiContestant(folder: string, context: string, name: "program" | "plain" | "empty") {
    const namespace = namespaceOf(name);
    const directory = join(folder, name);
    if (name === "program") {
        const isPart = (path: string) => !/^(node_modules|sandbox|\.git|Pulumi\..+\.yaml)$/.test(path);
        cpSync(".", directory, { recursive: true, filter: isPart });
    } else {
        cpSync(join(import.meta.dirname, "programs", name), directory, { recursive: true });
        writeFileSync(join(directory, "package.json"), `{ "name": "bench", "main": "index.ts" }`);
    }
    symlinkSync(resolve("node_modules"), join(directory, "node_modules"));

    const objects = join(directory, "objects.json");
    const peak = join(directory, "peak");
    const script = join(directory, "peak.cjs");
    // The process of the program writes what it needed at its peak. A language host may be a Node.js process, too: the program
    // is the one that runs the SDK's script.
    writeFileSync(
        script,
        `if (/cmd.run/.test(process.argv[1] ?? "")) process.on("exit", () =>
            require("node:fs").writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`,
    );
    const options = ["--cwd", directory, "--non-interactive", "--stack", "bench"];
    const pulumi = (...args: readonly string[]) =>
        run("pulumi", [...args, ...options], { NODE_OPTIONS: `--require ${script}` });
    await pulumi("stack", "init");
    return {
        namespace,
        prepare: async (changes: Config) => {
            if (name === "plain") {
                writeFileSync(objects, JSON.stringify(await objectsOf(namespace, changes)));
            }
            const own = name === "plain" ? { objects } : configIn(namespace, changes);
            const config = Object.entries({ "kubernetes:context": context, ...own });
            const pairs = config.flatMap(([key, value]) => ["--plaintext", `${key}=${value}`]);
            await pulumi("config", "set-all", "--path", ...pairs);
        },
        apply: () => pulumi("up", "--yes", "--skip-preview"),
        preview: () => pulumi("preview"),
        destroy: () => pulumi("destroy", "--yes", "--skip-preview"),
        peakMebibytes: () => Number(readFileSync(peak, "utf8")) / 1024,
    };
}

export function namespaceOf(contestant: string): string {
    return `synergychat-bench-${contestant}`;
}

function configIn(namespace: string, changes: Config): Config {
    const hosts = { webHost: `web.${namespace}.internal`, apiHost: `api.${namespace}.internal` };
    return { namespace, ...hosts, ...changes };
}

/** The objects that this program declares. The first is the namespace. */
async function objectsOf(namespace: string, changes: Config): Promise<readonly unknown[]> {
    return (await runDeploy(configIn(namespace, changes))).objects.map(({ inputs }) => inputs as unknown);
}

/** Ends the command that runs. */
export const interruption = new AbortController();

/** Runs a program to its end, and returns what it prints. Other work of this process goes on meanwhile. */
export async function run(program: string, args: readonly string[], more: Config = {}): Promise<string> {
    const { signal } = interruption;
    const options = { env: { ...process.env, ...more }, maxBuffer: Infinity, signal };
    return (await promisify(execFile)(program, args, options)).stdout.trim();
}
