/** Ephemeral messages are lost with their pod. Whatever replaces the pod is announced, and nothing else is. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { apiRolledOut, get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

const lost = ["ephemeral-messages-would-be-lost"];

describe("the api's pod on ephemeral storage", () => {
    const stack = new TestStack("pod-changes", { storageMode: "ephemeral", crawlerContainers: 1 });

    before(() => stack.create());
    beforeEach(async () => {
        await stack.up("--refresh");
        await say(stack, "kept?");
    });
    after(() => stack.remove());

    async function podUid(): Promise<string> {
        await apiRolledOut(stack.name);
        const pods = JSON.parse(
            await kubectl(
                "get",
                "pods",
                "--namespace",
                stack.name,
                "--selector=app=synergychat-api",
                "--output=json",
            ),
        ) as { items: { metadata: { uid: string; deletionTimestamp?: string } }[] };
        return pods.items.find(({ metadata }) => !metadata.deletionTimestamp)?.metadata.uid ?? assert.fail();
    }

    /** Changes the live Deployment as a person would. The new pod starts empty, so there is a new message. */
    async function setMemoryLimit(limit: string): Promise<void> {
        const where = ["deployment/synergychat-api", "--namespace", stack.name];
        await kubectl("set", "resources", ...where, `--limits=memory=${limit}`);
        await apiRolledOut(stack.name);
        await say(stack, "written since");
    }

    it("stays, without a warning, if nothing changes or if other parts change", async () => {
        const uid = await podUid();
        assert.deepEqual(codesIn(await stack.run("preview", "--refresh")), []);
        stack.edit({ webReplicas: 2, crawlerKeywords: ["tea"] });
        assert.deepEqual(codesIn(await stack.up()), []);
        assert.equal(await podUid(), uid);
        assert.ok((await messages(stack)).includes("kept?"));
        stack.edit({ webReplicas: 1, crawlerKeywords: undefined });
    });

    it("is replaced, with a warning before, if a refresh takes back what somebody changed by hand", async () => {
        await setMemoryLimit("300Mi");
        for (const command of [
            ["preview", "--refresh"],
            ["up", "--yes", "--refresh", "--skip-preview"],
        ]) {
            const text = await stack.run(...command);
            assert.deepEqual(codesIn(text), lost, text);
            assert.match(text, /resources\.limits\.memory/);
        }
        const { spec } = await get(stack.name, "deployment", "synergychat-api");
        assert.equal(spec.template.spec.containers[0].resources.limits.memory, "256Mi");
        assert.deepEqual(await messages(stack), []);
    });

    it("is announced before a change of the program replaces it", async () => {
        stack.edit({ imagePullPolicy: "Never" });
        assert.deepEqual(codesIn(await stack.run("preview")), lost);
        stack.edit({ imagePullPolicy: undefined });
        assert.deepEqual(codesIn(await stack.run("preview")), []);
    });
});
