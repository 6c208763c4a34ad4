/**
 * A stack's lock, and its state: only a lock that a dead pulumi of this machine holds is freed, and a state that cannot be
 * read is not an empty one. A recording pulumi stands in for the real one.
 */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { freeDeadLock, resourcesOf, withPulumi } from "../../operations/stack";

const noProcess = 2 ** 22 + 1;

describe("a stack's lock", () => {
    let folder: string;
    const attributes = () => join(folder, ".pulumi/stacks/synergychat/dev.json.attrs");
    const cancelled = () => existsSync(join(folder, "cancelled"));

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-lock-"));
        mkdirSync(join(folder, ".pulumi/locks/organization/synergychat/dev"), { recursive: true });
        mkdirSync(join(folder, ".pulumi/stacks/synergychat"), { recursive: true });
        const script = `#!/bin/sh
case "$1" in
whoami) echo '{"url": "file://${folder}"}' ;;
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
        const file = join(folder, ".pulumi/locks/organization/synergychat/dev/1.json");
        writeFileSync(file, JSON.stringify({ pid, hostname: host, username: "ada" }));
        writeFileSync(`${file}.attrs`, "{}");
    }

    function free(): void {
        freeDeadLock("dev", { ...process.env, PATH: `${folder}:${process.env.PATH ?? ""}` });
    }

    it("is freed when its pulumi is dead", () => {
        lock(noProcess, hostname());
        free();
        assert.equal(readFileSync(join(folder, "cancelled"), "utf8"), "cancel --yes --stack dev\n");
    });

    it("is freed when its number is another program's by now", () => {
        lock(process.pid, hostname());
        free();
        assert.ok(cancelled());
    });

    it("is left to a pulumi that runs", () => {
        const holder = spawn(join(folder, "pulumi"), ["hold"], { stdio: ["pipe", "ignore", "ignore"] });
        try {
            lock(holder.pid ?? 0, hostname());
            free();
            assert.ok(!cancelled());
        } finally {
            holder.stdin.end();
        }
    });

    it("is left to another machine", () => {
        lock(noProcess, "elsewhere");
        free();
        assert.ok(!cancelled());
    });

    it("is not looked for where there is none", () => {
        free();
        assert.ok(!cancelled());
    });

    it("takes along the empty file that makes a state unreadable, and no other", () => {
        writeFileSync(attributes(), "");
        free();
        assert.ok(existsSync(attributes()));
        lock(noProcess, hostname());
        free();
        assert.ok(!existsSync(attributes()));
        writeFileSync(attributes(), "{}");
        free();
        assert.ok(existsSync(attributes()));
    });
});

describe("a stack's state", () => {
    let folder: string;
    let env: Record<string, string>;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-state-"));
        env = { PATH: `${folder}:${process.env.PATH ?? ""}`, PULUMI_HOME: folder, XDG_DATA_HOME: folder };
    });

    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function pulumiSays(script: string): void {
        writeFileSync(join(folder, "pulumi"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }

    it("is empty where there is no such stack", () => {
        pulumiSays(`echo "error: no stack named 'dev' found" >&2; exit 1`);
        assert.deepEqual(resourcesOf("dev", env), []);
    });

    it("is not taken for an empty one when it cannot be read", () => {
        pulumiSays('echo "error: get credentials: connection refused" >&2; exit 1');
        assert.throws(() => resourcesOf("dev", env), /does not give the state of stack dev.*\n.*refused/);
    });

    it("is read whole, however long it is", () => {
        const resources = Array.from({ length: 20_000 }, () => ({
            type: `kubernetes:core/v1:${"x".repeat(80)}`,
        }));
        writeFileSync(join(folder, "state.json"), JSON.stringify({ deployment: { resources } }));
        pulumiSays(`cat "${folder}/state.json"`);
        assert.equal(resourcesOf("dev", env).length, resources.length);
    });

    it("is on this machine where nobody is logged in", async () => {
        pulumiSays("exit 1");
        assert.equal((await withPulumi(env)).PULUMI_BACKEND_URL, `file://${folder}/synergychat/state`);
        writeFileSync(join(folder, "credentials.json"), "{}");
        assert.equal((await withPulumi(env)).PULUMI_BACKEND_URL, `file://${folder}/synergychat/state`);
    });

    for (const [where, logIn] of [
        ["by a token", () => (env.PULUMI_ACCESS_TOKEN = "pul-1")],
        ["by the environment", () => (env.PULUMI_BACKEND_URL = "s3://states")],
        [
            "by pulumi login",
            () => {
                writeFileSync(join(folder, "credentials.json"), '{"current": "https://api.pulumi.com"}');
            },
        ],
    ] as const) {
        it(`is nowhere else when the place where somebody is logged in ${where} does not answer`, async () => {
            logIn();
            pulumiSays('echo "error: no such host" >&2; exit 1');
            await assert.rejects(withPulumi(env), /Pulumi does not reach the place.*\nerror: no such host/);
        });
    }
});
