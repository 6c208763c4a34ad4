/**
 * `npm run bench`: measures this program against kubectl, Helm, an empty Pulumi program and the plainest Pulumi program of
 * the same objects, and writes the table of docs/performance.md.
 *
 * It uses the cluster of the current context, in namespaces and stacks of its own, and removes them at the end.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, homedir, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { currentContext } from "../../kubernetes/kubectl.ts";
import { UserError, isUserError } from "../../system/errors.ts";
import { type Environment, outputOf } from "../../system/process.ts";
import { formatted, replaceGenerated } from "../markdown.ts";
import { type Ground, kubectl } from "./contestants.ts";
import { resultTable } from "./report.ts";
import { measure, namespaces } from "./rounds.ts";

const document = "docs/performance.md";
const help = `Measures this program against kubectl and other Pulumi programs, and writes ${document}.

Usage: npm run bench -- [OPTIONS]

Options:
  --rounds N    rounds that are counted, after one that is not (default: 5)
  --print       print the table, and write no file
  --help        show this help`;

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            rounds: { type: "string", default: "5" },
            print: { type: "boolean", default: false },
            help: { type: "boolean", default: false },
        },
    });
    if (values.help) {
        console.log(help);
        return;
    }
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) {
        throw new UserError(`--rounds is ${values.rounds}. It must be a whole number of 1 or more.`);
    }
    await onGround(async (ground) => {
        const rows = await measure(ground, rounds);
        const text = `${await describePlace(ground, rounds)}\n\n${resultTable(rows)}`;
        console.log(`\n${text}`);
        if (!values.print) {
            const whole = replaceGenerated(readFileSync(document, "utf8"), "measurements", text);
            writeFileSync(document, await formatted(document, whole));
        }
    });
}

/** Removes everything that the benchmark makes, however it ends. What it did not make, it does not delete. */
async function onGround(act: (ground: Ground) => Promise<void>): Promise<void> {
    const context = currentContext(process.env);
    if (context === undefined) {
        throw new UserError("There is no current context.\n  Name one:  kubectl config use-context NAME");
    }
    const folder = mkdtempSync(join(tmpdir(), "synergychat-bench-"));
    const env = {
        ...process.env,
        // The state, and what the programs cache, is in this folder as well.
        XDG_CACHE_HOME: folder,
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE: "",
        PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const interruption = new AbortController();
    const ground = { context, env, folder, signal: interruption.signal };
    const ours = ["namespace", "--ignore-not-found", ...namespaces];
    const found = await kubectl(ground, "get", ...ours, "--output=name");
    if (found !== "") {
        const names = found.trim().split("\n").join(" ");
        throw new UserError(
            `The benchmark makes and deletes namespaces that exist already: ${names}\n` +
                `  Delete them:  kubectl delete ${names}`,
        );
    }
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
            interruption.abort();
        });
    }
    try {
        await act(ground);
    } finally {
        console.log("\nRemoving what the benchmark made ...");
        const { signal } = new AbortController();
        await kubectl({ ...ground, signal }, "delete", ...ours);
        // A command that was interrupted may still write its last file.
        rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 500 });
    }
}

/** Where the figures come from: the parts that ran, and the machine. */
async function describePlace(ground: Ground, rounds: number): Promise<string> {
    const { env } = ground;
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
        dependencies: Readonly<Record<"@pulumi/pulumi" | "@pulumi/kubernetes", string>>;
    };
    const fields = "{.items[0].status.nodeInfo['kubeletVersion','containerRuntimeVersion']}";
    const node = await kubectl(ground, "get", "nodes", `--output=jsonpath=${fields}`);
    return [
        `Medians of ${rounds} interleaved rounds, after one that is not counted.`,
        `Pulumi ${outputOf("pulumi", ["version"], env) ?? "unknown"} with its SDK ${dependencies["@pulumi/pulumi"]},`,
        `Kubernetes provider ${buildOf(dependencies["@pulumi/kubernetes"], env)}, Node.js ${process.version},`,
        `Kubernetes ${node}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}),`,
        `load average ${(loadavg()[2] ?? 0).toFixed(1)} over the last 15 minutes.`,
    ].join(" ");
}

/** A provider that is built from a module's source is installed under the number of a release. Its binary knows. */
function buildOf(version: string, env: Environment): string {
    const home = env.PULUMI_HOME ?? join(homedir(), ".pulumi");
    const file = join(home, "plugins", `resource-kubernetes-v${version}`, "pulumi-resource-kubernetes");
    const modules = outputOf("go", ["version", "-m", file], env) ?? "";
    const [, ...day] = /pulumi-kubernetes\/provider\/v4\s+v\S+-(\d{4})(\d\d)(\d\d)\d{6}-/.exec(modules) ?? [];
    return day.length > 0 ? `built from the source of ${day.join("-")}, installed as ${version}` : version;
}

main().catch((error: unknown) => {
    const isUsage = error instanceof TypeError && "code" in error;
    console.error(isUserError(error) || isUsage ? error.message : error);
    process.exitCode = isUsage ? 2 : 1;
});
