import { strict as assert } from "node:assert";
import { type Message, parse, render, salvage } from "../database.ts";
import { numbers, someMessages } from "./support/messages.ts";

describe("parse", () => {
    it("returns the messages of a complete file", () => {
        assert.deepEqual(parse('[\n  {\n    "AuthorUsername": "ada",\n    "Text": "hi"\n  }\n]'), [
            { AuthorUsername: "ada", Text: "hi" },
        ]);
        assert.deepEqual(parse("[]"), []);
    });

    it("returns undefined for a torn file", () => {
        assert.equal(parse(""), undefined);
        assert.equal(parse('[\n  {\n    "AuthorUsername": "a'), undefined);
    });

    it("returns undefined for JSON that is no list", () => {
        assert.equal(parse('{"AuthorUsername": "ada", "Text": "hi"}'), undefined);
        assert.equal(parse("null"), undefined);
    });
});

describe("render", () => {
    it("writes an empty list as the app does", () => {
        assert.equal(render([]), "[]");
    });

    it("writes the layout of Go's json.MarshalIndent, with its escapes", () => {
        const message: Message = {
            AuthorUsername: "<ada> & \u2028\u2029",
            Text: '\u0001\b\t\n\f\r\u001f\u007f "\\/ é語🐘',
        };
        assert.equal(
            render([message, { AuthorUsername: "", Text: "" }]),
            [
                "[",
                "  {",
                String.raw`    "AuthorUsername": "\u003cada\u003e \u0026 \u2028\u2029",`,
                String.raw`    "Text": "\u0001\b\t\n\f\r\u001f` + "\u007f" + String.raw` \"\\/ é語🐘"`,
                "  },",
                "  {",
                '    "AuthorUsername": "",',
                '    "Text": ""',
                "  }",
                "]",
            ].join("\n"),
        );
    });

    it("writes what parse reads", () => {
        const messages = someMessages(numbers(1), 200);
        assert.deepEqual(parse(render(messages)), messages);
    });
});

/** The app's file, and for each message the number of bytes after which it is complete. */
function laidOut(messages: readonly Message[]): { bytes: Buffer; ends: number[] } {
    const elements = messages.map((message) => render([message]).slice("[".length, -"\n]".length));
    const ends: number[] = [];
    let text = "[";
    for (const element of elements) {
        text += (ends.length > 0 ? "," : "") + element;
        ends.push(Buffer.byteLength(text));
    }
    return { bytes: Buffer.from(elements.length > 0 ? `${text}\n]` : "[]"), ends };
}

describe("salvage", function () {
    this.timeout(60_000);

    it("returns the messages that end before the cut, at every byte of generated files", () => {
        for (let seed = 1; seed <= 30; seed++) {
            const random = numbers(seed);
            const messages = someMessages(random, Math.floor(random() * 12));
            const { bytes, ends } = laidOut(messages);
            assert.equal(bytes.toString(), render(messages));
            for (let cut = 0; cut <= bytes.length; cut++) {
                const expected = messages.slice(0, ends.filter((end) => end <= cut).length);
                const found = salvage(bytes.subarray(0, cut).toString());
                assert.deepEqual(found, expected, `seed ${String(seed)}, cut at byte ${String(cut)}`);
            }
        }
    });

    it("returns the messages before the damage if bytes in the middle are lost", () => {
        for (let seed = 1; seed <= 10; seed++) {
            const messages = someMessages(numbers(seed), 10);
            const { bytes, ends } = laidOut(messages);
            for (let at = 1; at + 8 <= bytes.length; at++) {
                const damaged = Buffer.from(bytes).fill(0, at, at + 8);
                const expected = messages.slice(0, ends.filter((end) => end <= at).length);
                const found = salvage(damaged.toString());
                assert.deepEqual(found, expected, `seed ${String(seed)}, damaged at byte ${String(at)}`);
            }
        }
    });
});
