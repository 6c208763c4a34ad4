/** What happens to messages on ephemeral storage: the rows of docs/data-safety.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { codesIn } from "./support/findings.ts";
import { crash, evict } from "./support/pods.ts";
import { TestStack } from "./support/stack.ts";

describe("the messages on ephemeral storage", () => {
    const stack = new TestStack("data-ephemeral", { storageMode: "ephemeral", crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    it("stay when the container crashes", async () => {
        await say(stack, "one");
        await crash(stack);
        assert.deepEqual(await messages(stack), ["one"]);
    });

    it("go when the node is drained", async () => {
        await evict(stack);
        assert.deepEqual(await messages(stack), []);
    });

    it("go when another pull policy replaces the pod, which says so", async () => {
        await say(stack, "two");
        stack.edit({ imagePullPolicy: "Never" });
        assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
        assert.deepEqual(await messages(stack), []);
    });

    it("go on a plain switch to persistent storage, which says so", async () => {
        await say(stack, "three");
        stack.edit({ storageMode: "persistent" });
        assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
        assert.deepEqual(await messages(stack), []);
    });
});
