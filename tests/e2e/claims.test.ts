/** Claims of other classes: an order that never deadlocks, growth in place, a claim that is somebody else's. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app";
import { get, kubectl } from "./support/cluster";
import { TestStack } from "./support/stack";

const claim = "synergychat-api-pvc";

describe("claims", () => {
    describe("of a class that binds when a pod comes", () => {
        const stack = new TestStack("wait", { storageClass: "standard-wait" });

        before(() => stack.create());
        after(() => stack.remove());

        it("do not keep up waiting", async () => {
            await stack.up();
            assert.equal((await get(stack.name, "pvc", claim)).status.phase, "Bound");
            await say(stack, "hello");
            assert.deepEqual(await messages(stack), ["hello"]);
        });

        it("are replaced by one of another class, the pod first, the new claim empty", async () => {
            const before = (await get(stack.name, "pvc", claim)).metadata.uid;
            stack.edit({ storageClass: "standard-expandable", discardClaim: before });
            await stack.up();
            const after = await get(stack.name, "pvc", claim);
            assert.notEqual(after.metadata.uid, before);
            assert.equal(after.spec.storageClassName, "standard-expandable");
            assert.equal(after.status.phase, "Bound");
            assert.deepEqual(await messages(stack), []);
        });

        it("grow in place where their class allows it, with their messages", async () => {
            await say(stack, "still here");
            const before = (await get(stack.name, "pvc", claim)).metadata.uid;
            stack.edit({ storageSize: "2Gi" });
            await stack.up();
            const after = await get(stack.name, "pvc", claim);
            assert.equal(after.metadata.uid, before);
            assert.equal(after.spec.resources.requests.storage, "2Gi");
            await kubectl(
                "wait",
                "--for=jsonpath={.status.capacity.storage}=2Gi",
                `pvc/${claim}`,
                "--namespace",
                stack.name,
                "--timeout=30s",
            );
            assert.deepEqual(await messages(stack), ["still here"]);
        });
    });

    describe("of somebody else's", () => {
        const stack = new TestStack("existing", { storageMode: "ephemeral" });

        before(() => stack.create());
        after(() => stack.remove());

        it("are used and, on a switch to ephemeral, left alone", async () => {
            await stack.up();
            await kubectl(
                "create",
                "--namespace",
                stack.name,
                "--filename",
                `${__dirname}/support/claim.yaml`,
            );
            stack.edit({ storageMode: "persistent", existingClaim: "brought-along" });
            await stack.up();
            await say(stack, "mine");
            stack.edit({ storageMode: "ephemeral" });
            await stack.up();
            assert.equal((await get(stack.name, "pvc", "brought-along")).status.phase, "Bound");
            stack.edit({ storageMode: "persistent" });
            await stack.up();
            assert.deepEqual(await messages(stack), ["mine"]);
        });
    });
});
