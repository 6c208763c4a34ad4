/**
 * `npm run bench`: measures this program against kubectl, an empty Pulumi program and the plainest Pulumi program of the
 * same objects, and writes docs/performance.md and docs/performance.svg.
 *
 * It uses the cluster of the current context, in namespaces and stacks of its own, and removes them at the end.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { currentContext } from "../../kubernetes/kubectl.ts";
import { UserError, isUserError } from "../../system/errors.ts";
import { replaceGenerated } from "../markdown.ts";
import { type Ground, kubectl } from "./contestants.ts";
import { describePlace } from "./place.ts";
import { picture, resultTable } from "./report.ts";
import { Benchmark, namespaces } from "./rounds.ts";

const document = "docs/performance.md";
const help = `Measures this program against kubectl and other Pulumi programs, and writes ${document}.

Usage: npm run bench -- [OPTIONS]

Options:
  --rounds N    rounds that are counted, after one that is not (default: 5)
  --growth      also measure growth, which takes as long again
  --print       print the table, and write no file
  --help        show this help`;

async function main(): Promise<void> {
    const { values } = parseArgs({
        options: {
            rounds: { type: "string", default: "5" },
            growth: { type: "boolean", default: false },
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
        const benchmark = new Benchmark(ground);
        await benchmark.run(rounds, values.growth);
        const rows = benchmark.rows();
        const place = await describePlace(ground, rounds);
        const text = `${place}\n\n${resultTable(rows)}`;
        console.log(`\n${text}`);
        if (!values.print) {
            await write(text, picture(rows));
        }
    });
}

/** Removes everything that the benchmark makes, however it ends. */
async function onGround(measure: (ground: Ground) => Promise<void>): Promise<void> {
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
    const ground: Ground = { context, env, folder };
    await requireUnused(ground);
    const interruption = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
        process.once(signal, () => {
            interruption.abort();
        });
    }
    try {
        await measure({ ...ground, signal: interruption.signal });
    } finally {
        console.log("\nRemoving what the benchmark made ...");
        await kubectl(ground, "delete", "namespace", "--ignore-not-found", ...namespaces);
        rmSync(folder, { recursive: true });
    }
}

/** What the benchmark did not make, it does not delete. */
async function requireUnused(ground: Ground): Promise<void> {
    const found = await kubectl(
        ground,
        "get",
        "namespace",
        "--ignore-not-found",
        "--output=name",
        ...namespaces,
    );
    if (found.trim() !== "") {
        throw new UserError(
            `The benchmark makes and deletes these, and they exist: ${found.trim().split("\n").join(", ")}\n` +
                `  Delete them:  kubectl delete ${found.trim().split("\n").join(" ")}`,
        );
    }
}

async function write(text: string, svg: string): Promise<void> {
    const whole = replaceGenerated(readFileSync(document, "utf8"), "measurements", text);
    writeFileSync(document, await format(whole, { ...(await resolveConfig(document)), filepath: document }));
    writeFileSync("docs/performance.svg", svg);
    console.log(`\n${document} is written.`);
}

main().catch((error: unknown) => {
    const isUsage = error instanceof TypeError && "code" in error;
    console.error(isUserError(error) || isUsage ? error.message : error);
    process.exitCode = isUsage ? 2 : 1;
});
