/** A rollout that cannot succeed: `npm run up` ends with what the pod says, and taking the change back repairs the stack. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("a rollout that cannot succeed", () => {
    const stack = new TestStack("rollout", { crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "kept");
    });
    after(() => stack.remove());

    it("fails with the pod's own reason if an image does not exist", async () => {
        stack.edit({ images: { api: "bootdotdev/synergychat-api:no-such-tag" } });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["pod-cannot-start"]);
        assert.match(text, /no-such-tag/);
    });

    it("is repaired by the earlier image, with all messages", async () => {
        stack.edit({ images: undefined });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 0, text);
        assert.deepEqual(await messages(stack), ["kept"]);
    });
});
