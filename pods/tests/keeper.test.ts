import { strict as assert } from "node:assert";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    renameSync,
    rmSync,
    truncateSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, render } from "../database.ts";
import { Keeper } from "../keeper.ts";
import { file } from "./support/messages.ts";

/** Files that a killed write, a crashed node or a full disk leaves. In each, the first `found` messages are complete. */
const tornFiles: readonly { readonly name: string; readonly bytes: Buffer; readonly found: number }[] = [
    { name: "empty", bytes: Buffer.alloc(0), found: 0 },
    { name: "blank", bytes: Buffer.from("  \n"), found: 0 },
    { name: "cut after the first bracket", bytes: Buffer.from("["), found: 0 },
    { name: "cut within the first message", bytes: Buffer.from(file(9).slice(0, 30)), found: 0 },
    { name: "cut before the last bracket", bytes: Buffer.from(file(9).slice(0, -1)), found: 9 },
    { name: "cut after a comma", bytes: Buffer.from(`${file(9).slice(0, -"\n]".length)},`), found: 9 },
    { name: "cut within an escape", bytes: cutAt('"\\u00'), found: 9 },
    {
        name: "cut within a character",
        bytes: Buffer.concat([cutAt('"'), Buffer.from("é").subarray(0, 1)]),
        found: 9,
    },
    { name: "full of zeros", bytes: Buffer.alloc(4096), found: 0 },
    {
        name: "ending in zeros",
        bytes: Buffer.concat([Buffer.from(file(9)).subarray(0, -3), Buffer.alloc(512)]),
        found: 8,
    },
    { name: "zeros in the middle", bytes: zerosIn(file(9), '"message 5"'), found: 4 },
    { name: "followed by the end of a longer file", bytes: Buffer.from(`${file(9)}"\n  }\n]`), found: 9 },
    { name: "JSON that is no list", bytes: Buffer.from('{"error": "disk full"}'), found: 0 },
];

/** A file with nine complete messages that is cut in the text of the tenth. */
function cutAt(start: string): Buffer {
    const text = file(9).slice(0, -"\n]".length);
    return Buffer.from(`${text},\n  {\n    "AuthorUsername": "ada",\n    "Text": ${start}`);
}

function zerosIn(text: string, place: string): Buffer {
    const at = text.indexOf(place);
    return Buffer.from(text).fill(0, at, at + place.length);
}

