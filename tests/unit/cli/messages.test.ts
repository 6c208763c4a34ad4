/** Lists of messages: what a switch compares and joins. */
import { strict as assert } from "node:assert";
import { begins, fingerprint, join, messagesOrProblem } from "../../../cli/messages.ts";
import { render } from "../../../pods/database.ts";

const messages = (...texts: string[]) => texts.map((Text) => ({ AuthorUsername: "ada", Text }));

describe("lists of messages", () => {
    it("compares authors and texts, and no other field", () => {
        assert.ok(begins([], messages("a")));
        assert.ok(
            begins(
                messages("a"),
                messages("a").map((message) => ({ ...message, CreatedAt: "today" })),
            ),
        );
        assert.ok(begins(messages("a", "b"), messages("a", "b", "c")));
        assert.ok(!begins(messages("a", "b"), messages("a")));
        assert.ok(!begins(messages("b"), messages("a", "b")));
        assert.ok(!begins([{ AuthorUsername: "bob", Text: "a" }], messages("a")));
    });

    it("joins two lists without doubling what an interrupted run wrote already", () => {
        assert.deepEqual(join(messages("a"), messages("a", "b")), messages("a", "b"));
        assert.deepEqual(join(messages("a", "b"), messages("a")), messages("a", "b"));
        assert.deepEqual(join([], messages("a")), messages("a"));
    });

    it("joins two lists without losing a message, the first list first", () => {
        assert.deepEqual(join(messages("old"), messages("new")), messages("old", "new"));
        assert.deepEqual(join(messages("a", "b"), messages("a", "c")), messages("a", "b", "a", "c"));
    });

    it("distinguishes lists by authors, texts and order, even if one text looks like two", () => {
        const prints = [messages("a", "b"), messages("b", "a"), messages("ab"), messages('a","b')].map(
            fingerprint,
        );
        assert.equal(new Set(prints).size, 4);
        assert.equal(fingerprint(messages("a")), fingerprint(messages("a")));
    });
});

describe("the text of the api's file", () => {
    it("is what Go's encoding/json writes", () => {
        const text = render([{ AuthorUsername: "ada", Text: 'a <b> & "c" \\ ä€\n\u2028' }]);
        assert.equal(
            text,
            '[\n  {\n    "AuthorUsername": "ada",\n    "Text": "a \\u003cb\\u003e \\u0026 \\"c\\" \\\\ ä€\\n\\u2028"\n  }\n]',
        );
        assert.equal(render([]), "[]");
    });

    it("can be read back, with every field", () => {
        const messages = [{ AuthorUsername: "ada", Text: "<&>", CreatedAt: "then" }];
        assert.deepEqual(messagesOrProblem(render(messages)), messages);
    });
});

describe("a text that the app could not read", () => {
    for (const text of [
        "",
        '[{"AuthorUsername": "ada", "Te',
        "{}",
        "null",
        "[null]",
        '[{"AuthorUsername": "ada"}]',
        '[{"AuthorUsername": "ada", "Text": 1}]',
    ]) {
        it(`says what is wrong with ${JSON.stringify(text)}`, () => {
            assert.equal(typeof messagesOrProblem(text), "string");
        });
    }
});
