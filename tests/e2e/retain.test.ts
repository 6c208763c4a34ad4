/** retainData: claim, volume and messages outlive the stack and every switch, and are found again. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { get } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("retained data", () => {
    const stack = new TestStack("retain", { retainData: true, crawlerContainers: 1 });
    const claim = async () => get(stack.name, "pvc", "synergychat-api-pvc");

    before(() => stack.create());
    after(async () => {
        stack.edit({ retainData: false, storageMode: "persistent" });
        await stack.up();
        await stack.remove();
    });

    it("stays on a switch to ephemeral, and is there again on the way back", async () => {
        await stack.up();
        await say(stack, "kept");
        const before = (await claim()).metadata.uid;
        stack.edit({ storageMode: "ephemeral" });
        assert.deepEqual(codesIn(await stack.up()), ["kept-claim-not-mounted"]);
        assert.deepEqual(await messages(stack), []);
        assert.equal((await claim()).metadata.uid, before);
        stack.edit({ storageMode: "persistent" });
        await stack.up();
        assert.deepEqual(await messages(stack), ["kept"]);
    });

    it("stays on a destroy, and the next up picks it up without an import", async () => {
        const before = (await claim()).metadata.uid;
        await stack.run("destroy", "--yes", "--skip-preview");
        const kept = await claim();
        assert.equal(kept.metadata.uid, before);
        assert.equal(kept.status.phase, "Bound");
        assert.equal(await get(stack.name, "deployment", "synergychat-api"), undefined);
        assert.deepEqual(codesIn(await stack.up()), ["claim-reattached"]);
        assert.equal((await claim()).metadata.uid, before);
        assert.deepEqual(await messages(stack), ["kept"]);
        assert.deepEqual(codesIn(await stack.up("--expect-no-changes")), []);
    });
});
