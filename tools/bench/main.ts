/**
 * `npm run bench -- [ROUNDS]`: measures this program against kubectl, Helm, an empty Pulumi program and the plainest Pulumi
 * program of the same objects, and writes the table of docs/performance.md.
 *
 * It uses the cluster of the current context, in namespaces and stacks of its own, and removes them at the end.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../kubernetes/client.ts";
import { serviceName } from "../../model/names.ts";
import { UserError } from "../../system/errors.ts";
import { formatted, replaceGenerated } from "../markdown.ts";
import { type Command, type Config, type Contestant, type Ground } from "./contestants.ts";
import { contestantsOn, namespaceOf, run } from "./contestants.ts";
import { type Name, type Row, type Task, resultTable } from "./report.ts";

const document = "docs/performance.md";

const apply = ["kubectl apply, rollout status", "kubectl"] as const;
const empty = ["an empty program", "empty"] as const;
const restart = ["kubectl rollout restart", "kubectl"] as const;

const tasks = {
    first: { task: "first up until ready", floor: apply, aim: 1.4 },
    nothing: { task: "up with nothing to do", floor: empty, aim: 1.4 },
    preview: { task: "preview with nothing to do", floor: empty, aim: 1.4 },
    config: { task: "config change of the crawler", floor: apply, aim: 1.4 },
    ephemeral: { task: "switch to ephemeral", floor: apply, aim: 1.2 },
    persistent: { task: "switch to persistent", floor: apply, aim: 1.2 },
    destroy: { task: "destroy until the volume is gone", floor: ["kubectl delete", "kubectl"], aim: 1.1 },
    silentConfig: { task: "api silent: config rollout", floor: restart },
    silentSwitch: { task: "api silent: switch", floor: restart },
    memory: { task: "peak memory of the program", floor: empty, unit: "MiB" },
} as const satisfies Readonly<Record<string, Task>>;
type TaskName = keyof typeof tasks;
type Note = (task: TaskName, name: Name, value: number) => void;

/** Everybody does every task once in each round. The first round fills caches, and is not counted. */
async function measure(ground: Ground, rounds: number): Promise<readonly Row[]> {
    const contestants = await contestantsOn(ground);
    const figures: Partial<Record<TaskName, Partial<Record<Name, number[]>>>> = {};
    for (let number = 0; number <= rounds; number++) {
        console.log(number === 0 ? "warm-up" : `round ${number} of ${rounds}`);
        await round(ground, contestants, number, (task, name, value) => {
            console.log(`  ${tasks[task].task}, ${name}: ${value.toFixed(1)}`);
            const values = ((figures[task] ??= {})[name] ??= []);
            if (number > 0) {
                values.push(value);
            }
        });
    }
    return (Object.keys(tasks) as TaskName[]).map((name) => {
        // Pulumi has to start and the cluster has to change, one after the other.
        const isAfterBoth = tasks[name].floor !== empty && "aim" in tasks[name];
        const starts = isAfterBoth ? figures.nothing?.empty : undefined;
        return { ...tasks[name], values: figures[name] ?? {}, starts };
    });
}

async function round(
    ground: Ground,
    { kubectl, helm, empty, plain, program }: Awaited<ReturnType<typeof contestantsOn>>,
    number: number,
    note: Note,
): Promise<void> {
    const time = async (task: TaskName, name: Name, command: Command) => {
        const start = performance.now();
        await command();
        note(task, name, (performance.now() - start) / 1000);
    };
    // The plainest program only comes up and goes, because its changes take long.
    const changing = named({ kubectl, ...(helm && { helm }), program });
    const all = [...changing, ...named({ plain })];
    const change = async (task: TaskName, config: Config, contestants = changing) => {
        for (const [name, contestant] of contestants) {
            await contestant.prepare(config);
            await time(task, name, contestant.apply);
        }
    };
    const first = { storageMode: "persistent", crawlerKeywords: "love,hate" };
    const changed = { ...first, crawlerKeywords: `love,round${number}` };

    await change("first", first, all);
    for (const [name, one] of named({ empty, plain, program })) {
        await time("nothing", name, one.apply);
        note("memory", name, one.peakMebibytes());
        await time("preview", name, one.preview);
    }
    await change("config", changed);

    const silent = await silence(ground, kubectl, kubectl.restartApi);
    note("silentConfig", "kubectl", silent);
    note("silentSwitch", "kubectl", silent);
    await program.prepare({ ...changed, "imagePullSecrets[0]": `round-${number}` });
    note("silentConfig", "program", await silence(ground, program, program.apply));
    const toEphemeral = () => change("ephemeral", { ...changed, storageMode: "ephemeral" });
    note("silentSwitch", "program", await silence(ground, program, toEphemeral));
    await change("persistent", changed);

    for (const [name, { namespace, destroy }] of all) {
        const volumeName = "--output=jsonpath={.items[0].spec.volumeName}";
        const volume = await run(ground, "kubectl", "get", "pvc", `--namespace=${namespace}`, volumeName);
        await time("destroy", name, async () => {
            await destroy();
            // An app is gone when its volume is.
            await run(ground, "kubectl", "wait", "--for=delete", `pv/${volume}`, "--timeout=2m");
        });
    }
}

