/** Lists of messages: what a switch compares, joins and refuses. */
import { strict as assert } from "node:assert";
import { answered, begins, count, fingerprint, join } from "../../operations/messages";

const messages = (...texts: string[]) => texts.map((Text) => ({ AuthorUsername: "ada", Text }));

describe("lists of messages", () => {
    it("begin with each other by author and text, whatever else a message carries", () => {
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

    it("join without doubling what an interrupted run wrote already", () => {
        assert.deepEqual(join(messages("a"), messages("a", "b")), messages("a", "b"));
        assert.deepEqual(join(messages("a", "b"), messages("a")), messages("a", "b"));
        assert.deepEqual(join([], messages("a")), messages("a"));
    });

    it("join without losing any, the first list first", () => {
        assert.deepEqual(join(messages("old"), messages("new")), messages("old", "new"));
        assert.deepEqual(join(messages("a", "b"), messages("a", "c")), messages("a", "b", "a", "c"));
    });

    it("name what the api would answer, and nothing else", () => {
        assert.deepEqual(
            answered(messages("/stats keywords=love", "see /stats", "hello")),
            messages("/stats keywords=love"),
        );
    });

    it("have a fingerprint of authors, texts and order, where no text can pose as two", () => {
        const prints = [messages("a", "b"), messages("b", "a"), messages("ab"), messages('a","b')].map(
            fingerprint,
        );
        assert.equal(new Set(prints).size, 4);
        assert.equal(fingerprint(messages("a")), fingerprint(messages("a")));
    });

    it("are counted in words", () => {
        assert.deepEqual([[], messages("a"), messages("a", "b")].map(count), [
            "0 messages",
            "1 message",
            "2 messages",
        ]);
    });
});
