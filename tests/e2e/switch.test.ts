/** `npm run switch`: it moves the messages, both ways, killed or not. tests/unit/operations kills it at every moment. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { ask, messages, say } from "./support/app.ts";
import { get, kubectl, tryKubectl, until } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { journal, operation } from "./support/operation.ts";
import { apiPod } from "./support/pods.ts";
import { TestStack } from "./support/stack.ts";

describe("npm run switch", function () {
    this.timeout(600_000); // some tests run the command twice

    const stack = new TestStack("switch", { storageMode: "ephemeral", crawlerContainers: 1 });
    const posts = Array.from({ length: 20 }, (_, index) => `message ${index + 1} ä€ "quoted" \\ <b>`);
    /** The texts that the api has: it answers the last one with its own below it. */
    let texts: readonly string[];

    before(async () => {
        await stack.create();
        await stack.up();
        const stats = ["wget", "-q", "-O", "-", "http://crawler-service/stats"];
        const inApi = ["exec", "deployment/synergychat-api", "--namespace", stack.name, "--", ...stats];
        // A Service leads to a new pod a moment after that is ready.
        await until("the api reaches the crawler", async () => (await tryKubectl(...inApi)).status === 0);
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

    const service = () => get(stack.name, "service", "api-service");

    async function isInService(): Promise<boolean> {
        return !("synergychat/out-of-service" in (await service()).spec.selector);
    }

    /** The volume of the first claim. */
    let volume: string;

    const provisionedBy = (provisioner: string) =>
        kubectl("annotate", "pv", volume, "--overwrite", `pv.kubernetes.io/provisioned-by=${provisioner}`);

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

    it("goes back from a volume that no pod can use, after a kill in pulumi up", async () => {
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

    it("moves the messages to persistent storage, and ends when the api answers from outside", async () => {
        stack.edit({ protectData: true }); // for the next test
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
    });

    it("changes nothing a second time", async () => {
        const { uid } = (await apiPod(stack)).metadata;
        await switchTo("persistent");
        assert.equal((await apiPod(stack)).metadata.uid, uid);
        assert.deepEqual(await messages(stack), texts);
    });

    it("does not begin while the last up protects the claim, and neither does a down", async () => {
        stack.edit({ protectData: undefined });
        const args = { switch: ["ephemeral"], down: ["--yes"] } as const;
        for (const command of ["switch", "down"] as const) {
            const { status, text } = await operation(command, stack, args[command]);
            assert.deepEqual([status, codesIn(text)], [1, ["data-protected"]], text);
        }
        assert.deepEqual(await messages(stack), texts);
        assert.equal(journal(), undefined);
        // As the switch says.
        await stack.run("state", "unprotect", "--all", "--yes");
    });

    it("keeps the claim, the copy, and the api out of its Service after a kill on the way back, even after a refresh", async () => {
        volume = (await claim()).spec.volumeName as string;
        // As minikube's provisioner after a restart.
        await provisionedBy("k8s.io/minikube-hostpath-before");
        const { status, text } = await operation("switch", stack, ["ephemeral"], /^4\/6/m);
        assert.equal(status, null, text);
        await stack.run("refresh", "--yes", "--skip-preview");
        assert.equal(await isInService(), false);
        assert.equal((await claim()).metadata.deletionTimestamp, undefined);
        assert.deepEqual(
            journal()?.copy?.map(({ Text }) => Text),
            texts,
        );
    });

    it("does not begin if another machine's switch has begun, and names that journal", async () => {
        const where = (await service()).metadata.annotations["synergychat/journal"] as string;
        assert.match(where, new RegExp(`^${hostname()}:/.*\\.json \\(process \\d+\\)$`));
        const other = await operation("switch", stack, ["ephemeral"], undefined, {
            XDG_DATA_HOME: import.meta.dirname,
        });
        assert.equal(other.status, 1, other.text);
        assert.ok(other.text.includes(where), other.text);
        const [, patch = ""] =
            / kubectl (patch .*)'$/m.exec(other.text.replaceAll("--patch='", "--patch=")) ?? [];
        await kubectl(...patch.split(" "));
        assert.ok(await isInService());
    });

    it("goes on after that kill, deletes the claim only then, and names a volume that its provisioner ignores", async () => {
        const text = await switchTo("ephemeral");
        assert.deepEqual(await messages(stack), texts);
        assert.equal(await claim(), undefined);
        assert.equal(journal(), undefined);
        assert.deepEqual(codesIn(text), ["released-volume-has-old-data"]);
        assert.match(text, new RegExp(`kubectl --context minikube delete pv ${volume}`));
        assert.equal((await get("", "pv", volume)).status.phase, "Released");
        await provisionedBy("k8s.io/minikube-hostpath");
        await kubectl("wait", "--for=delete", `pv/${volume}`, "--timeout=60s");
        // The config no longer names the claim that is gone.
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("does not begin if the api's image has no shell", async () => {
        const api = "bootdotdev/synergychat-api:without-shell";
        stack.edit({ storageMode: "persistent", images: { api } });
        await stack.up();
        await say(stack, "from before");
        const { status, text } = await operation("switch", stack, ["ephemeral"]);
        assert.deepEqual([status, codesIn(text)], [1, ["switch-needs-shell"]], text);
        assert.deepEqual(await messages(stack), ["from before"]);
        assert.ok(await isInService());
        assert.equal(journal(), undefined);
    });

    it("adds to what a kept claim holds", async () => {
        const { uid } = (await claim()).metadata;
        stack.edit({ storageMode: "ephemeral", retainData: true, images: undefined });
        await stack.up();
        await say(stack, "since then");
        await switchTo("persistent");
        assert.deepEqual(await messages(stack), ["from before", "since then"]);
        assert.equal((await claim()).metadata.uid, uid);
    });
});
