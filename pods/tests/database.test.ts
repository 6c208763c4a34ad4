import { strict as assert } from "node:assert";
import { parse } from "../database.ts";

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
});