describe("The guard of the api's file", function () {
    this.timeout(60_000);
    let folder: string;
    let db: string;
    let backups: string;
    let reports: { reason: string; message: string }[];
    let keeper: Keeper;
    let time: number;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "keeper-"));
        db = join(folder, "db.json");
        backups = join(folder, "backups");
        mkdirSync(backups);
        time = 0;
        startGuard();
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function startGuard(): void {
        reports = [];
        keeper = new Keeper(db, backups, (reason, message) => reports.push({ reason, message }));
    }

    /** Replaces the file as a restore does. */
    function replace(text: string): void {
        writeFileSync(`${db}.part`, text);
        renameSync(`${db}.part`, db);
    }

    /** Looks at the file often during this number of milliseconds. */
    function watchFor(milliseconds: number): void {
        for (const end = time + milliseconds; time < end; time += 100) {
            keeper.look(time);
        }
    }

    function messagesIn(path: string): number | undefined {
        return existsSync(path) ? parse(readFileSync(path, "utf8"))?.length : undefined;
    }

    function mirrored(): number | undefined {
        return messagesIn(join(folder, ".guard", "mirror.json"));
    }

    function kept(kind: string): string[] {
        const all = existsSync(join(folder, ".guard")) ? readdirSync(join(folder, ".guard")) : [];
        return all.filter((name) => new RegExp(`^${kind}-\\d{8}T\\d{9}Z\\.json$`).test(name)).sort();
    }

    function keptContent(kind: string): Buffer[] {
        return kept(kind).map((name) => readFileSync(join(folder, ".guard", name)));
    }

    function reasons(): string[] {
        return reports.map(({ reason }) => reason);
    }

    it("mirrors the file byte for byte", () => {
        for (const count of [0, 1, 2, 50]) {
            writeFileSync(db, file(count));
            watchFor(100);
            assert.equal(readFileSync(join(folder, ".guard", "mirror.json"), "utf8"), file(count));
        }
        assert.deepEqual(reports, []);
    });

    for (const { name, bytes, found } of tornFiles) {
        it(`repairs a torn file: ${name}`, () => {
            writeFileSync(db, file(7));
            watchFor(100);
            writeFileSync(db, bytes);
            watchFor(3000);

            const expected = Math.max(found, 7);
            assert.equal(readFileSync(db, "utf8"), file(expected));
            assert.equal(mirrored(), expected);
            assert.deepEqual(reasons(), ["ApiFileRepaired"]);
            assert.deepEqual(keptContent("torn"), [bytes]);
            assert.deepEqual(readdirSync(folder).sort(), [".guard", "backups", "db.json"]);
        });
    }

    // The app writes a file that is missing, but never one that is empty: a kill in its very first write leaves such a one.
    for (const { name, bytes, found } of tornFiles) {
        it(`salvages a torn file without a mirror and backups: ${name}`, () => {
            writeFileSync(db, bytes);
            watchFor(3000);
            assert.equal(readFileSync(db, "utf8"), file(found));
            assert.deepEqual(keptContent("torn"), [bytes]);
        });
    }

    it("waits two seconds after the last change, because the app may still be writing", () => {
        writeFileSync(db, file(3));
        watchFor(100);
        for (const length of [0, 10, 20, 30]) {
            writeFileSync(db, file(4).slice(0, length));
            watchFor(1900);
        }
        assert.deepEqual(reports, []);
        assert.equal(readFileSync(db, "utf8"), file(4).slice(0, 30));
        watchFor(300);
        assert.deepEqual(reasons(), ["ApiFileRepaired"]);
    });

    it("warns once before the file is too large for the api's memory, and again if it shrank meanwhile", () => {
        keeper = new Keeper(
            db,
            backups,
            (reason, message) => reports.push({ reason, message }),
            16 * file(9).length,
        );
        for (const count of [8, 9, 10, 11, 12]) {
            writeFileSync(db, file(count));
            watchFor(100);
        }
        assert.deepEqual(reasons(), ["ApiFileLarge"]);
        replace(file(3));
        watchFor(100);
        writeFileSync(db, file(12));
        watchFor(100);
        assert.deepEqual(reasons(), ["ApiFileLarge", "ApiFileShorter", "ApiFileLarge"]);
    });

    it("names the counts of what it found", () => {
        writeFileSync(db, file(11));
        watchFor(100);
        writeFileSync(db, cutAt('"'));
        writeFileSync(join(backups, "20261125T120000Z-12-0123abcd-scheduled.json"), file(12));
        utimesSync(join(backups, "20261125T120000Z-12-0123abcd-scheduled.json"), 4e9, 4e9);
        watchFor(3000);
        const numbersIn = (text: string): number[] => (text.match(/\b\d+\b/g) ?? []).map(Number);
        assert.deepEqual(
            numbersIn((reports[0]?.message ?? "").replaceAll(folder, "")).slice(0, 4),
            [12, 9, 11, 12],
        );
    });

    it("takes the newest backup if the mirror is lost", () => {
        writeFileSync(join(backups, "20261125T110000Z-9-0123abcd-scheduled.json"), file(9));
        writeFileSync(join(backups, "20261125T120000Z-8-0123abcd-scheduled.json"), file(8));
        writeFileSync(join(backups, "20261125T130000Z-7-0123abcd-scheduled.json"), file(7).slice(0, -5));
        writeFileSync(join(backups, "20261125T130000Z-7-0123abcd-scheduled.json.proven"), "");
        writeFileSync(db, file(2).slice(0, -1));
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(8));
    });

    it("does not bring back messages that a restore removed", () => {
        writeFileSync(db, file(9));
        watchFor(100);
        const backup = join(backups, "20261125T120000Z-9-0123abcd-before-restore.json");
        writeFileSync(backup, file(9));
        utimesSync(backup, 1e9, 1e9);
        replace(file(4));
        watchFor(100);
        truncateSync(db, 10);
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(4));
    });

    it("repairs although the backups cannot be read", () => {
        rmSync(backups, { recursive: true });
        writeFileSync(db, file(4));
        watchFor(100);
        truncateSync(db, 10);
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(4));
    });

    it("puts a deleted file back", () => {
        writeFileSync(db, file(4));
        watchFor(100);
        rmSync(db);
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(4));
        assert.deepEqual(reasons(), ["ApiFileRepaired"]);
        assert.deepEqual(kept("torn"), []);
    });

    it("leaves a volume alone that was never used", () => {
        watchFor(3000);
        assert.deepEqual(readdirSync(folder), ["backups"]);
        assert.deepEqual(reports, []);
    });

    it("leaves a missing file to the app if only backups are there", () => {
        writeFileSync(join(backups, "20261125T120000Z-8-0123abcd-scheduled.json"), file(8));
        watchFor(3000);
        assert.equal(existsSync(db), false);
    });

    it("keeps the mirror of a file that is replaced by a shorter one, and reports it", () => {
        writeFileSync(db, file(9));
        watchFor(100);
        replace(file(3));
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(3));
        assert.equal(mirrored(), 3);
        assert.deepEqual(keptContent("shorter").map(String), [file(9)]);
        assert.deepEqual(reasons(), ["ApiFileShorter"]);
    });

    it("notices a file that was replaced by a shorter one while it was not running", () => {
        writeFileSync(db, file(9));
        watchFor(100);
        replace("[]");
        startGuard();
        watchFor(100);
        assert.deepEqual(keptContent("shorter").map(String), [file(9)]);
        assert.deepEqual(reasons(), ["ApiFileShorter"]);
    });

    it("notices a file that was replaced twice while it was not running, and may have its old inode again", () => {
        writeFileSync(db, file(9));
        watchFor(100);
        replace(file(9));
        replace(file(2));
        startGuard();
        watchFor(100);
        keeper.putBack();
        assert.equal(readFileSync(db, "utf8"), file(2));
        assert.deepEqual(reasons(), ["ApiFileShorter"]);
    });

    it("takes over a shorter file although it cannot write its mirror at first", () => {
        writeFileSync(db, file(9));
        watchFor(100);
        mkdirSync(join(folder, ".guard", ".mirror.json.part", "taken"), { recursive: true });
        replace(file(3));
        for (let attempt = 1; attempt <= 2; attempt++) {
            assert.equal(keeper.look(time), false);
        }
        rmSync(join(folder, ".guard", ".mirror.json.part"), { recursive: true });
        watchFor(100);
        assert.equal(mirrored(), 3);
        assert.deepEqual(keptContent("shorter").map(String), [file(9)]);
        assert.deepEqual(reasons(), ["ApiFileShorter", "ApiGuardFailed", "ApiGuardRecovered"]);
    });

    it("keeps five mirrors of shorter files, and the one with the most messages among them", () => {
        for (const count of [20, 1, 9, 2, 8, 3, 7, 4, 6, 1, 5, 0, 4, 1]) {
            replace(file(count));
            watchFor(100);
        }
        const counts = keptContent("shorter").map((bytes) => parse(bytes.toString())?.length);
        assert.deepEqual(counts, [20, 7, 6, 5, 4]);
    });

    it("keeps five torn files", () => {
        for (let count = 1; count <= 8; count++) {
            writeFileSync(db, file(count));
            watchFor(100);
            truncateSync(db, file(count).length - 1);
            watchFor(3000);
        }
        assert.equal(kept("torn").length, 5);
        assert.equal(readFileSync(db, "utf8"), file(8));
    });

    it("tries again if it cannot write, and keeps the torn file once", () => {
        writeFileSync(db, file(4));
        watchFor(100);
        truncateSync(db, 10);
        watchFor(2000);
        // The new file cannot be written while a folder has its name.
        mkdirSync(join(folder, ".db.json.part", "taken"), { recursive: true });
        watchFor(9000);
        assert.equal(kept("torn").length, 1);
        rmSync(join(folder, ".db.json.part"), { recursive: true });
        watchFor(3000);
        assert.equal(readFileSync(db, "utf8"), file(4));
        assert.equal(kept("torn").length, 1);
        assert.deepEqual(reasons(), ["ApiGuardFailed", "ApiFileRepaired", "ApiGuardRecovered"]);
    });

    it("reports once that it cannot put messages back, although it can mirror", () => {
        writeFileSync(db, file(4));
        watchFor(200);
        mkdirSync(join(folder, ".db.json.part", "taken"), { recursive: true });
        writeFileSync(db, file(3));
        watchFor(200);
        for (let attempt = 1; attempt <= 3; attempt++) {
            assert.equal(keeper.putBack(), false);
            watchFor(200);
        }
        rmSync(join(folder, ".db.json.part"), { recursive: true });
        assert.equal(keeper.putBack(), true);
        assert.equal(readFileSync(db, "utf8"), file(4));
        assert.deepEqual(reasons(), ["ApiGuardFailed", "ApiMessagesPutBack", "ApiGuardRecovered"]);
    });

    it("mirrors a write that it could not mirror at first", () => {
        mkdirSync(join(folder, ".guard", ".mirror.json.part", "taken"), { recursive: true });
        writeFileSync(db, file(4));
        assert.equal(keeper.look(time), false);
        rmSync(join(folder, ".guard", ".mirror.json.part"), { recursive: true });
        time += 100;
        watchFor(100);
        assert.equal(mirrored(), 4);
    });

    describe("if the app writes a file that does not continue the one before", () => {
        const list = (...texts: string[]): string =>
            render(texts.map((Text) => ({ AuthorUsername: "ada", Text })));

        function putBack(): void {
            watchFor(100);
            keeper.putBack();
            watchFor(100);
        }

        for (const [what, before, after, expected] of [
            ["a message was overwritten", ["1", "2", "3"], ["1", "2", "4"], ["1", "2", "3", "4"]],
            ["several were", ["1", "2", "3", "5"], ["1", "2", "4", "6"], ["1", "2", "3", "5", "4", "6"]],
            ["the write was undone", ["1", "2", "3"], ["1"], ["1", "2", "3"]],
            ["all were", ["1", "2"], [], ["1", "2"]],
            ["the same text was lost and is there", ["1", "1", "2"], ["1", "2"], ["1", "1", "2"]],
        ] as const) {
            it(`puts back what is missing, once: ${what}`, () => {
                writeFileSync(db, list(...before));
                watchFor(100);
                writeFileSync(db, list(...after));
                // Neither a guard that is started again nor a second call adds anything.
                watchFor(100);
                startGuard();
                putBack();
                putBack();
                assert.equal(readFileSync(db, "utf8"), list(...expected));
                assert.equal(mirrored(), expected.length);
                assert.deepEqual(reasons(), ["ApiMessagesPutBack"]);
            });
        }

        it("adds what the app writes before the missing messages are back", () => {
            for (const texts of [
                ["1", "2", "3"],
                ["1", "2", "4"],
                ["1", "2", "4", "5"],
            ]) {
                writeFileSync(db, list(...texts));
                watchFor(100);
            }
            putBack();
            assert.equal(readFileSync(db, "utf8"), list("1", "2", "3", "4", "5"));
        });

        it("puts nothing back while the app may be writing", () => {
            writeFileSync(db, list("1", "2", "3"));
            watchFor(100);
            writeFileSync(db, list("1", "2", "4"));
            keeper.look(time);
            keeper.putBack();
            assert.equal(readFileSync(db, "utf8"), list("1", "2", "4"));
            watchFor(100);
            writeFileSync(db, list("1", "2", "4").slice(0, 9));
            keeper.putBack();
            assert.equal(readFileSync(db, "utf8"), list("1", "2", "4").slice(0, 9));
        });

        it("brings no message back twice if the app only writes the same ones in its own way", () => {
            replace('[{"more": 1, "text": "one", "authorusername": "ada"}, {"Text": "two"}]');
            watchFor(100);
            const [one, two, three] = ["one", "two", "three"].map((Text) => ({
                AuthorUsername: "ada",
                Text,
            }));
            assert.ok(one && two && three);
            writeFileSync(db, render([one, { ...two, AuthorUsername: "" }, three]));
            putBack();
            assert.equal(parse(readFileSync(db, "utf8"))?.length, 3);
            assert.deepEqual(reports, []);
        });

        it("repairs a torn file with the messages of both if mirror and file have different ones", () => {
            writeFileSync(db, list("1", "2", "3"));
            watchFor(100);
            writeFileSync(db, list("1", "2", "4", "5", "6").slice(0, -3));
            watchFor(3000);
            assert.equal(readFileSync(db, "utf8"), list("1", "2", "3", "4", "5"));
        });
    });

    it("keeps every message of a mirror whose append was killed", () => {
        writeFileSync(db, file(4));
        watchFor(100);
        const mirror = join(folder, ".guard", "mirror.json");
        const whole = readFileSync(mirror, "utf8");
        const longer = file(5);
        for (let length = whole.length - 2; length < longer.length; length++) {
            // The old end may still be there behind what was written.
            writeFileSync(mirror, longer.slice(0, length) + whole.slice(length));
            writeFileSync(db, "");
            startGuard();
            watchFor(3000);
            const isComplete = length >= longer.length - "\n]".length;
            assert.equal(readFileSync(db, "utf8"), file(isComplete ? 5 : 4), String(length));
        }
    });
});
