import { strict as assert } from "node:assert";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeDurably } from "../durable.ts";

const { fsyncSync: fsync } = fs;

/** Replaces what every module imports as fsyncSync. */
function replaceFsync(by: (descriptor: number) => void): void {
    fs.fsyncSync = by;
    syncBuiltinESMExports();
}

describe("writeDurably", () => {
    let folder: string;
    beforeEach(() => {
        folder = fs.mkdtempSync(join(tmpdir(), "database-"));
    });
    afterEach(() => {
        replaceFsync(fsync);
        fs.rmSync(folder, { recursive: true });
    });

    it("writes a file, replaces it, and leaves nothing else in the folder", () => {
        const path = join(folder, "db.json");
        for (const text of ["[]", "a longer text"]) {
            writeDurably(path, text);
            assert.equal(fs.readFileSync(path, "utf8"), text);
        }
        assert.deepEqual(fs.readdirSync(folder), ["db.json"]);
    });

    it("leaves no part of a file that it cannot put in place", () => {
        const path = join(folder, "taken");
        fs.mkdirSync(join(path, "inner"), { recursive: true });
        assert.throws(() => {
            writeDurably(path, "[]");
        });
        assert.deepEqual(fs.readdirSync(folder), ["taken"]);
    });

    for (const code of ["EINVAL", "ENOTSUP"]) {
        it(`writes on a file system that cannot flush a folder (${code})`, () => {
            const path = join(folder, "db.json");
            let refused = 0;
            replaceFsync((descriptor) => {
                if (fs.fstatSync(descriptor).isDirectory()) {
                    refused++;
                    throw Object.assign(new Error(`${code}: fsync`), { code });
                }
            });
            writeDurably(path, "[]");
            assert.deepEqual(fs.readdirSync(folder), ["db.json"]);
            assert.equal(refused, 1);
        });
    }

    it("fails if the disk does", () => {
        replaceFsync(() => {
            throw Object.assign(new Error("EIO: fsync"), { code: "EIO" });
        });
        assert.throws(() => {
            writeDurably(join(folder, "db.json"), "[]");
        }, /EIO/);
    });
});
