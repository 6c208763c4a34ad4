/** Locks of a stack: only one that a dead pulumi of this machine holds is freed. A recording pulumi stands in for the real one. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { freeDeadLock } from "../../operations/stack";

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
