/** The stack's lock, its state and its config, with a stand-in for pulumi. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PulumiStack } from "../../pulumi/cli.ts";
import { releaseDeadLock } from "../../pulumi/lock.ts";
import { logIn } from "../../pulumi/login.ts";
import { projectName } from "../../pulumi/project.ts";

const noProcess = 2 ** 22 + 1;
const silent = (): void => undefined;

describe("releaseDeadLock", () => {
    let folder: string;
    const project = projectName();
    const attributes = () => join(folder, `.pulumi/stacks/${project}/dev.json.attrs`);
    const isCancelled = () => existsSync(join(folder, "cancelled"));

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-lock-"));
        mkdirSync(join(folder, `.pulumi/locks/organization/${project}/dev`), { recursive: true });
        mkdirSync(join(folder, `.pulumi/stacks/${project}`), { recursive: true });
        const script = `#!/bin/sh
case "$1" in
cancel) echo "$@" >${folder}/cancelled ;;
hold) read -r line ;;
esac
`;
        writeFileSync(join(folder, "pulumi"), script);
        chmodSync(join(folder, "pulumi"), 0o755);
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function lock(pid: number, host: string): void {
        const file = join(folder, `.pulumi/locks/organization/${project}/dev/1.json`);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, JSON.stringify({ pid, hostname: host, username: "ada" }));
        writeFileSync(`${file}.attrs`, "{}");
    }

    function release(): void {
        const env = { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}` };
        releaseDeadLock("dev", { env, url: `file://${folder}` }, silent);
    }

    it("releases the lock of a dead pulumi", () => {
        lock(noProcess, hostname());
        release();
        assert.equal(readFileSync(join(folder, "cancelled"), "utf8"), "cancel --yes --stack dev\n");
    });

    it("releases a lock whose process number belongs to another program", () => {
        lock(process.pid, hostname());
        release();
        assert.ok(isCancelled());
    });

    it("leaves the lock of a pulumi that runs", () => {
        const holder = spawn(join(folder, "pulumi"), ["hold"], { stdio: ["pipe", "ignore", "ignore"] });
        try {
            lock(holder.pid ?? 0, hostname());
            release();
            assert.ok(!isCancelled());
        } finally {
            holder.stdin.end();
        }
    });

    it("leaves the lock of another machine", () => {
        lock(noProcess, "elsewhere");
        release();
        assert.ok(!isCancelled());
    });

    it("leaves a lock that cannot be read to Pulumi", () => {
        writeFileSync(join(folder, `.pulumi/locks/organization/${project}/dev/1.json`), "");
        release();
        assert.ok(!isCancelled());
    });

    it("does nothing if there is no lock", () => {
        release();
        assert.ok(!isCancelled());
    });

    it("removes an empty attributes file, which makes a state unreadable, only together with a dead lock", () => {
        writeFileSync(attributes(), "");
        release();
        assert.ok(existsSync(attributes()));
        lock(noProcess, hostname());
        release();
        assert.ok(!existsSync(attributes()));
        writeFileSync(attributes(), "{}");
        release();
        assert.ok(existsSync(attributes()));
    });
});

describe("PulumiStack", () => {
    let folder: string;
    let env: Record<string, string>;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-state-"));
        env = { PATH: `${folder}:${process.env.PATH ?? ""}`, PULUMI_HOME: folder, XDG_DATA_HOME: folder };
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function standIn(script: string): void {
        const version = 'if test "$1" = version; then echo v3.260.0; exit; fi';
        writeFileSync(join(folder, "pulumi"), `#!/bin/sh\n${version}\n${script}\n`, { mode: 0o755 });
    }
    const whoami = (url: string) => `echo "{\\"url\\": \\"${url}\\"}"`;
    const stack = () => new PulumiStack("dev", env);

    it("has no resources and no config if there is no such stack", () => {
        standIn(`echo "error: no stack named 'dev' found" >&2; exit 1`);
        assert.deepEqual(stack().resources(), []);
        assert.equal(stack().config(), undefined);
    });

    it("does not take an unreadable state or config for an empty one", () => {
        standIn('echo "error: get credentials: connection refused" >&2; exit 1');
        assert.throws(() => stack().resources(), /connection refused/);
        assert.throws(() => stack().config(), /connection refused/);
    });

    it("reads a state whole, however long it is", () => {
        const resources = Array.from({ length: 20_000 }, () => ({
            type: `kubernetes:core/v1:${"x".repeat(80)}`,
        }));
        writeFileSync(join(folder, "state.json"), JSON.stringify({ deployment: { resources } }));
        standIn(`cat "${folder}/state.json"`);
        assert.equal(stack().resources().length, resources.length);
    });

    it("returns the config as the program gets it, values of objects as JSON", () => {
        const values = { "p:a": { value: "1", secret: true }, "p:b": { objectValue: ["x"] } };
        standIn(`echo '${JSON.stringify(values)}'`);
        assert.deepEqual(stack().config(), { "p:a": "1", "p:b": '["x"]' });
    });

    it("keeps the state on this machine if nobody is logged in", async () => {
        standIn(whoami("$PULUMI_BACKEND_URL"));
        const local = `file://${folder}/synergychat/state`;
        assert.equal((await logIn(env, silent)).url, local);
        writeFileSync(join(folder, "credentials.json"), "{}");
        assert.equal((await logIn(env, silent)).url, local);
        assert.equal((await logIn({ ...env, PULUMI_BACKEND_URL: "s3://states" }, silent)).url, "s3://states");
    });

    for (const [how, choose] of [
        ["a token", () => (env.PULUMI_ACCESS_TOKEN = "pul-1")],
        ["the environment", () => (env.PULUMI_BACKEND_URL = "s3://states")],
        [
            "pulumi login",
            () => {
                writeFileSync(join(folder, "credentials.json"), '{"current": "https://api.pulumi.com"}');
            },
        ],
    ] as const) {
        it(`keeps the state nowhere else if the backend chosen by ${how} does not answer`, async () => {
            choose();
            standIn('echo "error: no such host" >&2; exit 1');
            await assert.rejects(logIn(env, silent), /no such host/);
        });
    }
});
