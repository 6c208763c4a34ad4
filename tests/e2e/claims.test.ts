/** Claims of other classes and of somebody else's: an order that never deadlocks, growth in place, one pod, files of others. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { follow, refused } from "./support/advice.ts";
import { messages, say } from "./support/app.ts";
import { deleteApiPod, get, kubectl, list } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("claims", () => {
    const stack = new TestStack("claims", {
        storageClass: "standard-wait",
        accessMode: "ReadWriteOncePod",
        crawlerContainers: 1,
    });
    const where = ["--namespace", stack.name];
    const claim = (name = "synergychat-api-pvc") => get(stack.name, "pvc", name);

    before(() => stack.create());
    after(() => stack.remove());

    describe("of a class that binds when a pod comes", () => {
        it("do not keep up waiting", async () => {
            await stack.up();
            assert.equal((await claim()).status.phase, "Bound");
            await say(stack, "one writer");
            assert.deepEqual(await messages(stack), ["one writer"]);
        });

        it("of the access mode ReadWriteOncePod, keep a second pod from starting, on the same node too", async () => {
            const { spec } = (await get(stack.name, "deployment", "synergychat-api")).spec.template;
            const second = { apiVersion: "v1", kind: "Pod", metadata: { name: "second" }, spec };
            const overrides = `--overrides=${JSON.stringify(second)}`;
            await kubectl("run", "second", ...where, `--image=${spec.containers[0].image}`, overrides);
            const unscheduled = "--for=jsonpath={.status.conditions[?(@.type=='PodScheduled')].reason}";
            await kubectl("wait", "pod/second", ...where, `${unscheduled}=Unschedulable`, "--timeout=60s");
            await kubectl("delete", "pod/second", ...where);
            await deleteApiPod(stack.name);
            assert.deepEqual(await messages(stack), ["one writer"]);
        });

        it("give their messages to a new one if somebody has deleted them, by the commands that are printed", async () => {
            const { uid } = (await claim()).metadata;
            await kubectl("delete", "pvc", "synergychat-api-pvc", "--wait=false", ...where);
            const text = await refused(stack, "claim-terminating");
            await follow(stack, text, "claim-terminating", "Move the messages");
            assert.notEqual((await claim()).metadata.uid, uid);
            assert.deepEqual(await messages(stack), ["one writer"]);
        });

        it("do not keep up waiting either if their pod is there first", async () => {
            await kubectl("delete", "pvc", "synergychat-api-pvc", "--wait=false", ...where);
            await kubectl("delete", "pod", "--selector=app=synergychat-api", ...where);
            await kubectl("wait", "--for=delete", "pvc/synergychat-api-pvc", "--timeout=60s", ...where);
            assert.deepEqual(codesIn(await stack.up()), ["recorded-claim-lost"]);
            assert.equal((await claim()).status.phase, "Bound");
            assert.deepEqual(await messages(stack), []);
        });

        it("are replaced by one of another class and access mode, the pod first, the new claim empty", async () => {
            await say(stack, "discarded");
            const before = (await claim()).metadata.uid;
            stack.edit({
                storageClass: "standard-expandable",
                accessMode: undefined,
                discardClaim: before,
            });
            await stack.up();
            const after = await claim();
            assert.notEqual(after.metadata.uid, before);
            assert.equal(after.spec.storageClassName, "standard-expandable");
            assert.deepEqual(after.spec.accessModes, ["ReadWriteOnce"]);
            assert.equal(after.status.phase, "Bound");
            assert.deepEqual(await messages(stack), []);
        });
    });

    describe("of a class that lets them grow", () => {
        it("grow in place, with their messages", async () => {
            await say(stack, "still here");
            const before = (await claim()).metadata.uid;
            stack.edit({ storageSize: "2Gi" });
            await stack.up();
            const after = await claim();
            assert.equal(after.metadata.uid, before);
            assert.equal(after.spec.resources.requests.storage, "2Gi");
            const grown = "--for=jsonpath={.status.capacity.storage}=2Gi";
            await kubectl("wait", grown, "pvc/synergychat-api-pvc", ...where, "--timeout=30s");
            assert.deepEqual(await messages(stack), ["still here"]);
        });
    });

    describe("of somebody else's", () => {
        const support = join(import.meta.dirname, "support");

        /** Runs a command on the claim, as another user than the api's. */
        async function asOtherUser(command: string): Promise<void> {
            const pod = parse(readFileSync(join(support, "other-user.yaml"), "utf8"));
            pod.spec.containers[0].args = [command];
            const { image } = pod.spec.containers[0];
            const overrides = `--overrides=${JSON.stringify(pod)}`;
            await kubectl("run", "other-user", ...where, `--image=${image}`, overrides);
            const succeeded = "--for=jsonpath={.status.phase}=Succeeded";
            await kubectl("wait", "pod/other-user", ...where, succeeded, "--timeout=90s");
            await kubectl("delete", "pod/other-user", ...where);
        }

        it("are refused before anything changes if the api could not use the file", async () => {
            await kubectl("create", ...where, "--filename", join(support, "claim.yaml"));
            stack.edit({
                existingClaim: "brought-along",
                storageClass: undefined,
                storageSize: undefined,
                discardClaim: (await claim()).metadata.uid,
            });
            await asOtherUser("umask 077 && echo [] > /data/db.json");
            const before = (await get(stack.name, "deployment", "synergychat-api")).metadata;
            const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
            assert.notEqual(status, 0, text);
            assert.deepEqual(codesIn(text), ["existing-claim-file-unusable"]);
            const after = (await get(stack.name, "deployment", "synergychat-api")).metadata;
            assert.equal(after.generation, before.generation);
            assert.deepEqual(await list(stack.name, "job"), []);
        });

        it("are used and, on a switch to ephemeral and in a destroy, left alone", async () => {
            await asOtherUser("chmod 666 /data/db.json");
            await stack.up();
            await say(stack, "mine");
            const { uid } = (await claim("brought-along")).metadata;
            stack.edit({ storageMode: "ephemeral" });
            await stack.up();
            assert.equal((await claim("brought-along")).status.phase, "Bound");
            await stack.run("destroy", "--yes", "--skip-preview");
            assert.equal((await claim("brought-along")).metadata.uid, uid);
            stack.edit({ storageMode: "persistent" });
            await stack.up();
            assert.deepEqual(await messages(stack), ["mine"]);
        });
    });
});
