/** What the Job that looks into a claim runs: its shell command, on folders of this machine. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimCheckJob } from "../../components/claim-check.ts";

const args = { namespace: "chat", instance: "mine-dev", image: "example.org/api:1" };

describe("the look into a claim", () => {
    let folder = "";
    const file = () => join(folder, "db.json");

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-claim-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function look(): string {
        const { template } = claimCheckJob(args, "mine") as any;
        const [{ command, volumeMounts }] = template.spec.containers;
        const [shell, flag, script] = command as [string, string, string];
        const here = script.replaceAll(volumeMounts[0].mountPath as string, folder);
        return spawnSync(shell, [flag, here], { encoding: "utf8" }).stdout;
    }

    it("finds nothing if the api's file is there, or can be made", () => {
        assert.equal(look(), "");
        writeFileSync(file(), "[]");
        assert.equal(look(), "");
    });

    it("finds a folder in the place of the file", () => {
        mkdirSync(file());
        assert.equal(look(), "unusable\n");
    });
});
