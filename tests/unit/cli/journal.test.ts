/** A journal: whole or not at all, and for its owner alone to read. */
import { strict as assert } from "node:assert";
import fs, { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
    type Entries,
    type JournalFile,
    createJournal,
    journalPath,
    readJournal,
    saveJournal,
} from "../../../cli/commands/switch/journal.ts";
import { localDisk } from "../../../system/files.ts";

const entries: Entries = { to: "ephemeral", pid: 1 };
const copy = [{ AuthorUsername: "ada", Text: "hello" }];

describe("a journal", () => {
    let folder: string;
    let path: string;
    let file: JournalFile;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-journal-"));
        path = journalPath(folder, "0f1e");
        file = { disk: localDisk, path };
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    const begin = () => {
        assert.equal(createJournal(file, entries), true);
    };

    it("has a path for each installation of a stack", () => {
        assert.notEqual(journalPath(folder, "ffff"), path);
    });

    it("reads back what was written, with every change", () => {
        assert.equal(readJournal(file), undefined);
        begin();
        const changed = saveJournal(file, { ...entries, copy, unreadClaim: "uid", pid: 2 });
        assert.deepEqual(readJournal(file), { to: "ephemeral", pid: 2, copy, unreadClaim: "uid" });
        saveJournal(file, { ...changed, unreadClaim: undefined });
        assert.deepEqual(readJournal(file), { to: "ephemeral", pid: 2, copy });
    });

    it("lets one run begin, and leaves its journal as it is", () => {
        begin();
        assert.equal(createJournal(file, { ...entries, pid: 2 }), false);
        assert.deepEqual(readJournal(file), entries);
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
            assert.equal(createJournal(file, { ...entries, pid: 2 }), false);
        } finally {
            replaceLink(link);
        }
        assert.deepEqual(readJournal(file), entries);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
    });

    it("keeps a damaged journal, and names its file", () => {
        begin();
        writeFileSync(path, '{"to": "eph');
        assert.throws(
            () => readJournal(file),
            ({ message }: Error) => message.includes(path),
        );
        assert.equal(readFileSync(path, "utf8"), '{"to": "eph');
    });

    it("can be read by its owner alone", () => {
        const mode = (name: string) => statSync(name).mode & 0o777;
        begin();
        assert.equal(mode(path), 0o600);
        saveJournal(file, entries);
        assert.deepEqual([mode(path), mode(dirname(path))], [0o600, 0o700]);
    });

    it("stays whole if a write was cut short", () => {
        begin();
        writeFileSync(join(dirname(path), ".0f1e.json.part"), '{"to": "eph');
        assert.deepEqual(readJournal(file), entries);
        saveJournal(file, { ...entries, pid: 2 });
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
        assert.equal(readJournal(file)?.pid, 2);
    });
});
