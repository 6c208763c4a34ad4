/** `npm run switch`: the messages come along, both ways, killed at any step or not. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { messages, say } from "./support/app";
import { get, kubectl, list } from "./support/cluster";
import { journal, operation } from "./support/operation";
import { TestStack } from "./support/stack";

describe("npm run switch", () => {
    const stack = new TestStack("switch", { storageMode: "ephemeral", crawlerContainers: 1 });
    const posts = Array.from({ length: 20 }, (_, index) => `message ${index + 1} «ä» "quoted" \\ <b>`);
    /** The texts that the api has: it answers the last one with its own below it. */
    let texts: readonly string[];

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, ...posts, "/stats love");
        texts = await messages(stack);
    });
    after(() => stack.remove());

    /** To its end; the config that the test writes from then on knows of it. */
    async function switchTo(mode: "persistent" | "ephemeral"): Promise<string> {
        const { status, text } = await operation("switch", stack, [mode]);
        assert.equal(status, 0, text);
        stack.edit({ storageMode: mode });
        return text;
    }

    const claim = () => get(stack.name, "pvc", "synergychat-api-pvc");

    it("says what it takes when the mode is none", async () => {
        const { status, text } = await operation("switch", stack, ["persistant"]);
        assert.equal(status, 2);
        assert.match(text, /The storage mode is "persistant": it must be persistent or ephemeral/);
    });

    it("takes the messages along to persistent storage, and proves it", async () => {
        const text = await switchTo("persistent");
        assert.match(text, /before {2}22 messages \((\w+)\)\n +after {3}22 messages \(\1\)/);
        assert.deepEqual(await messages(stack), texts);
        assert.equal((await claim()).status.phase, "Bound");
        assert.equal((await stack.outputs()).storageMode, "persistent");
        assert.equal(journal(), undefined);
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("has nothing to do a second time", async () => {
        assert.match(await switchTo("persistent"), /The storage of stack e2e-switch is persistent already/);
        assert.deepEqual(await messages(stack), texts);
    });

    it("takes them back to ephemeral storage, killed at every step on the way", async () => {
        const volume = (await claim()).spec.volumeName as string;
        for (const moment of [
            /1\/4 Taking/,
            /22 messages \(\w+\), in /,
            /discardClaim: /,
            /api-deployment updating/,
            /3\/4 Writing/,
        ]) {
            const { status, text } = await operation("switch", stack, ["ephemeral"], moment);
            assert.equal(status, null, text);
            await somewhere();
        }
        const text = await switchTo("ephemeral");
        assert.match(text, /Going on with a switch to ephemeral storage that was interrupted/);
        assert.deepEqual(await messages(stack), texts);
        assert.equal(await claim(), undefined);
        assert.equal(journal(), undefined);
        await kubectl("wait", "--for=delete", `pv/${volume}`, "--timeout=60s");
        // The config no longer names the claim that is gone.
        await stack.up("--refresh", "--expect-no-changes");
    });

    /** The messages are whole in one place at least: in the copy, or with the api. */
    async function somewhere(): Promise<void> {
        const copy = journal()?.copy;
        const found = copy ? copy.map(({ Text }) => Text) : await fromPod();
        assert.deepEqual(found, texts);
    }

    async function fromPod(): Promise<string[]> {
        const [pod] = await list(stack.name, "pod", "--selector=app=synergychat-api");
        const path = `/api/v1/namespaces/${stack.name}/pods/${pod.metadata.name as string}:8080/proxy/messages`;
        return (JSON.parse(await kubectl("get", `--raw=${path}`)) as { Text: string }[]).map(
            ({ Text }) => Text,
        );
    }

    it("goes back where it came from when it was killed on the way", async () => {
        const { status } = await operation("switch", stack, ["persistent"], /api-deployment updating/);
        assert.equal(status, null);
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
        assert.equal(await claim(), undefined);
    });

    it("goes back from a volume that no pod can use", async () => {
        const never = "e2e-never";
        await kubectl("create", "--filename", `${__dirname}/support/class.yaml`);
        try {
            stack.edit({ storageClass: never });
            // The second time it says what it waits for: by then the pod is another one.
            const waiting =
                /api-deployment updating[^\n]*\n[^]*api-deployment updating[^\n]*\n[^]*api-deployment updating/;
            const { status, text: killed } = await operation("switch", stack, ["persistent"], waiting);
            assert.equal(status, null, killed);
            assert.equal((await claim()).status.phase, "Pending");
            const text = await switchTo("ephemeral");
            assert.match(text, /The api has no pod that is ready, so the earlier copy is what there is/);
            assert.deepEqual(await messages(stack), texts);
            assert.equal(await claim(), undefined);
        } finally {
            await kubectl("delete", "storageclass", never);
            stack.edit({ storageClass: undefined });
        }
    });

    it("does not begin with a config that is wrong", async () => {
        stack.edit({ webReplicas: 0 });
        const { status, text } = await operation("switch", stack, ["persistent"]);
        assert.equal(status, 1, text);
        assert.match(text, /1 problem in the stack's config[^]*webReplicas is "0"/);
        assert.doesNotMatch(text, /Taking the api out/);
        stack.edit({ webReplicas: 1 });
    });

    it("puts all back by itself when pulumi up refuses, and nothing was changed", async () => {
        stack.edit({ storageClass: "nope" });
        const { status, text } = await operation("switch", stack, ["persistent"]);
        assert.equal(status, 1, text);
        assert.match(text, /storageClass is "nope": the cluster has no such storage class/);
        assert.match(text, /The storage was not changed: putting the api back/);
        assert.match(text, /Everything is as it was before\.$/m);
        assert.equal(journal(), undefined);
        assert.match(readFileSync(`Pulumi.${stack.name}.yaml`, "utf8"), /storageMode: ephemeral/);
        assert.deepEqual(await messages(stack), texts);
        stack.edit({ storageClass: undefined });
    });

    it("does not begin where another machine's has begun, and says where its journal is", async () => {
        await operation("switch", stack, ["persistent"], /messages \(\w+\), in /);
        const { metadata } = await get(stack.name, "service", "api-service");
        const where = metadata.annotations["synergychat/switch-journal"] as string;
        assert.match(where, new RegExp(`^${hostname()}:/.*\\.json$`));
        const other = await operation("switch", stack, ["ephemeral"], undefined, {
            XDG_DATA_HOME: __dirname,
        });
        assert.equal(other.status, 1, other.text);
        assert.ok(
            other.text.includes(
                `begun elsewhere and is not complete. Its journal, with the messages: ${where}`,
            ),
        );
        const [, patch = ""] =
            /^kubectl (patch .*)'$/m.exec(other.text.replaceAll("--patch='", "--patch=")) ?? [];
        await kubectl(...patch.split(" "));
        assert.deepEqual(await messages(stack), texts);
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
    });

    it("lets nobody post before its end, not even after a refresh halfway", async () => {
        await operation("switch", stack, ["persistent"], /config set storageMode/);
        await stack.pulumi("cancel", "--yes"); // where the kill left a lock
        await stack.must("refresh", "--yes", "--skip-preview");
        const { status, text } = await operation("switch", stack, ["persistent"], /3\/4 Writing/);
        assert.equal(status, null, text);
        const { spec } = await get(stack.name, "service", "api-service");
        assert.ok("synergychat/out-of-service" in spec.selector, JSON.stringify(spec.selector));
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
    });

    it("adds to what a kept claim holds, and keeps that claim", async () => {
        stack.edit({ storageMode: "persistent", retainData: true });
        await stack.up();
        await say(stack, "from before");
        const { uid } = (await claim()).metadata;
        stack.edit({ storageMode: "ephemeral" });
        await stack.up();
        await say(stack, "since then");
        await switchTo("persistent");
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        assert.equal((await claim()).metadata.uid, uid);
        stack.edit({ storageMode: "persistent", retainData: false });
        await stack.up();
    });

    it("does not begin while the claim may not go", async () => {
        stack.edit({ protectData: true });
        await stack.up();
        const { status, text } = await operation("switch", stack, ["ephemeral"]);
        assert.equal(status, 1);
        assert.match(text, /protectData is set, so the claim cannot go/);
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        assert.equal(journal(), undefined);
        stack.edit({ protectData: false });
        await stack.up();
    });

    describe("where the api's image has no shell", () => {
        before(async () => {
            stack.edit({ images: { api: "bootdotdev/synergychat-api:without-shell" } });
            await stack.up();
            await say(stack, "/stats love");
        });

        it("leaves a chat with /stats as it was, and says why", async () => {
            const before = await messages(stack);
            const { status, text } = await operation("switch", stack, ["ephemeral"]);
            assert.equal(status, 1, text);
            assert.match(text, /begin with \/stats, the first is "\/stats love"/);
            assert.notEqual(await claim(), undefined);
            assert.deepEqual(await messages(stack), before);
            assert.equal(journal(), undefined);
        });

        it("posts the messages again, both ways, killed on the way or not", async () => {
            stack.edit({ storageMode: "ephemeral", discardClaim: (await claim()).metadata.uid });
            await stack.up();
            await say(stack, ...posts);
            const { status } = await operation("switch", stack, ["persistent"], /3\/4 Writing/);
            assert.equal(status, null);
            await switchTo("persistent");
            assert.deepEqual(await messages(stack), posts);
            await switchTo("ephemeral");
            assert.deepEqual(await messages(stack), posts);
            assert.equal(await claim(), undefined);
        });
    });
});
