/** What happens to messages on ephemeral storage: the rows of docs/data-safety.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { apiRolledOut, get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { apiPod, crash, evict } from "./support/pods.ts";
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

    it("stay, without a warning, if other parts change", async () => {
        await say(stack, "two");
        const { uid } = (await apiPod(stack)).metadata;
        stack.edit({ webReplicas: 2, crawlerKeywords: ["tea"] });
        assert.deepEqual(codesIn(await stack.up()), []);
        assert.equal((await apiPod(stack)).metadata.uid, uid);
        assert.deepEqual(await messages(stack), ["two"]);
    });

    it("go, with a warning before, if a refresh takes back what somebody changed by hand", async () => {
        const deployment = ["deployment/synergychat-api", "--namespace", stack.name];
        await kubectl("set", "resources", ...deployment, "--limits=memory=300Mi");
        await apiRolledOut(stack.name);
        await say(stack, "written since");
        for (const command of [
            ["preview", "--refresh"],
            ["up", "--yes", "--refresh", "--skip-preview"],
        ]) {
            const text = await stack.run(...command);
            assert.deepEqual(codesIn(text), ["ephemeral-messages-would-be-lost"], text);
            assert.match(text, /resources\.limits\.memory/);
        }
        const { spec } = await get(stack.name, "deployment", "synergychat-api");
        assert.equal(spec.template.spec.containers[0].resources.limits.memory, "256Mi");
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
