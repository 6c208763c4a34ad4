import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import pb from "@pulumi/pulumi/proto/language_pb.js";
import service from "@pulumi/pulumi/proto/language_grpc_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";

const host = join(import.meta.dirname, "../language-host/pulumi-language-nodejs");

/** The host, started and called as the Pulumi CLI does it. */
describe("the language host", function () {
    this.timeout(60_000);
    let folder = "";
    let child: ChildProcess;
    let client: InstanceType<typeof service.LanguageRuntimeClient>;

    before(async () => {
        folder = mkdtempSync(join(tmpdir(), "language-host-"));
        child = spawn(host, ["--logtostderr", "127.0.0.1:1"], { stdio: ["ignore", "pipe", "inherit"] });
        const port = await new Promise<string>((resolve) =>
            createInterface(child.stdout ?? process.stdin).once("line", resolve),
        );
        client = new service.LanguageRuntimeClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
    });
    after(() => {
        client.close();
        child.kill();
        rmSync(folder, { recursive: true });
    });

    function write(file: string, content: unknown): void {
        mkdirSync(dirname(join(folder, file)), { recursive: true });
        writeFileSync(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
    }

    /** In place of the script of Pulumi's SDK that runs a program. */
    function writeRunner(script: string): void {
        write("node_modules/@pulumi/pulumi/package.json", { name: "@pulumi/pulumi", version: "3.0.0" });
        write("node_modules/@pulumi/pulumi/cmd/run/index.js", script);
    }

    const info = (options: Record<string, string | boolean> = {}): pb.ProgramInfo =>
        new pb.ProgramInfo()
            .setRootDirectory(folder)
            .setProgramDirectory(join(folder, "program"))
            .setEntryPoint(".")
            .setOptions(structPb.Struct.fromJavaScript(options));

    type Answer<Response> = (error: grpc.ServiceError | null, response: Response) => void;

    function call<Response>(start: (answer: Answer<Response>) => void): Promise<Response> {
        return new Promise((resolve, reject) => {
            start((error, response) => {
                if (error) {
                    reject(error);
                } else {
                    resolve(response);
                }
            });
        });
    }

    function run(options: Record<string, string | boolean> = {}): Promise<pb.RunResponse> {
        const request = new pb.RunRequest()
            .setMonitorAddress("127.0.0.1:2")
            .setProject("project")
            .setStack("stack")
            .setParallel(4)
            .setDryrun(true)
            .setConfigsecretkeysList(["project:secret"])
            .setInfo(info(options));
        request.getConfigMap().set("project:key", "value");
        return call((answer) => client.run(request, answer));
    }

    it("lists the providers that the installed packages need", async () => {
        write("node_modules/@pulumi/kubernetes/package.json", {
            name: "@pulumi/kubernetes",
            version: "4.34.2",
            pulumi: { resource: true, name: "kubernetes" },
        });
        write("node_modules/plain/package.json", { name: "plain", version: "1.0.0" });
        write("program/package.json", { devDependencies: { plain: "^1" } });
        const request = new pb.GetRequiredPackagesRequest().setInfo(info());
        const packages = await call<pb.GetRequiredPackagesResponse>((answer) =>
            client.getRequiredPackages(request, answer),
        );
        const list = packages.getPackagesList().map((one) => one.toObject());
        assert.deepEqual(
            list.map(({ kind, name, version }) => ({ kind, name, version })),
            [{ kind: "resource", name: "kubernetes", version: "v4.34.2" }],
        );
    });

    it("lists the packages of a program, or all that are installed", async () => {
        const names = async (all: boolean): Promise<string[]> => {
            const request = new pb.GetProgramDependenciesRequest()
                .setInfo(info())
                .setTransitivedependencies(all);
            const found = await call<pb.GetProgramDependenciesResponse>((answer) =>
                client.getProgramDependencies(request, answer),
            );
            return found.getDependenciesList().map((one) => `${one.getName()} ${one.getVersion()}`);
        };
        assert.deepEqual(await names(false), ["plain 1.0.0"]);
        assert.deepEqual(await names(true), ["@pulumi/kubernetes 4.34.2", "plain 1.0.0"]);
    });

    it("runs a program with all that the SDK needs to know", async () => {
        writeRunner(`
            const { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT } = process.env;
            const env = { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, PULUMI_NODEJS_TYPESCRIPT };
            require("fs").writeFileSync(${JSON.stringify(join(folder, "seen.json"))},
                JSON.stringify({ args: process.argv.slice(2), env }));`);
        const response = await run();
        assert.deepEqual([response.getError(), response.getBail()], ["", false]);
        const seen = JSON.parse(readFileSync(join(folder, "seen.json"), "utf8")) as {
            args: string[];
            env: Record<string, string>;
        };
        assert.equal(seen.args.at(-1), ".");
        assert.deepEqual(
            new Set(seen.args.slice(0, -1)),
            new Set([
                "--engine=127.0.0.1:1",
                "--monitor=127.0.0.1:2",
                "--organization=",
                "--project=project",
                "--stack=stack",
                `--root-directory=${folder}`,
                `--pwd=${join(folder, "program")}`,
                "--parallel=4",
                "--dry-run=true",
            ]),
        );
        assert.deepEqual(seen.env, {
            PULUMI_CONFIG: '{"project:key":"value"}',
            PULUMI_CONFIG_SECRET_KEYS: '["project:secret"]',
            PULUMI_NODEJS_TYPESCRIPT: "true",
        });
    });

    it("gives Node.js the arguments in nodeargs, and the program no variable of the host's own", async () => {
        const seen = join(folder, "seen.json");
        writeRunner(`
            const { NODE_COMPILE_CACHE } = process.env;
            require("fs").writeFileSync(${JSON.stringify(seen)},
                JSON.stringify({ execArgv: process.execArgv, NODE_COMPILE_CACHE }));`);
        const response = await run({ nodeargs: "--no-deprecation  --title=program" });
        assert.equal(response.getError(), "");
        assert.deepEqual(JSON.parse(readFileSync(seen, "utf8")), {
            execArgv: ["--no-deprecation", "--title=program"],
            ...(process.env.NODE_COMPILE_CACHE !== undefined && {
                NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
            }),
        });
        await assert.rejects(run({ nodeargs: '--title="a program"' }), /nodeargs/);
    });

    it("tells a program that failed from one that has shown its error already", async () => {
        writeRunner("process.exit(32)");
        const shown = await run();
        assert.deepEqual([shown.getError(), shown.getBail()], ["", true]);
        writeRunner("process.exit(1)");
        const failed = await run();
        assert.deepEqual([failed.getError() !== "", failed.getBail()], [true, false]);
    });

    it("interrupts the program when the CLI cancels", async () => {
        const started = join(folder, "started");
        writeRunner(`
            require("fs").writeFileSync(${JSON.stringify(started)}, "");
            setInterval(() => {}, 1000);`);
        const running = run();
        while (!existsSync(started)) {
            await sleep(20);
        }
        await call<emptyPb.Empty>((answer) => client.cancel(new emptyPb.Empty(), answer));
        assert.match((await running).getError(), /SIGINT/);
    });

    it("refuses a runtime option that it does not know, by name", async () => {
        await assert.rejects(run({ bun: true }), /"bun"/);
        await assert.rejects(run({ packagemanager: "yarn" }), /"packagemanager: yarn"/);
    });

    it("names the Node.js that runs programs", async () => {
        const about = await call<pb.AboutResponse>((answer) => client.about(new pb.AboutRequest(), answer));
        assert.equal(about.getVersion(), process.version);
    });

    it("installs the packages of a program by npm, and fails if npm does", async () => {
        const install = (): Promise<unknown> => {
            const stream = client.installDependencies(new pb.InstallDependenciesRequest().setInfo(info()));
            stream.resume();
            return new Promise((resolve, reject) => stream.once("end", resolve).once("error", reject));
        };
        write("program/package.json", { dependencies: { local: "file:../local" } });
        write("local/package.json", { name: "local", version: "1.2.3" });
        await install();
        const dependencies = new pb.GetProgramDependenciesRequest().setInfo(info());
        const found = await call<pb.GetProgramDependenciesResponse>((answer) =>
            client.getProgramDependencies(dependencies, answer),
        );
        assert.deepEqual(
            found.getDependenciesList().map((one) => `${one.getName()} ${one.getVersion()}`),
            ["local 1.2.3"],
        );
        write("program/package.json", "no JSON");
        await assert.rejects(install());
    });

    it("says what to do if the SDK is not installed", async () => {
        rmSync(join(folder, "node_modules"), { recursive: true });
        await assert.rejects(run(), /pulumi install/);
    });
});
