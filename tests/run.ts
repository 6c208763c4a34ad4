/**
 * `npm test`: format, lint, types, then the tests from the fastest level to the slowest, which runs scenarios on a real
 * cluster. The last line counts every check and every test that ran. A step that ends without a count is one failure.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Counts {
    readonly passed: number;
    readonly failed: number;
    readonly skipped: number;
}

const failure: Counts = { passed: 0, failed: 1, skipped: 0 };

/** A step that is one check: it passes or it fails. */
function check(script: string): Counts {
    return start("npm", ["run", "--silent", script]) ? { passed: 1, failed: 0, skipped: 0 } : failure;
}

/** A step of many checks, which mocha counts. */
function mocha(script: string): Counts {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-tests-"));
    const file = join(folder, "counts.json");
    try {
        const reporter = join(import.meta.dirname, "reporter.cjs");
        const ended = start("npm", ["run", "--silent", script, "--", "--reporter", reporter], {
            TEST_COUNTS: file,
        });
        const counts = JSON.parse(readFileSync(file, "utf8")) as Counts;
        return ended || counts.failed > 0 ? counts : { ...counts, failed: 1 };
    } catch {
        return failure;
    } finally {
        rmSync(folder, { recursive: true });
    }
}

function start(program: string, args: readonly string[], env: Record<string, string> = {}): boolean {
    console.log(`\n> ${[program, ...args].join(" ")}`);
    return spawnSync(program, args, { stdio: "inherit", env: { ...process.env, ...env } }).status === 0;
}

const counts = [
    check("format"),
    check("lint"),
    check("types"),
    mocha("test:unit"),
    mocha("test:program"),
    mocha("test:pods"),
    mocha("test:integration"),
    mocha("test:sandbox"),
    check("test:images"),
    mocha("test:e2e"),
];
const sum = (key: keyof Counts) => counts.reduce((total, count) => total + count[key], 0);
const skipped = sum("skipped");
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = sum("failed") > 0 || sum("passed") === 0 ? 1 : 0;
