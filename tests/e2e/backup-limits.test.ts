/** Backups that the cluster does not let happen: each ends with its reason, and the messages stay. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("a backup that the cluster does not let happen", () => {
    const never = "e2e-backups-never";
    const stack = new TestStack("backups-limits", {
        storageMode: "ephemeral",
        storageClass: never,
        backupSchedule: "0 3 1 1 *",
        crawlerContainers: 1,
    });
    const where = ["--namespace", stack.name];

    before(async () => {
        await kubectl("apply", "--filename", `${import.meta.dirname}/support/class-of-backups.yaml`);
        await stack.create();
        await stack.up();
        await say(stack, "one");
    });
    after(async () => {
        await stack.remove();
        await kubectl("delete", "storageclass", never);
    });

    async function fails(reason: RegExp): Promise<void> {
        const { status, text } = await operation("backup", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["backup-not-made"]);
        assert.match(text, reason);
        assert.deepEqual(await messages(stack), ["one"]);
    }

    it("names the claim that is never bound", async () => {
        await fails(/synergychat-api-backups-pvc is not bound/);
    });

    it("names the quota", async () => {
        await kubectl("create", "quota", "none", "--hard=count/jobs.batch=0", ...where);
        await fails(/exceeded quota: none/);
    });
});
