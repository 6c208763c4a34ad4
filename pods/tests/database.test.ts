import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Message, parse, readIfThere, render, salvage, timeName, writeDurably } from "../database.ts";

/** Texts that are hard on whoever looks for the end of a message. */
const texts = [
    "",
    "hi",
    'a "quoted" word',
    "a backslash \\",
    '\\"',
    "[1, {2}]",
    "}, {",
    "]",
    "new\nline\ttab\u0001",
    "<b>&amp;</b>",
    "line\u2028separator\u2029",
    "Grüße, 世界 🎉",
];

/** Lists of messages by a generator with a seed, so that a failure can be repeated. */
function* lists(seed: number, count: number): Generator<readonly Message[]> {
    let state = seed;
    const random = (below: number): number => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return Math.floor((state / 2_147_483_648) * below);
    };
    for (let index = 0; index < count; index++) {
        yield Array.from({ length: random(6) }, () => ({
            AuthorUsername: texts[random(texts.length)] ?? "",
            Text: Array.from({ length: random(3) }, () => texts[random(texts.length)]).join(" "),
        }));
    }
}

describe("parse", () => {
    it("returns the messages of a complete file", () => {
        assert.deepEqual(parse('[\n  {\n    "AuthorUsername": "ada",\n    "Text": "hi"\n  }\n]'), [
            { AuthorUsername: "ada", Text: "hi" },
        ]);
        assert.deepEqual(parse("[]"), []);
    });

    it("returns undefined for a torn file, and for what is no list", () => {
        for (const text of ["", '[\n  {\n    "AuthorUsername": "a', "{}", "null", "\0\0\0"]) {
            assert.equal(parse(text), undefined);
        }
    });
});

describe("render", () => {
    it("writes what the app writes: Go's layout, with its escapes", () => {
        assert.equal(render([]), "[]");
        assert.equal(
            render([{ AuthorUsername: "a<b>", Text: "x & \u2028" }]),
            '[\n  {\n    "AuthorUsername": "a\\u003cb\\u003e",\n    "Text": "x \\u0026 \\u2028"\n  }\n]',
        );
    });

    it("loses nothing", () => {
        for (const messages of lists(1, 200)) {
            assert.deepEqual(parse(render(messages)), messages);
        }
    });
});

describe("salvage", () => {
    it("returns the messages that end before the cut, at every byte of generated files", () => {
        let cuts = 0;
        for (const messages of lists(2, 60)) {
            const bytes = Buffer.from(render(messages));
            // The end of each message, found without looking at its text: the file up to it is the file of fewer messages.
            const ends = messages.map(
                (_, index) => Buffer.byteLength(render(messages.slice(0, index + 1))) - "\n]".length,
            );
            for (let cut = 0; cut <= bytes.length; cut++) {
                const whole = ends.filter((end) => end <= cut).length;
                const found = salvage(bytes.subarray(0, cut).toString());
                assert.deepEqual(found, messages.slice(0, whole), `cut at ${cut} of ${bytes.toString()}`);
                cuts++;
            }
        }
        assert.ok(cuts > 10_000);
    });

    it("returns nothing for what never was such a file", () => {
        for (const text of ["", "\0\0\0", "garbage", "{", "]", "}}]"]) {
            assert.deepEqual(salvage(text), []);
        }
    });
});

describe("writeDurably", () => {
    it("replaces a file by a whole one, makes its folder, and leaves nothing beside it", () => {
        const folder = mkdtempSync(join(tmpdir(), "pods-"));
        try {
            const path = join(folder, "deeper", "file");
            writeDurably(path, "one");
            writeDurably(path, "two, Grüße");
            assert.equal(readFileSync(path, "utf8"), "two, Grüße");
            assert.deepEqual(readdirSync(join(folder, "deeper")), ["file"]);
            assert.equal(readIfThere(join(folder, "none")), undefined);
        } finally {
            rmSync(folder, { recursive: true });
        }
    });
});

describe("timeName", () => {
    it("sorts as the moments do", () => {
        assert.equal(timeName(new Date("2026-11-25T12:00:01.999Z")), "20261125T120001Z");
    });
});
