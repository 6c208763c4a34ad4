/** Claims of other classes: an order that never deadlocks, growth in place, a claim that is somebody else's. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { messages, say } from "./support/app.ts";
import { deleteApiPod, get, kubectl, list } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

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

        it("do not keep up waiting either if their pod is there first", async () => {
            const where = ["--namespace", stack.name];
            await kubectl("delete", "pvc", claim, "--wait=false", ...where);
            await kubectl("delete", "pod", "--selector=app=synergychat-api", ...where);
            await kubectl("wait", "--for=delete", `pvc/${claim}`, "--timeout=60s", ...where);
            assert.deepEqual(codesIn(await stack.up()), ["recorded-claim-lost"]);
            assert.equal((await get(stack.name, "pvc", claim)).status.phase, "Bound");
            assert.deepEqual(await messages(stack), []);
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

    describe("of the access mode ReadWriteOncePod", () => {
        const stack = new TestStack("one-pod", { accessMode: "ReadWriteOncePod", crawlerContainers: 1 });

        before(() => stack.create());
        after(() => stack.remove());

        it("keep a second pod from starting, on the same node too", async () => {
            await stack.up();
            await say(stack, "one writer");
            const { spec } = (await get(stack.name, "deployment", "synergychat-api")).spec.template;
            const second = { apiVersion: "v1", kind: "Pod", metadata: { name: "second" }, spec };
            const overrides = `--overrides=${JSON.stringify(second)}`;
            const where = ["--namespace", stack.name];
            await kubectl("run", "second", ...where, `--image=${spec.containers[0].image}`, overrides);
            const unscheduled = "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}";
            await kubectl("wait", "pod/second", ...where, `${unscheduled}=Unschedulable`, "--timeout=60s");
            await kubectl("delete", "pod/second", ...where);
            await deleteApiPod(stack.name);
            assert.deepEqual(await messages(stack), ["one writer"]);
        });

        it("are refused for others while they hold messages, and replaced if that is permitted", async () => {
            const { uid } = (await get(stack.name, "pvc", claim)).metadata;
            stack.edit({ accessMode: undefined });
            const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
            assert.notEqual(status, 0, text);
            assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
            stack.edit({ discardClaim: uid });
            await stack.up();
            const after = await get(stack.name, "pvc", claim);
            assert.notEqual(after.metadata.uid, uid);
            assert.deepEqual(after.spec.accessModes, ["ReadWriteOnce"]);
        });
    });

    describe("of somebody else's", () => {
        const stack = new TestStack("existing", { storageMode: "ephemeral" });

        before(() => stack.create());
        after(() => stack.remove());

        const where = ["--namespace", stack.name];
        const support = join(import.meta.dirname, "support");

        /** Runs a command on the claim, as another user than the api's. */
        async function asOtherUser(command: string): Promise<void> {
            const pod = parse(readFileSync(join(support, "other-user.yaml"), "utf8"));
            pod.spec.containers[0].args = [command];
            const { image } = pod.spec.containers[0];
            await kubectl(
                "run",
                "other-user",
                ...where,
                `--image=${image}`,
                `--overrides=${JSON.stringify(pod)}`,
            );
            const succeeded = "--for=jsonpath={.status.phase}=Succeeded";
            await kubectl("wait", "pod/other-user", ...where, succeeded, "--timeout=90s");
            await kubectl("delete", "pod/other-user", ...where);
        }

        async function upIsRefused(): Promise<void> {
            const before = (await get(stack.name, "deployment", "synergychat-api")).metadata;
            const { status, text } = await stack.pulumi("up", "--yes");
            assert.notEqual(status, 0, text);
            assert.deepEqual(codesIn(text), ["existing-claim-file-unusable"]);
            const after = (await get(stack.name, "deployment", "synergychat-api")).metadata;
            assert.equal(after.generation, before.generation);
            assert.deepEqual(await list(stack.name, "job"), []);
        }

        it("are refused before anything changes if the api could not use the file", async () => {
            await stack.up();
            await kubectl("create", ...where, "--filename", join(support, "claim.yaml"));
            stack.edit({ storageMode: "persistent", existingClaim: "brought-along" });
            await asOtherUser("mkdir /data/db.json");
            await upIsRefused();
            await asOtherUser("rmdir /data/db.json && umask 077 && echo [] > /data/db.json");
            await upIsRefused();
        });

        it("are used and, on a switch to ephemeral, left alone", async () => {
            await asOtherUser("chmod 666 /data/db.json");
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
