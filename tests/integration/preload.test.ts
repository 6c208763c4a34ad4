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

describe("what the program does not use", () => {
    /** Files that only the modules themselves load, by what they are for. */
    const parts = {
        "npm's dependency solver": "/@npmcli/arborist/lib/arborist/index.js",
        "TypeScript's compiler": "/typescript/lib/typescript.js",
        "source maps": "/source-map-support/source-map-support.js",
        traces: "/@opentelemetry/sdk-trace-node/build/src/NodeTracerProvider.js",
        "a debugger": "NativeModule inspector",
    };

    /** What a program loads that runs as Pulumi runs it. */
    function loaded(
        use = "",
        args: readonly string[] = [],
        env: Readonly<Record<string, string>> = {},
    ): string[] {
        const program = `require("@pulumi/pulumi/cmd/run/instrumentation");
            require("source-map-support/register");
            require("@pulumi/pulumi/cmd/run/tracing");
            const pulumi = require("@pulumi/pulumi");
            const hooks = require("@pulumi/pulumi/runtime/closure/v8Hooks");
            (async () => { await hooks.isInitializedAsync(); ${use} })()
                .then(() => console.log(JSON.stringify([...Object.keys(require.cache), ...process.moduleLoadList])));`;
        const ended = spawnSync("node", [...nodeArguments(), "--eval", program, "--", ...args], {
            cwd: root,
            encoding: "utf8",
            env: { ...process.env, ...env },
        });
        assert.equal(ended.status, 0, ended.stderr);
        const files = JSON.parse(ended.stdout) as string[];
        return Object.entries(parts)
            .filter(([, end]) => files.some((file) => file.endsWith(end)))
            .map(([part]) => part);
    }

    it("is not loaded", () => {
        assert.deepEqual(loaded(), []);
    });

    it("is loaded by a program that serializes functions", () => {
        const use = `const { text } = await pulumi.runtime.serializeFunction(() => require("yaml").parse("1"));
            require("node:assert").match(text, /yaml/);
            await pulumi.runtime.computeCodePaths();`;
        assert.deepEqual(loaded(use), ["npm's dependency solver", "TypeScript's compiler", "a debugger"]);
    });

    for (const [how, args, env] of [
        ["by a flag", ["--tracing", "http://127.0.0.1:9411/api/v2/spans"], {}],
        [
            "by the environment",
            [],
            { TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
        ],
    ] as const) {
        it(`is loaded if traces are wanted ${how}`, () => {
            assert.deepEqual(loaded("", args, env), ["traces"]);
        });
    }

    it("is not loaded by the client of the cluster either", () => {
        const program = `import("./kubernetes/client.ts").then(() => console.log(process.moduleLoadList.join("\\n")))`;
        const ended = spawnSync("node", [...nodeArguments(), "--eval", program], {
            cwd: root,
            encoding: "utf8",
        });
        assert.equal(ended.status, 0, ended.stderr);
        assert.match(ended.stdout, /NativeModule http$/m);
        assert.doesNotMatch(ended.stdout, /undici/);
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

    it("serves the commands as well", () => {
        const env = { ...process.env, NODE_COMPILE_CACHE: undefined, XDG_CACHE_HOME: cache };
        const ended = spawnSync("node", ["cli/main.ts", "up", "--help"], { cwd: root, env });
        assert.equal(ended.status, 0);
        assert.ok(cached(cache).length > 50, "the command and what it loads are cached");
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
