/** A stack whose state is lost, while its objects are in the cluster. */
import { strict as assert } from "node:assert";
import { configure, follow, refused } from "./support/advice.ts";
import { messages, say } from "./support/app.ts";
import { get } from "./support/cluster.ts";
import { TestStack } from "./support/stack.ts";

describe("a stack whose state is lost", () => {
    const stack = new TestStack("lost-state", { storageMode: "ephemeral", crawlerContainers: 1 });
    const { name } = stack;
    const uid = async () => (await get(name, "deployment", "synergychat-api")).metadata.uid as string;

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    async function loseState(): Promise<void> {
        await stack.run("stack", "rm", name, "--force", "--yes", "--preserve-config");
        await stack.run("stack", "init", name, "--no-select");
    }

    it("is not mixed with another config, and is taken over as it is, with its messages", async () => {
        const before = await uid();
        await loseState();
        configure(stack, { storageMode: "persistent" });
        const text = await refused(stack, "object-of-earlier-run");
        assert.equal(await uid(), before);
        await follow(stack, text, "object-of-earlier-run", "Take it over as it is");
        assert.deepEqual(await messages(stack), ["one", "two"]);
        await stack.up("--expect-no-changes");
    });

    it("is taken over with the same config", async () => {
        const before = await uid();
        await loseState();
        await stack.up();
        assert.equal(await uid(), before);
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });
});
