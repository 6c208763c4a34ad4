/** The files of a switch and a restore: whole or not at all, and for their owner alone to read. */
import { strict as assert } from "node:assert";
import fs, { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readJournal } from "../../../cli/commands/switch/steps.ts";
import { localDisk } from "../../../system/files.ts";

const text = JSON.stringify({ to: "ephemeral", pid: 1 });

describe("a journal on the disk", () => {
    let folder: string;
    let path: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-journal-"));
        path = join(folder, "switches", "0f1e.json");
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    const begin = () => {
        assert.equal(localDisk.create(path, text), true);
    };

    it("reads back what was written, and nothing if nothing was", () => {
        assert.equal(localDisk.read(path), undefined);
        begin();
        localDisk.write(path, "[]");
        assert.equal(localDisk.read(path), "[]");
        localDisk.remove(path);
        assert.equal(localDisk.read(path), undefined);
    });

    it("lets one run begin, and leaves its journal as it is", () => {
        begin();
        assert.equal(localDisk.create(path, "[]"), false);
        assert.equal(localDisk.read(path), text);
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
    });

    it("lets one run begin on a file system without hard links", () => {
        const link = fs.linkSync;
        const replaceLink = (by: typeof fs.linkSync) => {
            fs.linkSync = by;
            syncBuiltinESMExports();
        };
        replaceLink(() => {
            throw Object.assign(new Error("EPERM: link"), { code: "EPERM" });
        });
        try {
            begin();
            assert.equal(localDisk.create(path, "[]"), false);
        } finally {
            replaceLink(link);
        }
        assert.equal(localDisk.read(path), text);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
    });

    it("keeps a damaged journal, and names its file", () => {
        begin();
        writeFileSync(path, '{"to": "eph');
        assert.throws(
            () => readJournal({ disk: localDisk, path }),
            ({ message }: Error) => message.includes(path),
        );
        assert.equal(readFileSync(path, "utf8"), '{"to": "eph');
    });

    it("can be read by its owner alone", () => {
        const mode = (name: string) => statSync(name).mode & 0o777;
        begin();
        assert.equal(mode(path), 0o600);
        localDisk.write(path, text);
        assert.deepEqual([mode(path), mode(dirname(path))], [0o600, 0o700]);
    });

    it("stays whole if a write was cut short", () => {
        begin();
        writeFileSync(join(dirname(path), ".0f1e.json.part"), '{"to": "eph');
        assert.equal(localDisk.read(path), text);
        localDisk.write(path, "[]");
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
        assert.equal(localDisk.read(path), "[]");
    });
});
