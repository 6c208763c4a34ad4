/**
 * When `up` returns, the app runs. If it cannot, `up` ends with what the pod says, and taking the change back repairs the
 * stack.
 */
import { strict as assert } from "node:assert";
import { isComplete } from "../../preflight/rollout.ts";
import { messages, say } from "./support/app.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("a rollout", () => {
    const stack = new TestStack("rollout", { crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "kept");
    });
    after(() => stack.remove());

    it("has ended when plain pulumi up returns, although Recreate leaves a moment without a pod", async () => {
        stack.edit({ imagePullPolicy: "Never" });
        await stack.up();
        assert.ok(isComplete(await get(stack.name, "deployment", "synergychat-api")));
    });

    it("fails with the pod's own reason if an image does not exist", async () => {
        stack.edit({ images: { api: "bootdotdev/synergychat-api:no-such-tag" } });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["pod-cannot-start"]);
        assert.match(text, /no-such-tag/);
    });

    it("fails with the reason of the cluster if it refuses the pods", async () => {
        stack.edit({ images: undefined, webReplicas: 5 });
        await kubectl("create", "quota", "small", "--hard=pods=4", "--namespace", stack.name);
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["pods-not-created"]);
        assert.match(text, /exceeded quota: small/);
        await kubectl("delete", "quota", "small", "--namespace", stack.name);
        stack.edit({ webReplicas: stack.original("webReplicas") });
    });

    it("is repaired by the earlier image, with all messages", async () => {
        stack.edit({ images: undefined });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 0, text);
        assert.deepEqual(await messages(stack), ["kept"]);
    });
});
