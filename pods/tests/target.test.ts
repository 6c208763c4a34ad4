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
     * @param forgot the exit code of the deletion.
     * @param found the copies of the backup afterwards.
     */
    function run(
        command: readonly string[],
        { opened = 0, name = backup, forgot = 0, found = '[{"paths":[]}]' } = {},
    ) {
        const calls = join(folder, "calls");
        const restic = `#!/bin/sh
            echo "$*" >> ${calls}
            case "$*" in
            *"cat config") printf 'why\\nstopped\\n' >&2; exit ${opened} ;;
            *forget*) exit ${forgot} ;;
            *snapshots*) echo '${found}' ;;
            esac`;
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

    const copy = `backup --host chat --tag manual --time 2026-11-29 02:03:11 /backups/${backup}`;
    const look = `snapshots --no-lock --json --path /backups/${backup}`;

    it("has the time of its name, and is followed by the deletion of the surplus and by a check", () => {
        const { status, calls } = run(["send"]);
        assert.deepEqual([status, calls], [0, ["unlock", copy, surplus, "check --no-lock", look]]);
    });

    it("ends well although a run that was killed has left a lock, and in vain if the deletion fails otherwise", () => {
        assert.equal(run(["send"], { forgot: 11 }).status, 0);
        assert.equal(run(["send"], { forgot: 1 }).status, 1);
    });

    it("fails if it is not there afterwards", () => {
        const { status, stderr } = run(["send"], { found: "[]" });
        assert.deepEqual([status, stderr.includes(backup)], [1, true]);
    });

    it("makes the repository if there is none", () => {
        assert.equal(run(["send"], { opened: 10 }).calls[0], "init");
    });

    it("is not made of a chat without messages", () => {
        const { status, calls } = run(["send"], { name: "20261129T020311Z-0-4f53cda1-first.json" });
        assert.deepEqual([status, calls], [0, []]);
    });

    it("fails with why the target does not open, before it changes anything", () => {
        const { status, stderr, calls } = run(["send"], { opened: 12 });
        assert.deepEqual([status, stderr, calls], [1, "why\n", []]);
    });

    it("is listed and read without a lock", () => {
        assert.deepEqual(run(["list"]).calls, ["snapshots --no-lock --json"]);
        const path = `/backups/${backup}`;
        rmSync(join(folder, "calls"));
        assert.deepEqual(run(["read", backup]).calls, [`dump --no-lock --path ${path} latest ${path}`]);
    });
});
