/** The api's file as text. pods/database.ts writes the same layout in pods. */
import { strict as assert } from "node:assert";
import { messagesIn, textOf } from "../../../kubernetes/messages-file.ts";

describe("textOf", () => {
    it("is what Go's encoding/json writes", () => {
        const text = textOf([{ AuthorUsername: "ada", Text: 'a <b> & "c" \\ ä€\n\u2028' }]);
        assert.equal(
            text,
            '[\n  {\n    "AuthorUsername": "ada",\n    "Text": "a \\u003cb\\u003e \\u0026 \\"c\\" \\\\ ä€\\n\\u2028"\n  }\n]',
        );
        assert.equal(textOf([]), "[]");
    });

    it("can be read back, with every field", () => {
        const messages = [{ AuthorUsername: "ada", Text: "<&>", CreatedAt: "then" }];
        assert.deepEqual(messagesIn(textOf(messages)), messages);
    });
});

describe("messagesIn", () => {
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
            assert.equal(typeof messagesIn(text), "string");
        });
    }
});
