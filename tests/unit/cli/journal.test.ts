/** A journal: whole or not at all, and for its owner alone to read. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Entries } from "../../../cli/commands/switch/steps.ts";
import { Journal, journalPath } from "../../../cli/journal.ts";
import { localDisk } from "../../../system/files.ts";

const entries: Entries = { to: "ephemeral", pid: 1 };
const copy = [{ AuthorUsername: "ada", Text: "hello" }];

describe("a journal", () => {
    let folder: string;
    let path: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-journal-"));
        path = journalPath(folder, "switch", "0f1e");
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function begin(): Journal<Entries> {
        const begun = Journal.begin<Entries>(localDisk, path, entries);
        assert.ok(begun);
        return begun;
    }

    it("has a path for each installation of a stack and each operation", () => {
        assert.notEqual(journalPath(folder, "restore", "0f1e"), path);
        assert.notEqual(journalPath(folder, "switch", "ffff"), path);
    });

    it("reads back what was written, with every change", () => {
        assert.equal(Journal.read<Entries>(localDisk, path), undefined);
        const changed = begin().with({ copy, unreadClaim: "uid", pid: 2 });
        assert.deepEqual(Journal.read<Entries>(localDisk, path)?.entries, {
            to: "ephemeral",
            pid: 2,
            copy,
            unreadClaim: "uid",
        });
        changed.with({ unreadClaim: undefined });
        assert.deepEqual(Journal.read<Entries>(localDisk, path)?.entries, { to: "ephemeral", pid: 2, copy });
    });

    it("lets one run begin, and leaves its journal as it is", () => {
        begin();
        assert.equal(Journal.begin<Entries>(localDisk, path, { to: "persistent", pid: 2 }), undefined);
        assert.deepEqual(Journal.read<Entries>(localDisk, path)?.entries, entries);
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
    });

    it("keeps a damaged journal, and names its file", () => {
        begin();
        writeFileSync(path, '{"to": "eph');
        assert.throws(
            () => Journal.read<Entries>(localDisk, path),
            ({ message }: Error) => message.includes(path),
        );
        assert.equal(readFileSync(path, "utf8"), '{"to": "eph');
    });

    it("can be read by its owner alone", () => {
        const mode = (file: string) => statSync(file).mode & 0o777;
        const journal = begin();
        assert.equal(mode(path), 0o600);
        journal.with({ copy });
        assert.deepEqual([mode(path), mode(dirname(path))], [0o600, 0o700]);
    });

    it("stays whole if a write was cut short", () => {
        const journal = begin();
        writeFileSync(join(dirname(path), ".0f1e.json.part"), '{"to": "eph');
        assert.deepEqual(Journal.read<Entries>(localDisk, path)?.entries, entries);
        journal.with({ pid: 2 });
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
        assert.equal(Journal.read<Entries>(localDisk, path)?.entries.pid, 2);
    });

    it("is gone when it is removed, and can be removed twice", () => {
        const journal = begin();
        journal.remove();
        journal.remove();
        assert.equal(Journal.read<Entries>(localDisk, path), undefined);
    });
});
