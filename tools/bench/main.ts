/**
 * `npm run bench -- [ROUNDS]`: measures this program against kubectl, Helm, an empty Pulumi program and the plainest Pulumi
 * program of the same objects, and writes the table of docs/performance.md.
 *
 * It uses the cluster of the current context, in namespaces and stacks of its own, and removes them at the end. What it did not
 * make, it does not delete.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../kubernetes/client.ts";
import { serviceName } from "../../model/names.ts";
import { UserError } from "../../system/errors.ts";
import { runVisibly } from "../../system/process.ts";
import { formatted, replaceGenerated } from "../markdown.ts";
import { type Command, type Config, type Contestant, contestantsIn } from "./contestants.ts";
import { interruption, namespaceOf, run } from "./contestants.ts";
import { type Name, type Sample, type TaskName, resultTable, tasks } from "./report.ts";

const document = "docs/performance.md";

type Contestants = Awaited<ReturnType<typeof contestantsIn>>;
type Note = (task: TaskName, name: Name, value: number) => void;

/** Everybody does every task once in each round. The first round fills caches, and is not counted. */
async function measure(contestants: Contestants, client: Client, rounds: number): Promise<readonly Sample[]> {
    const samples: Sample[] = [];
    for (let number = 0; number <= rounds; number++) {
        samples.splice(number === 1 ? 0 : Infinity);
        console.log(number === 0 ? "warm-up" : `round ${number} of ${rounds}`);
        await round(contestants, client, number, (task, name, value) => {
            console.log(`  ${tasks[task].task}, ${name}: ${value.toFixed(1)}`);
            samples.push({ task, name, value });
        });
    }
    return samples;
}

async function round(
    { kubectl, helm, empty, plain, program }: Contestants,
    client: Client,
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

    const silent = await silence(client, kubectl, kubectl.restartApi);
    note("silentConfig", "kubectl", silent);
    note("silentSwitch", "kubectl", silent);
    await program.prepare({ ...changed, "imagePullSecrets[0]": `round-${number}` });
    note("silentConfig", "program", await silence(client, program, program.apply));
    const toEphemeral = () => change("ephemeral", { ...changed, storageMode: "ephemeral" });
    note("silentSwitch", "program", await silence(client, program, toEphemeral));
    await change("persistent", changed);

    for (const [name, { namespace, destroy }] of all) {
        const volumeName = "--output=jsonpath={.items[0].spec.volumeName}";
        const volume = await run("kubectl", ["get", "pvc", `--namespace=${namespace}`, volumeName]);
        await time("destroy", name, async () => {
            await destroy();
            // An app is gone when its volume is.
            await run("kubectl", ["wait", "--for=delete", `pv/${volume}`, "--timeout=2m"]);
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
async function silence(client: Client, { namespace }: Contestant, command: Command): Promise<number> {
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

/** Where the figures come from: the parts that ran, and the machine. */
async function describePlace(rounds: number): Promise<string> {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
        dependencies: Readonly<Record<"@pulumi/pulumi" | "@pulumi/kubernetes", string>>;
    };
    const fields = "{.items[0].status.nodeInfo['kubeletVersion','containerRuntimeVersion']}";
    return [
        `Medians of ${rounds} interleaved rounds, after one that is not counted.`,
        `Pulumi ${await run("pulumi", ["version"])} with its SDK ${dependencies["@pulumi/pulumi"]},`,
        `Kubernetes provider ${dependencies["@pulumi/kubernetes"]}, Node.js ${process.version},`,
        `Kubernetes ${await run("kubectl", ["get", "nodes", `--output=jsonpath=${fields}`])},`,
        `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}),`,
        `load average ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes.`,
    ].join(" ");
}

const rounds = Number(process.argv[2] ?? "5");
if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UserError(`ROUNDS is ${process.argv[2] ?? ""}. It must be a whole number of 1 or more.`);
}
const ours = ["namespace", "--ignore-not-found", ...["kubectl", "helm", "plain", "program"].map(namespaceOf)];
const found = await run("kubectl", ["get", ...ours, "--output=name"]);
if (found !== "") {
    throw new UserError(`The benchmark makes and deletes namespaces that exist already:\n${found}`);
}
const kubeconfig = await run("kubectl", ["config", "view", "--minify", "--flatten", "--raw"]);
const context = await run("kubectl", ["config", "current-context"]);
const folder = mkdtempSync(join(tmpdir(), "synergychat-bench-"));
writeFileSync(join(folder, "kubeconfig"), kubeconfig);
// From here on, everything asks this one cluster. The state, and what the programs cache, is in the folder as well.
Object.assign(process.env, {
    KUBECONFIG: join(folder, "kubeconfig"),
    XDG_CACHE_HOME: folder,
    PULUMI_BACKEND_URL: `file://${folder}`,
    PULUMI_CONFIG_PASSPHRASE: "",
    PULUMI_SKIP_UPDATE_CHECK: "true",
});
delete process.env.PULUMI_CONFIG_PASSPHRASE_FILE;
for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
        interruption.abort();
    });
}
try {
    const contestants = await contestantsIn(folder, context);
    const table = resultTable(await measure(contestants, await Client.connect({ context }), rounds));
    const text = `${await describePlace(rounds)}\n\n${table}`;
    const whole = replaceGenerated(readFileSync(document, "utf8"), "measurements", text);
    writeFileSync(document, await formatted(document, whole));
    console.log(`\n${text}`);
} finally {
    console.log("\nRemoving what the benchmark made ...");
    runVisibly("kubectl", ["delete", ...ours], process.env, 1);
    // A command that was interrupted may still write its last file.
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 500 });
}
