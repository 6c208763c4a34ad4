import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprint, isStamped, readIfThere, stamp, sweep, withFolder } from "../stamps.ts";

describe("stamps", () => {
    let folder = "";
    beforeEach(async () => {
        folder = await mkdtemp(join(tmpdir(), "sandbox-stamps-"));
    });
    afterEach(() => rm(folder, { recursive: true }));

    it("count as built only what was stamped with the same value", async () => {
        const file = join(folder, "stamps", "kubelet");
        assert.equal(await isStamped(file, "a"), false);
        await stamp(file, "a");
        assert.equal(await isStamped(file, "a"), true);
        assert.equal(await isStamped(file, "b"), false);
    });

    it("change with a text, with a file's content and with a file's name", async () => {
        await writeFile(join(folder, "go.mod"), "one");
        const values = [await fingerprint(["x"], [folder]), await fingerprint(["y"], [folder])];
        await writeFile(join(folder, "go.mod"), "two");
        values.push(await fingerprint(["x"], [folder]));
        await writeFile(join(folder, "go.sum"), "");
        values.push(await fingerprint(["x"], [folder]));
        assert.equal(new Set(values).size, 4);
    });

    it("do not depend on where the sources are", async () => {
        const [first, second] = [join(folder, "first"), join(folder, "second")];
        await stamp(join(first, "main.go"), "package main");
        await stamp(join(second, "main.go"), "package main");
        assert.equal(await fingerprint([], [first]), await fingerprint([], [second]));
    });

    it("leave no folder behind, not even of a run that was killed", async () => {
        await assert.rejects(
            withFolder(folder, () => Promise.reject(new Error("no"))),
            /no/,
        );
        assert.deepEqual(await readdir(folder), []);
        await stamp(join(folder, "temporary-1-2", "kubelet"), "half of it");
        await stamp(join(folder, "bin", "kubelet"), "all of it");
        await sweep(folder);
        assert.deepEqual(await readdir(folder), ["bin"]);
    });

    it("take a file that is not there for nothing", async () => {
        assert.equal(await readIfThere(join(folder, "none")), undefined);
    });
});
