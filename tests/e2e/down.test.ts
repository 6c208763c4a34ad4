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
    const stack = new TestStack("down", { retainData: true, crawlerContainers: 1 });
    const where = ["--namespace", stack.name];

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

    it("keeps claim, volume and messages with retainData, each listed, until the next up", async () => {
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
        // The way to delete it, as down says, begins with this up.
        stack.edit({ retainData: undefined });
        assert.deepEqual(codesIn(await stack.up()), ["protection-removed", "claim-reattached"]);
        assert.equal((await claim()).metadata.uid, metadata.uid);
        assert.deepEqual(await messages(stack), ["still here"]);
    });

    it("refuses while retainData is only in the config: the claim would be deleted", async () => {
        stack.edit({ retainData: true });
        await refused(["config-not-applied"]);
        stack.edit({ retainData: undefined });
    });

    it("refuses with another state that has nothing of what it would delete", async () => {
        const state = process.env.PULUMI_BACKEND_URL;
        const empty = mkdtempSync(join(tmpdir(), "synergychat-empty-"));
        process.env.PULUMI_BACKEND_URL = `file://${empty}`;
        try {
            await refused([], /There is no stack e2e-down\./);
            await stack.run("stack", "init", stack.name, "--no-select");
            await refused([], /The state of stack e2e-down is empty, .*: Deployment synergychat-api, /);
            rmSync(empty, { recursive: true });
            await refused([], /cannot use the backend[^]*no such file or directory/);
        } finally {
            process.env.PULUMI_BACKEND_URL = state;
            stack.edit({}); // without the other state's salt
        }
    });

    describe("with a volume that its provisioner ignores, on a node that this machine does not reach", () => {
        let ignored: string;

        const provisionedBy = (provisioner: string) =>
            kubectl(
                "annotate",
                "pv",
                ignored,
                "--overwrite",
                `pv.kubernetes.io/provisioned-by=${provisioner}`,
            );

        const deletion = () => new RegExp(`kubectl --context minikube delete pv ${ignored}`);

        before(async () => {
            ignored = (await claim()).spec.volumeName as string;
            // As minikube's provisioner after a restart.
            await provisionedBy("k8s.io/minikube-hostpath-before");
        });

        it("says which finalizer holds the claim", async () => {
            await finalizers("kubernetes.io/pvc-protection", "example.org/backup");
            const { status, text } = await operation("down", stack, ["--yes"]);
            assert.equal(status, 1, text);
            assert.deepEqual(codesIn(text), ["claim-held-by-finalizer"]);
            assert.match(text, /example\.org\/backup/);
            assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
            await finalizers();
        });

        it("is followed by an up that names the volume, before it makes the next claim and at its end", async () => {
            const { status, text } = await operation("up", stack, ["--yes"]);
            assert.equal(status, 0, text);
            assert.deepEqual(codesIn(text), ["recorded-claim-lost", "released-volume-has-old-data"]);
            const [before = "", after = ""] = text.split("SynergyChat is up");
            assert.match(before, deletion());
            assert.match(after, deletion());
        });

        it("proves what is gone, says why the volume stays, and succeeds once that is gone as well", async () => {
            await say(stack, "one", "two");
            const volume = (await claim()).spec.volumeName as string;
            const { status, text } = await operation("down", stack, ["--yes"]);
            assert.equal(status, 1, text);
            assert.match(text, /claim synergychat-api-pvc will be deleted, with 2 messages$/m);
            for (const name of [volume, ignored]) {
                assert.match(text, new RegExp(`volume ${name} will be deleted$`, "m"));
            }
            const proof = [
                "gone  claim synergychat-api-pvc",
                `gone  volume ${volume}`,
                `left  volume ${ignored}`,
                "gone  namespace e2e-down",
            ];
            assert.match(text, new RegExp(proof.map((line) => ` +${line}\n`).join("")));
            assert.deepEqual(codesIn(text), ["volume-ignored-by-minikube"]);
            assert.match(text, deletion());
            assert.equal(await get("", "namespace", stack.name), undefined);
            assert.equal(await get("", "pv", volume), undefined);
            await provisionedBy("k8s.io/minikube-hostpath");
            await kubectl("wait", "--for=delete", `pv/${ignored}`, "--timeout=60s");
            const again = await operation("down", stack, ["--yes"]);
            assert.equal(again.status, 0, again.text);
        });
    });

    async function finalizers(...names: readonly string[]): Promise<void> {
        const patch = `--patch=${JSON.stringify({ metadata: { finalizers: names } })}`;
        await kubectl("patch", "pvc", "synergychat-api-pvc", ...where, "--type=merge", patch);
    }
});
