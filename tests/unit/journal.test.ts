/** The journal of a switch: whole or not at all, and for nobody else to read. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { journalPath, readJournal, removeJournal, writeJournal } from "../../operations/journal";

describe("the journal of a switch", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-journal-"));
    const path = journalPath(folder, "dev", "0f1e");
    const journal = { to: "ephemeral", pid: 1, copy: [{ AuthorUsername: "ada", Text: "hello" }] } as const;

    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("is another one for another stack, and for a stack that was made anew", () => {
        assert.notEqual(journalPath(folder, "prod", "0f1e"), path);
        assert.notEqual(journalPath(folder, "dev", "ffff"), path);
    });

    it("is not there at first, and reads as it was written", () => {
        assert.equal(readJournal(path), undefined);
        writeJournal(path, journal);
        assert.deepEqual(readJournal(path), journal);
    });

    it("can be read by its owner alone", () => {
        assert.equal(statSync(path).mode & 0o777, 0o600);
        assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    });

    it("stays whole when a write was cut short", () => {
        writeFileSync(`${path}.part`, '{"to": "eph');
        assert.deepEqual(readJournal(path), journal);
        writeJournal(path, { ...journal, pid: 2 });
        assert.deepEqual(readdirSync(dirname(path)), ["dev-0f1e.json"]);
        assert.equal(readJournal(path)?.pid, 2);
    });

    it("is gone when it is removed, and may be removed twice", () => {
        removeJournal(path);
        removeJournal(path);
        assert.equal(readJournal(path), undefined);
    });
});
