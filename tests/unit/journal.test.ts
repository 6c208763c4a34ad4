/** The journal of a switch: whole or not at all, and for nobody else to read. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
    beginJournal,
    journalPath,
    readJournal,
    removeJournal,
    writeJournal,
} from "../../operations/journal";

describe("the journal of a switch", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-journal-"));
    const path = journalPath(folder, "0f1e");
    const journal = { to: "ephemeral", pid: 1, copy: [{ AuthorUsername: "ada", Text: "hello" }] } as const;

    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("is another one for a stack that was made anew", () => {
        assert.notEqual(journalPath(folder, "ffff"), path);
    });

    it("is not there at first, and reads as it was written", () => {
        assert.equal(readJournal(path), undefined);
        writeJournal(path, journal);
        assert.deepEqual(readJournal(path), journal);
    });

    it("is begun by one switch alone", () => {
        const begun = journalPath(folder, "begun");
        assert.ok(beginJournal(begun, { to: "persistent", pid: 1 }));
        assert.ok(!beginJournal(begun, { to: "ephemeral", pid: 2 }));
        assert.deepEqual(readJournal(begun), { to: "persistent", pid: 1 });
        removeJournal(begun);
    });

    it("is not thrown away when it is damaged", () => {
        const damaged = journalPath(folder, "damaged");
        writeFileSync(damaged, '{"to": "eph');
        assert.throws(
            () => readJournal(damaged),
            /damaged.json is damaged: .*\nIt .* holds a copy of the messages/,
        );
        rmSync(damaged);
    });

    it("can be read by its owner alone", () => {
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    });

    it("stays whole when a write was cut short", () => {
        writeFileSync(`${path}.part`, '{"to": "eph');
        assert.deepEqual(readJournal(path), journal);
        writeJournal(path, { ...journal, pid: 2 });
        assert.deepEqual(readdirSync(dirname(path)), ["0f1e.json"]);
        assert.equal(readJournal(path)?.pid, 2);
    });

    it("is gone when it is removed, and may be removed twice", () => {
        removeJournal(path);
        removeJournal(path);
        assert.equal(readJournal(path), undefined);
    });
});
