import { strict as assert } from "node:assert";
import { instanceOf } from "../../components/labels";

describe("instanceOf", () => {
    it("is project and stack", () => {
        assert.equal(instanceOf("synergychat", "dev"), "synergychat-dev");
    });

    it("fits into a label, and still tells long names apart", () => {
        const [one, other] = ["a", "b"].map((end) => instanceOf("synergychat", "x".repeat(70) + end));
        assert.equal(one?.length, 63);
        assert.notEqual(one, other);
    });

    it("is a label's value whatever the names begin and end with", () => {
        for (const [project, stack] of [
            ["synergychat", "dev-"],
            ["_chat", "dev"],
            ["__", "."],
            ["a", "b"],
            ["_".repeat(80), "-"],
        ] as const) {
            assert.match(instanceOf(project, stack), /^[a-z0-9]([-a-z0-9_.]{0,61}[a-z0-9])?$/i);
        }
    });
});
