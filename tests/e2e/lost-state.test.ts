/** A stack whose state is lost, while its objects are in the cluster. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { get } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
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

    it("is taken over with the same config", async () => {
        const before = await uid();
        await loseState();
        await stack.up();
        assert.equal(await uid(), before);
        assert.deepEqual(await messages(stack), ["one", "two"]);
        await stack.up("--expect-no-changes");
    });

    it("is taken over with another config, of which nothing is mixed with the former one", async () => {
        const before = await uid();
        await loseState();
        stack.edit({ storageMode: "persistent" });
        assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
        const { metadata, spec } = await get(name, "deployment", "synergychat-api");
        assert.equal(metadata.uid, before);
        const volume = {
            name: "synergychat-api-volume",
            persistentVolumeClaim: { claimName: "synergychat-api-pvc" },
        };
        assert.deepEqual(spec.template.spec.volumes, [volume]);
        await stack.up("--expect-no-changes");
    });
});
