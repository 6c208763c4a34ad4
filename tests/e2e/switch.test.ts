/** `npm run switch`: it moves the messages, both ways, killed or not. tests/unit/operations kills it at every moment. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { ask, messages, say } from "./support/app.ts";
import { get, kubectl, list } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { journal, operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("npm run switch", function () {
    this.timeout(600_000); // some tests run the command four times

    const stack = new TestStack("switch", { storageMode: "ephemeral", crawlerContainers: 1 });
    const posts = Array.from({ length: 20 }, (_, index) => `message ${index + 1} ä€ "quoted" \\ <b>`);
    /** The texts that the api has: it answers the last one with its own below it. */
    let texts: readonly string[];

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, ...posts, "/stats love");
        texts = await messages(stack);
    });
    after(() => stack.remove());

    /** Runs the switch to its end. The config that the test writes from then on has the new mode. */
    async function switchTo(mode: "persistent" | "ephemeral"): Promise<string> {
        const { status, text, stdout } = await operation("switch", stack, [mode, "--json"]);
        assert.equal(status, 0, text);
        assert.equal((JSON.parse(stdout) as { storageMode: string }).storageMode, mode);
        stack.edit({ storageMode: mode });
        return text;
    }

    const claim = () => get(stack.name, "pvc", "synergychat-api-pvc");

    /** UIDs of the api's pods: a switch that changes nothing leaves them. */
    async function pods(): Promise<string[]> {
        const found = await list(stack.name, "pod", "--selector=app=synergychat-api");
        return found.map(({ metadata }) => metadata.uid as string);
    }

    async function isInService(): Promise<boolean> {
        const { spec } = await get(stack.name, "service", "api-service");
        return !("synergychat/out-of-service" in spec.selector);
    }

    it("exits with status 2 if the mode is neither of the two", async () => {
        const { status, text } = await operation("switch", stack, ["persistant"]);
        assert.equal(status, 2);
        assert.ok(text.includes('"persistant"'), text);
    });

    it("moves the messages to persistent storage, and ends when the api answers from outside", async () => {
        const text = await switchTo("persistent");
        assert.equal((await ask(stack, stack.apiHost, "/messages")).status, 200);
        const fingerprints = [...text.matchAll(/22 messages \((\w+)\)/g)].map(
            ([, fingerprint]) => fingerprint,
        );
        assert.equal(fingerprints.length, 3, text);
        assert.equal(new Set(fingerprints).size, 1, text);
        assert.deepEqual(await messages(stack), texts);
        assert.equal((await claim()).status.phase, "Bound");
        assert.equal((await stack.outputs()).storageMode, "persistent");
        assert.equal(journal(), undefined);
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("changes nothing a second time", async () => {
        const before = await pods();
        await switchTo("persistent");
        assert.deepEqual(await pods(), before);
        assert.deepEqual(await messages(stack), texts);
    });

    it("moves them back to ephemeral storage, killed on the way, and deletes the claim only then", async () => {
        const volume = (await claim()).spec.volumeName as string;
        for (const moment of [/api-deployment updating/, /^5\/6/m]) {
            const { status, text } = await operation("switch", stack, ["ephemeral"], moment);
            assert.equal(status, null, text);
            assert.equal((await claim()).metadata.deletionTimestamp, undefined);
            assert.deepEqual(
                journal()?.copy?.map(({ Text }) => Text),
                texts,
            );
        }
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
        assert.equal(await claim(), undefined);
        assert.equal(journal(), undefined);
        await kubectl("wait", "--for=delete", `pv/${volume}`, "--timeout=60s");
        // The config no longer names the claim that is gone.
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("goes back from a volume that no pod can use", async () => {
        const never = "e2e-never";
        await kubectl("apply", "--filename", `${import.meta.dirname}/support/class.yaml`);
        try {
            stack.edit({ storageClass: never });
            // The second time it says what it waits for: by then the pod is another one.
            const waiting =
                /api-deployment updating[^\n]*\n[^]*api-deployment updating[^\n]*\n[^]*api-deployment updating/;
            const { status, text: killed } = await operation("switch", stack, ["persistent"], waiting);
            assert.equal(status, null, killed);
            assert.equal((await claim()).status.phase, "Pending");
            await switchTo("ephemeral");
            assert.deepEqual(await messages(stack), texts);
            assert.equal(await claim(), undefined);
        } finally {
            await kubectl("delete", "storageclass", never);
            stack.edit({ storageClass: undefined });
        }
    });

    it("does not begin if the config is invalid", async () => {
        const before = await pods();
        stack.edit({ webReplicas: 0 });
        const { status, text } = await operation("switch", stack, ["persistent"]);
        assert.equal(status, 1, text);
        assert.ok(text.includes("webReplicas"), text);
        assert.equal(journal(), undefined);
        assert.deepEqual(await pods(), before);
        stack.edit({ webReplicas: 1 });
    });

    it("puts everything back if pulumi up refuses to change the storage", async () => {
        stack.edit({ storageClass: "nope" });
        const { status, text } = await operation("switch", stack, ["persistent"]);
        assert.equal(status, 1, text);
        assert.ok(text.includes('"nope"'), text);
        assert.equal(journal(), undefined);
        assert.ok(await isInService());
        assert.match(readFileSync(`Pulumi.${stack.name}.yaml`, "utf8"), /storageMode: ephemeral/);
        assert.deepEqual(await messages(stack), texts);
        stack.edit({ storageClass: undefined });
    });

    it("does not begin if another machine's switch has begun, and names that journal", async () => {
        await operation("switch", stack, ["persistent"], /^3\/5/m);
        const { metadata } = await get(stack.name, "service", "api-service");
        const where = metadata.annotations["synergychat/journal"] as string;
        assert.match(where, new RegExp(`^${hostname()}:/.*\\.json \\(process \\d+\\)$`));
        const other = await operation("switch", stack, ["ephemeral"], undefined, {
            XDG_DATA_HOME: import.meta.dirname,
        });
        assert.equal(other.status, 1, other.text);
        assert.ok(other.text.includes(where), other.text);
        const [, patch = ""] =
            / kubectl (patch .*)'$/m.exec(other.text.replaceAll("--patch='", "--patch=")) ?? [];
        await kubectl(...patch.split(" "));
        assert.deepEqual(await messages(stack), texts);
        await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
    });

    it("keeps the api out of its Service until its end, even after a refresh halfway", async () => {
        const { status, text } = await operation("switch", stack, ["persistent"], /^4\/5/m);
        assert.equal(status, null, text);
        await stack.run("refresh", "--yes", "--skip-preview");
        assert.equal(await isInService(), false);
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

    it("does not begin if the claim is protected", async () => {
        stack.edit({ protectData: true });
        await stack.up();
        const { status, text } = await operation("switch", stack, ["ephemeral"]);
        assert.equal(status, 1);
        assert.ok(text.includes("protectData"), text);
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        assert.equal(journal(), undefined);
        stack.edit({ protectData: false });
        await stack.up();
    });

    it("does not begin if the api's image has no shell", async () => {
        stack.edit({ images: { api: "bootdotdev/synergychat-api:without-shell" } });
        await stack.up();
        const { status, text } = await operation("switch", stack, ["ephemeral"]);
        assert.deepEqual([status, codesIn(text)], [1, ["switch-needs-shell"]], text);
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        assert.ok(await isInService());
        assert.equal(journal(), undefined);
    });
});
