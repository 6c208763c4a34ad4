/** The texts of all findings, in one file. No other test depends on a sentence. */
import { strict as assert } from "node:assert";
import { join } from "node:path";
import { type Finding, findingCodes, renderFinding } from "../../model/finding.ts";
import { assertGolden } from "../support/golden.ts";
import { examples } from "./support/examples.ts";

const file = join(import.meta.dirname, "findings.txt");
const all = findingCodes.map((code) => ({
    code,
    found: examples[code].flatMap((example) => example.filter((finding) => finding.code === code)),
}));

function show(finding: Finding): string {
    return `${finding.severity}: ${renderFinding(finding)}`;
}

describe("the findings", () => {
    it("have the texts in tests/unit/findings.txt", () => {
        const sections = all.map(({ code, found }) => [`=== ${code}`, ...found.map(show)].join("\n\n"));
        assertGolden(file, `${sections.join("\n\n")}\n`);
    });

    for (const { code, found } of all) {
        it(`have an example of ${code} for each of its texts, all different`, () => {
            assert.equal(found.length >= examples[code].length, true, "an example does not have the code");
            assert.equal(new Set(found.map(renderFinding)).size, found.length);
        });

        it(`say what is wrong with complete sentences, and complete commands: ${code}`, () => {
            for (const { reason, fixes } of found) {
                assert.match(reason.split("\n")[0] ?? "", /^\w.*[.:?]$/);
                for (const { to, run } of fixes) {
                    assert.match(to, /^[A-Z].*[^.:]$/);
                    assert.ok(run.length > 0);
                    // A command, or a line of the program.
                    const isComplete = /^(pulumi|npm run|kubectl|minikube|helm|test) \S/;
                    assert.ok(run.every((command) => isComplete.test(command)));
                }
            }
        });
    }

    it("contain no value that is missing", () => {
        for (const finding of all.flatMap(({ found }) => found)) {
            assert.doesNotMatch(JSON.stringify(finding), /undefined|NaN|\[object /);
        }
    });
});
