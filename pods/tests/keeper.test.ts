import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Message, parse, render } from "../database.ts";
import { Keeper, type Report, tornAfter } from "../keeper.ts";

const messages: readonly Message[] = ["one", "two", "three"].map((Text) => ({ AuthorUsername: "ada", Text }));
const whole = render(messages);

describe("the keeper of the api's file", () => {
    let folder: string;
    let database: string;
    let backups: string;
    let keeper: Keeper;
    let time: number;
    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "keeper-"));
        database = join(folder, "db.json");
        backups = join(folder, "backups");
        mkdirSync(backups);
        keeper = new Keeper({ database, backups });
        time = 1;
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    /** As the app writes: the same file, emptied and filled. */
    function write(text: string): void {
        writeFileSync(database, text);
    }

    /** Two looks, as far apart as a file must be unchanged to be torn. */
    function look(): Report | undefined {
        const first = keeper.look(time);
        time += tornAfter;
        return first ?? keeper.look(time);
    }

    const read = (path: string) => parse(readFileSync(path, "utf8"));
    const mirror = () => read(join(folder, ".guard", "mirror.json"));
    const kept = (kind: string) =>
        readdirSync(join(folder, ".guard")).filter((name) => name.startsWith(`${kind}-`));

    it("mirrors each completed write", () => {
        for (let count = 0; count <= messages.length; count++) {
            write(render(messages.slice(0, count)));
            assert.equal(look(), undefined);
            assert.deepEqual(mirror(), messages.slice(0, count));
        }
        assert.deepEqual(readdirSync(join(folder, ".guard")), ["mirror.json"]);
    });

    it("leaves a write alone that goes on", () => {
        write(whole);
        look();
        write(whole.slice(0, 50));
        assert.equal(keeper.look(time), undefined);
        assert.equal(keeper.look(time + tornAfter - 1), undefined);
        write(whole.slice(0, 60));
        assert.equal(keeper.look(time + tornAfter), undefined);
        assert.equal(readFileSync(database, "utf8"), whole.slice(0, 60));
    });

    const torn: Readonly<Record<string, string>> = {
        "is empty": "",
        "is one character": "[",
        "ends in a key": whole.slice(0, 20),
        "ends in a text": whole.slice(0, -12),
        "ends between two messages": whole.slice(0, whole.indexOf("},") + 2),
        "lacks its last character": whole.slice(0, -1),
        "ends in zeros": whole.slice(0, 40) + "\0".repeat(40),
        "is all zeros": "\0".repeat(100),
        "is something else": "<html>",
        "is complete and goes on": `${whole}]`,
        "ends in half a character": Buffer.from(render([{ AuthorUsername: "ada", Text: "🎉" }]))
            .subarray(0, 46)
            .toString("latin1"),
    };
    for (const [what, text] of Object.entries(torn)) {
        it(`repairs a file that ${what}, from the mirror`, () => {
            write(whole);
            look();
            write(text);
            const report = look();
            assert.deepEqual([report?.reason, report?.messages], ["ApiFileRepaired", 3]);
            assert.deepEqual(read(database), messages);
            const [copy = "", ...others] = kept("torn");
            assert.equal(readFileSync(join(folder, ".guard", copy), "utf8"), text);
            assert.deepEqual(others, []);
            assert.equal(look(), undefined);
        });
    }

    it("takes what the torn file itself has if that is more than the mirror has", () => {
        write(render(messages.slice(0, 1)));
        look();
        write(whole.slice(0, -10));
        assert.equal(look()?.messages, 2);
        assert.deepEqual(read(database), messages.slice(0, 2));
    });

    it("takes the newest backup that is whole if that is more than all else", () => {
        writeFileSync(join(backups, "20260101T000000Z-3-00000000-scheduled.json"), whole);
        writeFileSync(join(backups, "20260102T000000Z-3-00000000-scheduled.json"), "torn");
        write("");
        assert.equal(look()?.messages, 3);
        assert.deepEqual(read(database), messages);
    });

    it("does not take an empty file on a volume that was never used for torn", () => {
        write("");
        assert.equal(look(), undefined);
        assert.equal(readFileSync(database, "utf8"), "");
    });

    it("keeps the mirror of a file that became shorter, and says so", () => {
        write(whole);
        look();
        write("[]");
        const report = look();
        assert.deepEqual([report?.reason, report?.messages], ["ApiFileShorter", 0]);
        const [copy = ""] = kept("shorter");
        assert.deepEqual(read(join(folder, ".guard", copy)), messages);
        assert.deepEqual(mirror(), []);
    });

    it("waits for a file that is missing", () => {
        assert.equal(look(), undefined);
        write(whole);
        look();
        assert.deepEqual(mirror(), messages);
    });

    it("repairs also what was torn before it started", () => {
        write(whole);
        look();
        write(whole.slice(0, 30));
        keeper = new Keeper({ database, backups: undefined });
        assert.equal(look()?.messages, 3);
    });

    it("keeps the newest five torn files", () => {
        mkdirSync(join(folder, ".guard"));
        for (let day = 1; day <= 6; day++) {
            writeFileSync(join(folder, ".guard", `torn-2025010${day}T000000Z.json`), "");
        }
        writeFileSync(join(folder, ".guard", "mirror.json"), whole);
        write("[");
        look();
        const names = kept("torn");
        assert.equal(names.length, 5);
        assert.equal(names[0], "torn-20250103T000000Z.json");
    });
});
