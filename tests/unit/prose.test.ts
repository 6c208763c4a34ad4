/** The check of the prose: what it finds, and what it leaves alone. */
import { strict as assert } from "node:assert";
import { offences } from "../../tools/prose.ts";

function found(file: string, text: string): readonly string[] {
    return offences(file, text).map((offence) => /^[^:]*:\d+/.exec(offence)?.[0] ?? "");
}

describe("the prose check", () => {
    it("finds a word of the old vocabulary in code and in docs, with its line", () => {
        assert.deepEqual(found("a.ts", "const one = 1;\nconst verdict = judge(one);"), ["a.ts:2", "a.ts:2"]);
        assert.deepEqual(found("a.md", "A lesson.\n\nSome «words»."), ["a.md:1", "a.md:3", "a.md:3"]);
    });

    it("finds where that means if, in comments, messages and docs", () => {
        for (const text of [
            "/** The claim, or undefined where there is none. */",
            '// One.\nfail("It stops where the claim is missing");',
            "fail(`It stops where ${name} is missing`);",
        ]) {
            assert.equal(found("a.ts", text).length, 1, text);
        }
        assert.equal(found("a.md", "Where minikube is missing, the sandbox is used.").length, 1);
        assert.equal(found("a.md", "It can grow\nwhere the class allows it.").length, 1);
    });

    it("leaves alone where that means a place, and names in the code", () => {
        for (const text of [
            "/** Where the api's volume is mounted, and its file on it. */",
            "/** Says where the journal is. */",
            'const where = ["--namespace"];\nrun("get", ...where);',
        ]) {
            assert.deepEqual(found("a.ts", text), [], text);
        }
        assert.deepEqual(found("a.md", "A page where people chat. It depends on where you are."), []);
    });
});
