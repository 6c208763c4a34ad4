/** What somebody deleted comes back with the next `pulumi up`, and what is protected stays. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { get, kubectl, versions } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("a stack whose objects somebody deletes", () => {
    const stack = new TestStack("recreation", { crawlerContainers: 1 });
    const namespace = stack.name;

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    it("creates again what somebody deleted, and previews it", async () => {
        const deleted = ["service/crawler-service", "ingress/app-ingress", "deployment/synergychat-web"];
        await kubectl("delete", ...deleted, "--namespace", namespace);
        assert.match(await stack.run("preview"), /3 to create/);
        // With a change of its own, Pulumi could take the object for one to update.
        stack.edit({ webReplicas: 2 });
        await stack.up();
        for (const what of deleted) {
            const [kind = "", name = ""] = what.split("/");
            assert.ok(await get(namespace, kind, name), what);
        }
        stack.edit({ webReplicas: stack.original("webReplicas") });
        await stack.up();
        await stack.run("preview", "--expect-no-changes");
    });

    for (const what of [`persistentvolumeclaim/synergychat-api-pvc`, `namespace/${namespace}`]) {
        it(`creates ${what} again if somebody deleted it, and warns that the messages are gone`, async () => {
            const within = what.startsWith("namespace") ? [] : ["--namespace", namespace];
            if (within.length > 0) {
                // A pod that mounts the claim keeps it from being deleted.
                await kubectl("delete", "deployment", "synergychat-api", ...within);
            }
            await kubectl("delete", what, ...within);
            assert.deepEqual(codesIn(await stack.run("preview")), ["recorded-claim-lost"]);
            assert.deepEqual(codesIn(await stack.up()), ["recorded-claim-lost"]);
            assert.deepEqual(await messages(stack), []);
            await say(stack, "three");
            assert.deepEqual(codesIn(await stack.up("--expect-no-changes")), []);
        });
    }

    it("refuses a destroy with protectData, until that is taken back", async () => {
        stack.edit({ protectData: true });
        await stack.up();
        const before = await versions(namespace);
        const { status, text } = await stack.pulumi("destroy", "--yes");
        assert.notEqual(status, 0);
        assert.match(text, /protect/);
        assert.deepEqual(await versions(namespace), before);
        assert.deepEqual(await messages(stack), ["three"]);
        stack.edit({ protectData: false });
        await stack.up();
    });
});
