/**
 * `npm test`: format, lint, types and all tests, two steps at a time. The cluster starts meanwhile. Then the scenarios run on
 * it, beside the tests that start processes. The last lines name what failed, and count every check and every test that
 * ran. A step that ends without a count is one failure.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Counts {
    readonly passed: number;
    /** The names of the checks and the titles of the tests that failed. */
    readonly failed: readonly string[];
    readonly skipped: number;
}

type Step = () => Promise<Counts>;

const success: Counts = { passed: 1, failed: [], skipped: 0 };

function failure(script: string): Counts {
    return { passed: 0, failed: [`npm run ${script}`], skipped: 0 };
}

/** A step that is one check: it passes or it fails. */
function check(script: string): Step {
    return async () => ((await succeeds("npm", ["run", "--silent", script])) ? success : failure(script));
}

/** A step of many checks, which mocha counts. */
function mocha(script: string): Step {
    return async () => {
        const folder = mkdtempSync(join(tmpdir(), "synergychat-tests-"));
        const file = join(folder, "counts.json");
        try {
            const reporter = join(import.meta.dirname, "reporter.cjs");
            const args = ["run", "--silent", script, "--", "--reporter", reporter];
            const ended = await succeeds("npm", args, { TEST_COUNTS: file });
            const counts = JSON.parse(readFileSync(file, "utf8")) as Counts;
            return ended || counts.failed.length > 0 ? counts : { ...counts, failed: failure(script).failed };
        } catch {
            return failure(script);
        } finally {
            rmSync(folder, { recursive: true });
        }
    };
}

/** Runs a program, and shows its output in one piece when it has ended. */
function succeeds(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<boolean> {
    const start = performance.now();
    const child = spawn(program, args, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, ...env },
    });
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr]) {
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    }
    child.on("error", ({ message }) => chunks.push(Buffer.from(message)));
    return new Promise((resolve) => {
        child.on("close", (status) => {
            const seconds = ((performance.now() - start) / 1000).toFixed(0);
            console.log(`\n> ${[program, ...args].join(" ")}: ${seconds} s`);
            process.stdout.write(Buffer.concat(chunks));
            resolve(status === 0);
        });
    });
}

/** Steps one after the other. */
async function lane(...steps: readonly Step[]): Promise<readonly Counts[]> {
    const counts: Counts[] = [];
    for (const step of steps) {
        counts.push(await step());
    }
    return counts;
}

// What starts the cluster is not counted: if it fails, so do the scenarios, which try again.
const cluster = succeeds("node", ["tests/e2e/support/start.ts"]);
const quick = await Promise.all([
    lane(mocha("test:unit"), mocha("test:program"), check("types")),
    lane(check("lint"), check("format")),
]);
await cluster;
const slow = await Promise.all([
    lane(
        mocha("test:pods"),
        mocha("test:integration"),
        mocha("test:sandbox"),
        mocha("test:scanners"),
        mocha("test:policies"),
        check("test:go"),
    ),
    lane(mocha("test:e2e")),
]);

const counts = [...quick, ...slow].flat(2);
const passed = counts.reduce((total, count) => total + count.passed, 0);
const skipped = counts.reduce((total, count) => total + count.skipped, 0);
const failed = counts.flatMap((count) => count.failed);
console.log(failed.map((title) => `\nFailed: ${title}`).join(""));
console.log(`${passed} passed, ${failed.length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;
