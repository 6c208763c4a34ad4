import { strict as assert } from "node:assert";
import { instanceOf } from "../../../model/labels.ts";

describe("instanceOf", () => {
    it("joins project and stack", () => {
        assert.equal(instanceOf("synergychat", "dev"), "synergychat-dev");
    });

    it("fits into a label value, and still distinguishes long names", () => {
        const [one, other] = ["a", "b"].map((end) => instanceOf("synergychat", "x".repeat(70) + end));
        assert.equal(one?.length, 63);
        assert.notEqual(one, other);
    });

    for (const [project, stack] of [
        ["synergychat", "dev-"],
        ["_chat", "dev"],
        ["__", "."],
        ["a", "b"],
        ["_".repeat(80), "-"],
    ] as const) {
        it(`is a label value for project ${project} and stack ${stack}`, () => {
            assert.match(instanceOf(project, stack), /^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/i);
        });
    }
});
