/** `npm run down`: it begins only if config and state agree, and proves what is gone and what is kept. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("npm run down", () => {
    const stack = new TestStack("down", { crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "still here");
    });
    after(() => stack.remove());

    const claim = () => get(stack.name, "pvc", "synergychat-api-pvc");

    async function refused(codes: readonly string[], message = /./): Promise<void> {
        const { uid } = (await claim()).metadata;
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), codes, text);
        assert.match(text, message);
        assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        assert.equal((await claim()).metadata.uid, uid);
        assert.deepEqual(await messages(stack), ["still here"]);
    }

    it("refuses without --yes if there is no terminal, and deletes nothing", async () => {
        const { status, text } = await operation("down", stack);
        assert.equal(status, 2, text);
        assert.match(text, /--yes/);
        assert.deepEqual(await messages(stack), ["still here"]);
    });

    it("refuses while retainData is only in the config: the claim would be deleted", async () => {
        stack.edit({ retainData: true });
        await refused(["config-not-applied"]);
        stack.edit({ retainData: undefined });
    });

    it("refuses while retainData is invalid", async () => {
        stack.edit({ retainData: "yes" });
        await refused(["invalid-value"]);
        stack.edit({ retainData: undefined });
    });

    it("refuses while protectData is only in the config, and while it is only in the state", async () => {
        stack.edit({ protectData: true });
        await refused(["data-protected"]);
        await stack.up();
        stack.edit({ protectData: undefined });
        await refused(["data-protected"]);
        await stack.up();
    });

    it("refuses with another state that has nothing of what it would delete", async () => {
        const state = process.env.PULUMI_BACKEND_URL;
        const empty = mkdtempSync(join(tmpdir(), "synergychat-empty-"));
        process.env.PULUMI_BACKEND_URL = `file://${empty}`;
        try {
            await refused([]);
            rmSync(empty, { recursive: true });
            await refused([]);
        } finally {
            process.env.PULUMI_BACKEND_URL = state;
        }
    });

    it("has nothing to say of the namespace if another stack's config names it", async () => {
        const other = new TestStack("down-other", { namespace: stack.name });
        await other.create();
        const { status, text } = await operation("down", other, ["--yes"]);
        assert.deepEqual([status, codesIn(text)], [0, []], text);
        assert.match(text, /was not up/);
        await other.remove();
        assert.deepEqual(await messages(stack), ["still here"]);
    });

    it("refuses while a pod of somebody else's mounts the claim, and names it", async () => {
        const where = ["--namespace", stack.name];
        await kubectl("create", ...where, "--filename", `${import.meta.dirname}/support/holder.yaml`);
        await refused(["claim-mounted"], /kubectl delete pod looker/);
        await kubectl("delete", "pod", "looker", ...where);
    });

    it("refuses while a claim of somebody else's would go with the namespace", async () => {
        const where = ["--namespace", stack.name];
        await kubectl("create", ...where, "--filename", `${import.meta.dirname}/support/claim.yaml`);
        await refused(["foreign-claim-would-be-deleted"], /kubectl delete pvc brought-along/);
        await kubectl("delete", "pvc", "brought-along", ...where);
    });

    it("keeps claim, volume and messages with retainData, each listed", async () => {
        stack.edit({ retainData: true });
        await stack.up();
        const { metadata, spec } = await claim();
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 0, text);
        const volume = spec.volumeName as string;
        assert.match(text, /claim synergychat-api-pvc is kept, with 1 message$/m);
        assert.match(text, new RegExp(`volume ${volume} is kept$`, "m"));
        assert.match(
            text,
            /kept {2}claim synergychat-api-pvc\n +kept {2}volume .*\n +kept {2}namespace e2e-down/,
        );
        assert.equal((await claim()).metadata.uid, metadata.uid);
        assert.equal(await get(stack.name, "deployment", "synergychat-api"), undefined);
        // Nothing of the stack is left to destroy: what was kept stays.
        const again = await operation("down", stack, ["--yes"]);
        assert.equal(again.status, 0, again.text);
        assert.match(again.text, /kept {2}claim synergychat-api-pvc/);
        assert.deepEqual(codesIn(await stack.up()), ["claim-reattached"]);
        assert.equal((await claim()).metadata.uid, metadata.uid);
        assert.deepEqual(await messages(stack), ["still here"]);
        assert.deepEqual(codesIn(await stack.up("--expect-no-changes")), []);
        stack.edit({ retainData: undefined });
        await stack.up();
    });

    it("says why a volume stays: its provisioner ignores it, on a node that this machine does not reach", async () => {
        const name = (await claim()).spec.volumeName as string;
        const maker = "pv.kubernetes.io/provisioned-by";
        await kubectl("annotate", "pv", name, "--overwrite", `${maker}=k8s.io/minikube-hostpath-before`);
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /claim synergychat-api-pvc will be deleted, with 1 message$/m);
        assert.match(text, new RegExp(`volume ${name} will be deleted$`, "m"));
        assert.match(text, /gone {2}claim synergychat-api-pvc\n +left {2}volume /);
        assert.deepEqual(codesIn(text), ["volume-ignored-by-minikube"]);
        assert.match(text, new RegExp(`kubectl --context minikube delete pv ${name}`));
        await kubectl("annotate", "pv", name, "--overwrite", `${maker}=k8s.io/minikube-hostpath`);
        await kubectl("wait", "--for=delete", `pv/${name}`, "--timeout=60s");
    });

    it("says which finalizer holds a claim, and goes on once it is gone", async () => {
        await stack.up();
        await finalizers("kubernetes.io/pvc-protection", "example.org/backup");
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["claim-held-by-finalizer"]);
        assert.match(text, /example\.org\/backup/);
        assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        await finalizers();
        const again = await operation("down", stack, ["--yes"]);
        assert.equal(again.status, 0, again.text);
    });

    async function finalizers(...names: readonly string[]): Promise<void> {
        const patch = `--patch=${JSON.stringify({ metadata: { finalizers: names } })}`;
        await kubectl(
            "patch",
            "pvc",
            "synergychat-api-pvc",
            "--namespace",
            stack.name,
            "--type=merge",
            patch,
        );
    }

    it("proves that nothing is left", async () => {
        await stack.up();
        const name = (await claim()).spec.volumeName as string;
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 0, text);
        assert.match(text, /gone {2}claim synergychat-api-pvc/);
        assert.match(text, new RegExp(`gone  volume ${name}\n +gone  namespace e2e-down\n`));
        assert.equal(await kubectl("get", "namespace", stack.name, "--ignore-not-found"), "");
        assert.equal(await kubectl("get", "pv", name, "--ignore-not-found"), "");
    });
});