function named<T>(contestants: Partial<Record<Name, T>>): readonly [Name, T][] {
    return Object.entries(contestants) as [Name, T][];
}

/**
 * The longest time, in seconds, in which the api answers nobody during a change. Every question is asked by itself: one
 * that hangs at a pod that ends does not keep the others from being asked.
 */
async function silence(ground: Ground, { namespace }: Contestant, command: Command): Promise<number> {
    const client = await Client.connect(ground);
    const path = `/api/v1/namespaces/${namespace}/services/${serviceName("api")}:80/proxy/messages`;
    const answered: number[] = [];
    const ask = async (start = performance.now()): Promise<void> => {
        if ((await client.read(path)).kind === "found") {
            answered.push(start);
        }
    };
    const state = { end: Infinity };
    const changing = command().finally(() => (state.end = performance.now()));
    // The change may end before the api answers again.
    while (!answered.some((time) => time > state.end) && performance.now() < state.end + 60_000) {
        void ask();
        await sleep(25);
    }
    await changing;
    const times = answered.toSorted((one, other) => one - other);
    return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? time))) / 1000;
}

/** Removes everything that the benchmark makes, however it ends. What it did not make, it does not delete. */
async function onGround(act: (ground: Ground) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-bench-"));
    const env = {
        ...process.env,
        KUBECONFIG: join(folder, "kubeconfig"),
        // The state, and what the programs cache, is in this folder as well.
        XDG_CACHE_HOME: folder,
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const current = ["config", "view", "--minify", "--flatten", "--raw"];
    writeFileSync(env.KUBECONFIG, await run({ env: process.env }, "kubectl", ...current));
    const context = (await run({ env }, "kubectl", "config", "current-context")).trim();
    const names = ["kubectl", "helm", "plain", "program"].map(namespaceOf);
    const ours = ["namespace", "--ignore-not-found", ...names];
    const found = await run({ env }, "kubectl", "get", ...ours, "--output=name");
    if (found !== "") {
        throw new UserError(`The benchmark makes and deletes namespaces that exist already:\n${found}`);
    }
    const interruption = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"]) {
        process.once(signal, () => {
            interruption.abort();
        });
    }
    try {
        await act({ folder, context, env, signal: interruption.signal });
    } finally {
        console.log("\nRemoving what the benchmark made ...");
        await run({ env }, "kubectl", "delete", ...ours);
        // A command that was interrupted may still write its last file.
        rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 500 });
    }
}

/** Where the figures come from: the parts that ran, and the machine. */
async function describePlace({ env }: Ground, rounds: number): Promise<string> {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
        dependencies: Readonly<Record<"@pulumi/pulumi" | "@pulumi/kubernetes", string>>;
    };
    const fields = "{.items[0].status.nodeInfo['kubeletVersion','containerRuntimeVersion']}";
    return [
        `Medians of ${rounds} interleaved rounds, after one that is not counted.`,
        `Pulumi ${(await run({ env }, "pulumi", "version")).trim()} with its SDK ${dependencies["@pulumi/pulumi"]},`,
        `Kubernetes provider ${dependencies["@pulumi/kubernetes"]}, Node.js ${process.version},`,
        `Kubernetes ${await run({ env }, "kubectl", "get", "nodes", `--output=jsonpath=${fields}`)},`,
        `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}),`,
        `load average ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes.`,
    ].join(" ");
}

const rounds = Number(process.argv[2] ?? "5");
if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UserError(`ROUNDS is ${process.argv[2] ?? ""}. It must be a whole number of 1 or more.`);
}
await onGround(async (ground) => {
    const table = resultTable(await measure(ground, rounds));
    const text = `${await describePlace(ground, rounds)}\n\n${table}`;
    const whole = replaceGenerated(readFileSync(document, "utf8"), "measurements", text);
    writeFileSync(document, await formatted(document, whole));
    console.log(`\n${text}`);
});
