/** What a restore decides without a cluster: what is named, whether it can be restored, and what came late. */
import { strict as assert } from "node:assert";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
    hasLateMessages,
    messagesOf,
    readSource,
    restoreCommand,
    sourceOf,
} from "../../../cli/commands/restore/steps.ts";
import { UsageError } from "../../../cli/command.ts";
import { render } from "../../../pods/database.ts";
import { UserError } from "../../../system/errors.ts";

const list = (...texts: string[]) => texts.map((Text) => ({ AuthorUsername: "ada", Text }));
const text = render(list("one", "two"));
const sum = createHash("sha256").update(text).digest("hex").slice(0, 8);
const name = `20261125T120000Z-2-${sum}-manual.json`;

describe("what a restore is asked for", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-restore-"));
    const { INIT_CWD } = process.env;

    before(() => {
        process.env.INIT_CWD = folder;
    });
    after(() => {
        if (INIT_CWD === undefined) {
            delete process.env.INIT_CWD;
        } else {
            process.env.INIT_CWD = INIT_CWD;
        }
        rmSync(folder, { recursive: true });
    });

    it("is a backup if it has the name of one, and a file from the caller's folder otherwise", () => {
        assert.deepEqual(sourceOf(name, undefined), { named: name });
        assert.deepEqual(sourceOf("newest", undefined), { named: "newest" });
        assert.deepEqual(sourceOf("db.json", "12"), { named: join(folder, "db.json"), first: 12 });
        assert.deepEqual(sourceOf("/tmp/db.json", undefined), { named: "/tmp/db.json" });
    });

    it("is a file if there is one with the name of a backup", () => {
        writeFileSync(join(folder, name), text);
        assert.deepEqual(sourceOf(name, undefined), { named: join(folder, name) });
        rmSync(join(folder, name));
    });

    for (const messages of ["-1", "1.5", "all", "0x10", " 1"]) {
        it(`is used wrongly with --messages ${JSON.stringify(messages)}`, () => {
            assert.throws(() => sourceOf("db.json", messages), UsageError);
        });
    }

    it("is read from a file whole, or its first messages in the app's layout", async () => {
        const noBackups = () => Promise.reject(new Error("no cluster is asked for a file"));
        const named = join(folder, "db.json");
        const compact = JSON.stringify(list("one", "two"));
        writeFileSync(named, compact);
        assert.equal(await readSource({ named }, noBackups), compact);
        assert.equal(await readSource({ named, first: 1 }, noBackups), render(list("one")));
        assert.equal(await readSource({ named, first: 0 }, noBackups), "[]");
        assert.equal(await readSource({ named, first: 2 }, noBackups), text);
        await assert.rejects(readSource({ named, first: 3 }, noBackups), UserError);
        await assert.rejects(readSource({ named: join(folder, "absent.json") }, noBackups), UserError);
        await assert.rejects(readSource({ named: folder }, noBackups), UserError);
    });
});

describe("the messages of a restore", () => {
    it("are refused if the api could not read them", () => {
        for (const torn of ["", text.slice(0, -1), "{}", '[{"Text": "x"}]']) {
            assert.throws(() => messagesOf("db.json", torn), UserError);
        }
        assert.deepEqual(messagesOf("db.json", text), list("one", "two"));
    });

    it("are refused if the name of their backup says something else", () => {
        assert.deepEqual(messagesOf(`/tmp/${name}`, text), list("one", "two"));
        assert.throws(() => messagesOf(`/tmp/${name}`, render(list("one", "2"))), UserError);
        assert.throws(() => messagesOf(name, render(list("one"))), UserError);
    });
});

describe("messages that came after the copy", () => {
    const late = (copy: string[], current: string[]) =>
        hasLateMessages(render(list(...copy)), render(list(...current)));

    it("are those that extend it", () => {
        assert.ok(late(["a", "b"], ["a", "b", "c"]));
        assert.ok(late([], ["late"]));
    });

    it("are none if nothing came, or if the file was replaced before", () => {
        assert.ok(!late(["a", "b"], ["a", "b"]));
        assert.ok(!late(["a", "b"], ["a"]));
        assert.ok(!late(["a"], ["x", "posted since"]));
    });

    it("are unknown if one of the two is torn", () => {
        assert.ok(!hasLateMessages("[{", text));
        assert.ok(!hasLateMessages(text, "[{"));
    });
});

describe("the command of a restore", () => {
    it("works on its stack without a question, and in any shell", () => {
        assert.equal(
            restoreCommand({ named: "/home/ada/it's.json", first: 3 }, "dev"),
            "npm run restore -- '/home/ada/it'\\''s.json' dev --messages 3 --yes",
        );
        assert.equal(restoreCommand({ named: "newest" }), "npm run restore -- newest --yes");
    });
});
