/** `npm run verify` on a live stack: it follows the chapter, does no harm, and fails when a promise is broken. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { kubectl, list } from "./support/cluster.ts";
import { TestStack } from "./support/stack.ts";
import { verify } from "./support/verify.ts";

describe("npm run verify", () => {
    const stack = new TestStack("verify", { storageMode: "ephemeral", crawlerContainers: 2 });

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    it("passes all of it with ephemeral storage, and leaves nothing behind but what was there", async () => {
        await say(stack, "mine");
        const report = await verify(stack);
        assert.equal(report.status, 0, JSON.stringify(report));
        assert.deepEqual([report.failed, report.skipped], [0, 0]);
        assert.ok(report.checks.some(({ seen }) => /^1 written, 0 there .* 0 promised/.test(seen)));
        assert.deepEqual(await messages(stack), ["mine"]);
        const left = await kubectl(
            "get",
            "pods,pvc",
            "--namespace",
            stack.name,
            "--selector=app=synergychat-verify",
        );
        assert.equal(left, "");
    });

    it("proves persistent storage, and writes no message of its own", async () => {
        stack.edit({ storageMode: "persistent" });
        await stack.up();
        await say(stack, "kept");
        const report = await verify(stack);
        assert.equal(report.status, 0, JSON.stringify(report));
        assert.deepEqual([report.failed, report.skipped], [0, 0]);
        assert.ok(report.checks.some(({ seen }) => /^1 written, 1 there .* 1 promised/.test(seen)));
        assert.deepEqual(await messages(stack), ["kept"]);
        assert.equal((await list(stack.name, "pvc")).length, 1);
    });

    it("fails when the api's volume is exchanged for one that dies with its pod", async () => {
        const volumes = [{ name: "synergychat-api-volume", persistentVolumeClaim: null, emptyDir: {} }];
        const patch = JSON.stringify({ spec: { template: { spec: { volumes } } } });
        const deployment = ["deployment/synergychat-api", "--namespace", stack.name];
        await kubectl("patch", ...deployment, `--patch=${patch}`);
        await kubectl("rollout", "status", ...deployment, "--timeout=90s");
        const report = await verify(stack);
        assert.equal(report.status, 1);
        assert.deepEqual(
            report.checks.filter((one) => one.result === "failed").map(({ seen }) => seen),
            [
                "the api mounts none",
                "emptyDir at /persist with persistent storage, and API_DB_FILEPATH is /persist/db.json",
                "1 written, 0 there after the pod was replaced, 1 promised by persistent storage",
            ],
        );
    });
});
