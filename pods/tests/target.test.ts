/** The program in restic's image, with a stand-in for restic that records its calls. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const backup = "20261129T020311Z-2-165a9024-manual.json";

describe("the copy of a backup to the target", () => {
    let folder = "";

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-target-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    /**
     * @param opened the exit code of the first call, which opens the repository.
     * @param name of the backup that is proven.
     */
    function run(command: readonly string[], opened = 0, name = backup) {
        const calls = join(folder, "calls");
        const restic = `#!/bin/sh
            echo "$*" >> ${calls}
            case "$*" in *"cat config") printf 'why\\nstopped\\n' >&2; exit ${opened} ;; esac`;
        writeFileSync(join(folder, "restic"), restic, { mode: 0o755 });
        writeFileSync(join(folder, "name"), name);
        const { status, stderr } = spawnSync("sh", [join(import.meta.dirname, "../target.sh"), ...command], {
            encoding: "utf8",
            env: {
                PATH: [folder, process.env.PATH].join(delimiter),
                ...{ BACKUPS: "/backups", BACKUPS_KEPT: "3", NAMESPACE: "chat", REASON: "manual" },
                ...{ PROOF: join(folder, "db.json"), RESTIC_REPOSITORY: "s3:http://s3/bucket" },
            },
        });
        const lines = existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [];
        const words = lines.map((line) => line.replace(/--no-cache( --retry-lock 1m)? /, ""));
        return { status, stderr, calls: words.slice(1) };
    }

    const surplus = "forget --group-by host,tags --keep-last 3 --prune";

    it("is followed by the deletion of the surplus and by a check", () => {
        const { status, calls } = run(["send"]);
        const copy = `backup --host chat --tag manual /backups/${backup}`;
        assert.deepEqual([status, calls], [0, ["unlock", copy, surplus, "check"]]);
    });

    it("makes the repository if there is none", () => {
        assert.equal(run(["send"], 10).calls[0], "init");
    });

    it("is not made of a chat without messages", () => {
        const { calls } = run(["send"], 0, "20261129T020311Z-0-4f53cda1-first.json");
        assert.deepEqual(calls, ["unlock", surplus, "check"]);
    });

    it("fails with why the target does not open, before it changes anything", () => {
        const { status, stderr, calls } = run(["send"], 12);
        assert.deepEqual([status, stderr, calls], [1, "why\n", []]);
    });

    it("is listed and read without a lock", () => {
        assert.deepEqual(run(["list"]).calls, ["snapshots --no-lock --json"]);
        const path = `/backups/${backup}`;
        rmSync(join(folder, "calls"));
        assert.deepEqual(run(["read", backup]).calls, [`dump --no-lock --path ${path} latest ${path}`]);
    });
});
