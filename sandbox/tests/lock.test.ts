import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../exec.ts";
import { withLock } from "../lock.ts";
import { Problem } from "../problem.ts";

describe("the lock", () => {
    before(function () {
        if (process.platform !== "linux") {
            this.skip();
        }
    });

    let folder = "";
    beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), "sandbox-lock-"));
    });
    afterEach(() => rm(folder, { recursive: true }));

    const isFree = (path: string): Promise<boolean> =>
        withLock(path, () => Promise.resolve(true), 0).catch((error: unknown) => {
            assert(error instanceof Problem);
            return false;
        });

    it("lets one run in at a time, and the next one after it", async () => {
        const path = join(folder, "lock");
        await withLock(path, async () => {
            assert.equal(await isFree(path), false);
        });
        assert.equal(await isFree(path), true);
    });

    it("lets the next run wait for the one before", async () => {
        const path = join(folder, "lock");
        const ended: string[] = [];
        const first = withLock(path, async () => {
            await new Promise((done) => setTimeout(done, 300));
            ended.push("first");
        });
        assert.equal(await eventually(5, async () => !(await isFree(path))), true);
        await withLock(path, () => Promise.resolve(ended.push("second")), 10);
        await first;
        assert.deepEqual(ended, ["first", "second"]);
    });

    it("is free after a failure", async () => {
        const path = join(folder, "lock");
        await assert.rejects(
            withLock(path, () => Promise.reject(new Error("no"))),
            /no/,
        );
        assert.equal(await isFree(path), true);
    });

    it("ends with a run that is killed", async () => {
        const path = join(folder, "lock");
        const code = `
            import { withLock } from ${JSON.stringify(join(import.meta.dirname, "..", "lock.ts"))};
            await withLock(${JSON.stringify(path)}, () => {
                console.log("in");
                return new Promise((done) => setTimeout(done, 60_000));
            });`;
        const run = spawn(process.execPath, ["--input-type=module", "--eval", code]);
        await once(run.stdout, "data");
        assert.equal(await isFree(path), false);
        run.kill("SIGKILL");
        assert.equal(await eventually(5, () => isFree(path)), true);
    });
});
