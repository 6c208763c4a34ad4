import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineAddress } from "../pulumi/plugin.ts";
import {
    type Program,
    Programs,
    dependencies,
    outcomeOf,
    parseRuntimeOptions,
    programArguments,
    programEnvironment,
    requiredPackages,
    splitArgs,
} from "../pulumi/program.ts";

const PROGRAM: Program = {
    engine: "127.0.0.1:1",
    monitor: "127.0.0.1:2",
    organization: "org",
    project: "p",
    stack: "s",
    rootDirectory: "/p",
    programDirectory: "/p/src",
    entryPoint: ".",
    options: {},
    args: [],
    dryRun: true,
    parallel: 4,
    debug: false,
    config: { "p:key": "value", "p:config:old": "1" },
    secretKeys: ["p:key"],
};

describe("language host", () => {
    let folder: string;

    beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), "language-host-"));
    });

    afterEach(async () => {
        await rm(folder, { recursive: true });
    });

    async function writeJson(path: string, value: unknown): Promise<void> {
        const file = join(folder, path);
        await mkdir(join(file, ".."), { recursive: true });
        await writeFile(file, JSON.stringify(value));
    }

    it("finds the engine's address among its arguments", () => {
        assert.equal(engineAddress(["127.0.0.1:1"]), "127.0.0.1:1");
        assert.equal(
            engineAddress(["--logtostderr", "-v=9", "--tracing", "http://t", "127.0.0.1:1"]),
            "127.0.0.1:1",
        );
    });

    it("reads the runtime options, and refuses by name what it does not cover", () => {
        assert.deepEqual(parseRuntimeOptions({}), { typescript: true, nodeArgs: [] });
        const given = { typescript: false, nodeargs: "--a '--b c'", packagemanager: "npm" };
        assert.deepEqual(parseRuntimeOptions(given), { typescript: false, nodeArgs: ["--a", "--b c"] });
        assert.throws(() => parseRuntimeOptions({ tsconfig: "x" }), /runtime option "tsconfig"/);
        assert.throws(() => parseRuntimeOptions({ packagemanager: "yarn" }), /npm only, not "yarn"/);
        assert.throws(() => parseRuntimeOptions({ typescript: "yes" }), /"typescript" must be true or false/);
    });

    it("keeps quoted words together", () => {
        assert.deepEqual(splitArgs(`--x="a b" 'c d' e`), ["--x=a b", "c d", "e"]);
        assert.deepEqual(splitArgs("  "), []);
    });

    it("starts the SDK's runner with all that it needs", () => {
        assert.deepEqual(programArguments(PROGRAM), [
            "--monitor=127.0.0.1:2",
            "--engine=127.0.0.1:1",
            "--organization=org",
            "--project=p",
            "--stack=s",
            "--root-directory=/p",
            "--pwd=/p/src",
            "--parallel=4",
            "--dry-run",
            ".",
        ]);
        assert.deepEqual(programEnvironment(PROGRAM, true), {
            PULUMI_CONFIG: '{"p:config:key":"value","p:config:old":"1"}',
            PULUMI_CONFIG_SECRET_KEYS: '["p:key"]',
            PULUMI_NODEJS_TYPESCRIPT: "true",
        });
        assert.ok(!("PULUMI_NODEJS_TYPESCRIPT" in programEnvironment(PROGRAM, false)));
    });

    it("tells a program that failed from one that said so itself", () => {
        assert.deepEqual(outcomeOf(0, null), { error: "", bail: false });
        assert.deepEqual(outcomeOf(32, null), { error: "", bail: true });
        assert.match(outcomeOf(1, null).error, /non-zero exit code: 1/);
        assert.match(outcomeOf(null, "SIGKILL").error, /by signal SIGKILL/);
    });

    it("runs a program with its arguments and environment, and says how it ended", async () => {
        const runner = "node_modules/@pulumi/pulumi/cmd/run/index.js";
        await writeJson("node_modules/@pulumi/pulumi/package.json", { name: "@pulumi/pulumi" });
        await mkdir(join(folder, "node_modules/@pulumi/pulumi/cmd/run"), { recursive: true });
        const script =
            'process.exit(process.argv.includes("--stack=s") && process.env.PULUMI_CONFIG ? 32 : 1)';
        await writeFile(join(folder, runner), script);
        const program = { ...PROGRAM, programDirectory: folder };
        assert.deepEqual(await new Programs().run(program), { error: "", bail: true });
        await writeFile(join(folder, runner), "setInterval(() => {}, 1000)");
        const programs = new Programs();
        const running = programs.run(program);
        setTimeout(() => {
            programs.cancel();
        }, 300);
        assert.match((await running).error, /by signal SIGINT/);
    });

    it("says when the SDK is not installed, and that it covers no debugger", async () => {
        await assert.rejects(new Programs().run({ ...PROGRAM, programDirectory: folder }), /pulumi install/);
        assert.match((await new Programs().run({ ...PROGRAM, debug: true })).error, /--attach-debugger/);
    });

    it("lists the provider packages that are installed", async () => {
        await writeJson("node_modules/@pulumi/kubernetes/package.json", {
            name: "@pulumi/kubernetes",
            version: "4.34.2",
            pulumi: { resource: true, name: "kubernetes" },
        });
        await writeJson("node_modules/@pulumi/pulumi/package.json", {
            name: "@pulumi/pulumi",
            version: "3.0.0",
        });
        await writeJson("node_modules/plain/package.json", { name: "plain" });
        await writeJson("src/package.json", {});
        const found = [{ name: "kubernetes", version: "v4.34.2", server: "" }];
        assert.deepEqual(await requiredPackages(join(folder, "src")), found);
    });

    it("lists dependencies from the lock file", async () => {
        await writeJson("package.json", { dependencies: { a: "^1" } });
        const packages = {
            "": {},
            "node_modules/a": { version: "1.2.3" },
            "node_modules/b": { version: "2.0.0" },
        };
        await writeJson("package-lock.json", { packages });
        assert.deepEqual(await dependencies(folder, false), [{ name: "a", version: "1.2.3" }]);
        assert.equal((await dependencies(folder, true)).length, 2);
    });
});
