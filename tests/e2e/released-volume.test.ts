/** Volumes that stay without their claims, as on minikube after a restart: whoever gives up or makes a claim is told. */
import { strict as assert } from "node:assert";
import { messages, say } from "./support/app.ts";
import { get, kubectl, until } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("a volume whose provisioner ignores it", () => {
    const stack = new TestStack("released-volume", { crawlerContainers: 1 });
    const volumes: string[] = [];

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "old");
    });
    after(async () => {
        await giveBack();
        await stack.remove();
    });

    const annotate = (volume: string, provisioner: string) =>
        kubectl("annotate", "pv", volume, "--overwrite", `pv.kubernetes.io/provisioned-by=${provisioner}`);

    /** The sandbox's provisioner leaves the claim's volume alone from now on, as minikube's does after a restart. */
    async function ignore(): Promise<string> {
        const { spec } = await get(stack.name, "pvc", "synergychat-api-pvc");
        const volume = spec.volumeName as string;
        volumes.push(volume);
        await annotate(volume, "k8s.io/minikube-hostpath-before");
        return volume;
    }

    /** Lets the provisioner delete what it ignored. */
    async function giveBack(): Promise<void> {
        for (const volume of volumes.splice(0)) {
            await annotate(volume, "k8s.io/minikube-hostpath");
            await until(`volume ${volume} is deleted`, async () => !(await get("", "pv", volume)));
        }
    }

    it("is named by a switch to ephemeral storage, with the command that deletes it", async () => {
        const volume = await ignore();
        const { status, text } = await operation("switch", stack, ["ephemeral"]);
        assert.equal(status, 0, text);
        assert.deepEqual(codesIn(text), ["released-volume-has-old-data"]);
        assert.match(text, new RegExp(`kubectl --context minikube delete pv ${volume}`));
        assert.equal((await get("", "pv", volume)).status.phase, "Released");
        assert.deepEqual(await messages(stack), ["old"]);
    });

    it("is named before a new claim would get its messages", async () => {
        stack.edit({ storageMode: "persistent" });
        const { status, text } = await stack.pulumi("preview");
        assert.equal(status, 0, text);
        assert.ok(codesIn(text).includes("released-volume-has-old-data"), text);
    });

    it("is named by an up that deletes its claim", async () => {
        await stack.up();
        const volume = await ignore();
        const { uid } = (await get(stack.name, "pvc", "synergychat-api-pvc")).metadata;
        stack.edit({ storageMode: "ephemeral", discardClaim: uid });
        const { status, text } = await operation("up", stack, ["--yes"]);
        stack.edit({ discardClaim: undefined });
        assert.equal(status, 0, text);
        assert.match(text, new RegExp(`kubectl --context minikube delete pv ${volume}`));
    });

    it("is listed by down, which succeeds only once it is gone", async () => {
        const [first = "", second = ""] = volumes;
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.deepEqual([...new Set(codesIn(text))], ["volume-ignored-by-minikube"]);
        for (const volume of [first, second]) {
            assert.match(text, new RegExp(`left {2}volume ${volume}`));
            assert.match(text, new RegExp(`kubectl --context minikube delete pv ${volume}`));
        }
        await giveBack();
        const again = await operation("down", stack, ["--yes"]);
        assert.equal(again.status, 0, again.text);
    });
});
