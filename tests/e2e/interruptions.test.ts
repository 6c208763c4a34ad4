/**
 * Commands killed in the middle, each followed by the one command that recovers: tests/soak has the full count. When `up`
 * returns, the app runs. If it cannot, `up` ends with what the pod says, and taking the change back repairs the stack.
 */
import { strict as assert } from "node:assert";
import { isComplete } from "../../preflight/rollout.ts";
import { messages, say } from "./support/app.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { folders, interrupt, nothingLeft, recover, seeded } from "./support/interruptions.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("an update that is killed, or that fails", () => {
    const stack = new TestStack("interruptions", { crawlerContainers: 1 });
    const where = ["--namespace", stack.name];
    const seen = new Set<string>();
    let random: () => number;

    before(async () => {
        random = seeded();
        await stack.create();
    });
    after(() => stack.remove());

    it("is taken up by npm run up after the kill of a pulumi up", async () => {
        await interrupt(stack, { command: "up", victim: "pulumi" }, random);
        assert.match(await recover("up", stack), /SynergyChat is up/);
        await say(stack, "kept");
    });

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
        await kubectl("create", "quota", "small", "--hard=pods=4", ...where);
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["pods-not-created"]);
        assert.match(text, /exceeded quota: small/);
        await kubectl("delete", "quota", "small", ...where);
    });

    it("is repaired by the earlier config, with all messages", async () => {
        stack.edit({ webReplicas: stack.original("webReplicas") });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 0, text);
        assert.deepEqual(await messages(stack), ["kept"]);
        (await folders(stack)).forEach((folder) => seen.add(folder));
    });

    it("leaves nothing if npm run down goes on after the kill of a pulumi destroy", async () => {
        await interrupt(stack, { command: "destroy", victim: "pulumi" }, random);
        await recover("down", stack);
        await nothingLeft(stack, seen);
    });

    it("is taken up by pulumi up after the kill of its provider", async () => {
        await interrupt(stack, { command: "up", victim: "provider" }, random);
        await stack.up();
        await stack.up("--expect-no-changes");
    });
});
