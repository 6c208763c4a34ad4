import { strict as assert } from "node:assert";
import { UsageError } from "../../../cli/command";
import { firstMessages, isSame, parseMessages } from "../../../cli/commands/restore/source";
import { UserError } from "../../../system/errors";

const messages = ["one", "two"].map((Text) => ({ AuthorUsername: "ada", Text }));

describe("what is restored", () => {
    it("is a list of messages, whatever else they carry", () => {
        assert.deepEqual(parseMessages(JSON.stringify(messages), "FILE"), messages);
        assert.deepEqual(parseMessages("[]", "FILE"), []);
        const [more] = parseMessages('[{"AuthorUsername": "ada", "Text": "one", "Id": 7}]', "FILE");
        assert.deepEqual(more, { AuthorUsername: "ada", Text: "one", Id: 7 });
    });

    for (const text of ["", "{}", "[1]", '[{"AuthorUsername": "ada"}]', '[{"Text": 3}]', '[{"AuthorUser']) {
        it(`is not ${text === "" ? "an empty text" : text}`, () => {
            assert.throws(() => parseMessages(text, "FILE"), UserError);
        });
    }

    it("is the first messages, if a number is given", () => {
        assert.deepEqual(firstMessages(messages, undefined), messages);
        assert.deepEqual(firstMessages(messages, "1"), messages.slice(0, 1));
        assert.deepEqual(firstMessages(messages, "0"), []);
        for (const count of ["3", "-1", "all", "1.5", ""]) {
            assert.throws(() => firstMessages(messages, count), UsageError);
        }
    });

    it("is compared by authors and texts, in their order", () => {
        assert.ok(isSame(messages, [...messages]));
        assert.ok(!isSame(messages, messages.slice(1)));
        assert.ok(!isSame(messages, [...messages].reverse()));
    });
});
