/** What Pulumi.yaml makes Node.js load before the program. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";

const root = resolve(import.meta.dirname, "../..");

/** The arguments as Pulumi's language host passes them, which starts in the project's folder. */
function nodeArguments(): readonly string[] {
    const { runtime } = parse(readFileSync(join(root, "Pulumi.yaml"), "utf8"));
    return runtime.options.nodeargs.split(" ");
}

describe("the check of the version", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-program-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    for (const [version, status] of [
        ["20.20.2", 32],
        ["22.17.1", 32],
        ["22.18.0", 0],
        ["24.0.0", 0],
    ] as const) {
        it(`ends with ${status} on Node.js ${version}`, () => {
            const pretend = join(folder, "pretend.cjs");
            const value = JSON.stringify(version);
            writeFileSync(pretend, `Object.defineProperty(process.versions, "node", { value: ${value} });`);
            const args = ["--require", pretend, ...nodeArguments(), "--eval", "0"];
            const ended = spawnSync("node", args, { cwd: root, encoding: "utf8" });
            assert.equal(ended.status, status, ended.stderr);
            assert.equal(ended.stderr.includes(version), status !== 0);
        });
    }
});

describe("npm's dependency solver", () => {
    const load = (use: string) => {
        const program = `const pulumi = require("@pulumi/pulumi"); (async () => { ${use} })().then(() =>
            console.log(Object.keys(require.cache).filter((file) => /arborist.lib/.test(file)).length));`;
        const args = [...nodeArguments(), "--eval", program];
        const { status, stdout, stderr } = spawnSync("node", args, { cwd: root, encoding: "utf8" });
        assert.equal(status, 0, stderr);
        return Number(stdout);
    };

    it("is not loaded by a program that serializes no function", () => {
        assert.equal(load(""), 0);
    });

    it("works in a program that does", () => {
        const text = `const { text } = await pulumi.runtime.serializeFunction(() => require("yaml").parse("1"));
            require("node:assert").match(text, /yaml/);
            await pulumi.runtime.computeCodePaths();`;
        assert.ok(load(text) > 0);
    });
});

describe("the compile cache", () => {
    let folder: string;
    let cache: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-program-"));
        cache = mkdtempSync(join(tmpdir(), "synergychat-cache-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
        rmSync(cache, { recursive: true });
    });

    function write(word: string): void {
        writeFileSync(join(folder, "module.cjs"), `exports.word = () => "${word}";`);
        writeFileSync(join(folder, "program.cjs"), 'console.log(require("./module.cjs").word());');
        // Same size and same time: only the source tells the files apart.
        utimesSync(join(folder, "module.cjs"), 0, 0);
    }

    function run(env: Readonly<Record<string, string | undefined>> = { XDG_CACHE_HOME: cache }): string {
        const inherited = { ...process.env, NODE_COMPILE_CACHE: undefined };
        const args = [...nodeArguments(), join(folder, "program.cjs")];
        const ended = spawnSync("node", args, { cwd: root, env: { ...inherited, ...env }, encoding: "utf8" });
        assert.equal(ended.status, 0, ended.stderr);
        assert.equal(ended.stderr, "");
        return ended.stdout.trim();
    }

    const cached = (place: string) =>
        readdirSync(place, { recursive: true, encoding: "utf8" }).filter((name) =>
            statSync(join(place, name)).isFile(),
        );

    it("is kept for the user, and nothing is written beside the program", () => {
        write("one");
        assert.equal(run(), "one");
        assert.ok(cached(cache).length >= 2, "the program and its module are cached");
        assert.deepEqual(readdirSync(folder).sort(), ["module.cjs", "program.cjs"]);
    });

    it("never runs a stale build", () => {
        write("one");
        assert.deepEqual([run(), run()], ["one", "one"]);
        write("two");
        assert.equal(run(), "two");
    });

    it("does not keep the program from running if there is no place for it", () => {
        write("one");
        assert.equal(run({ XDG_CACHE_HOME: "/dev/null" }), "one");
    });

    it("is where NODE_COMPILE_CACHE says, if that is set", () => {
        write("one");
        const elsewhere = join(cache, "elsewhere");
        assert.equal(run({ XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: elsewhere }), "one");
        assert.deepEqual(readdirSync(cache), ["elsewhere"]);
        assert.ok(cached(elsewhere).length >= 2);
    });
});
