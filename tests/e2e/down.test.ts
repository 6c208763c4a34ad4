/** `npm run down`: it begins only where config and state agree, and proves what is gone and what is kept. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app";
import { get, kubectl } from "./support/cluster";
import { operation } from "./support/operation";
import { TestStack } from "./support/stack";

describe("npm run down", () => {
    const stack = new TestStack("down", { crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "still here");
    });
    after(() => stack.remove());

    const claim = () => get(stack.name, "pvc", "synergychat-api-pvc");

    async function refused(message: RegExp): Promise<void> {
        const { uid } = (await claim()).metadata;
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
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

    it("refuses while retainData stands in the config alone: the claim would go", async () => {
        stack.edit({ retainData: true });
        await refused(
            /retainData is true in the config, but .* recorded false: a destroy would delete the messages/,
        );
        stack.edit({ retainData: undefined });
    });

    it("refuses while the config says neither yes nor no", async () => {
        stack.edit({ retainData: "yes" });
        await refused(/retainData is "yes": it must be true or false/);
        stack.edit({ retainData: undefined });
    });

    it("refuses while protectData stands in the config alone, and once it is in the state", async () => {
        stack.edit({ protectData: true });
        await refused(/protectData is true in the config, but .* recorded false: a destroy would go through/);
        await stack.up();
        await refused(/protectData is set: claim and namespace may not be deleted/);
        stack.edit({ protectData: undefined });
        await refused(/protectData is false in the config, but .* recorded true: a destroy is refused/);
        await stack.up();
    });

    it("refuses while its state is another one, that knows nothing of what it would delete", async () => {
        const state = process.env.PULUMI_BACKEND_URL;
        const empty = mkdtempSync(join(tmpdir(), "synergychat-empty-"));
        process.env.PULUMI_BACKEND_URL = `file://${empty}`;
        try {
            await refused(/The state of stack e2e-down is empty, but the cluster has objects with its marks/);
            rmSync(empty, { recursive: true });
            await refused(/Pulumi does not reach the place where it is logged in/);
        } finally {
            process.env.PULUMI_BACKEND_URL = state;
        }
    });

    it("refuses while a pod of somebody else's mounts the claim, and names it", async () => {
        const where = ["--namespace", stack.name];
        await kubectl("create", ...where, "--filename", `${__dirname}/support/holder.yaml`);
        await refused(/Pod looker mounts claim synergychat-api-pvc and is not the stack's/);
        await kubectl("delete", "pod", "looker", ...where);
    });

    it("refuses while a claim of somebody else's would go with the namespace", async () => {
        const where = ["--namespace", stack.name];
        await kubectl("create", ...where, "--filename", `${__dirname}/support/claim.yaml`);
        await refused(/Claim brought-along is not the stack's, and would go with its namespace e2e-down/);
        await kubectl("delete", "pvc", "brought-along", ...where);
    });

    it("keeps claim, volume and messages with retainData, each listed", async () => {
        stack.edit({ retainData: true });
        await stack.up();
        const { metadata, spec } = await claim();
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 0, text);
        assert.match(
            text,
            new RegExp(`synergychat-api-pvc, volume ${spec.volumeName as string}, kept with 1 message`),
        );
        assert.match(
            text,
            /kept {2}claim synergychat-api-pvc\n +kept {2}volume .*\n +kept {2}namespace e2e-down/,
        );
        assert.match(text, /The next npm run up finds it again/);
        assert.equal((await claim()).metadata.uid, metadata.uid);
        assert.equal(await get(stack.name, "deployment", "synergychat-api"), undefined);
        // Nothing of the stack is left to destroy: what was kept stays.
        const again = await operation("down", stack, ["--yes"]);
        assert.equal(again.status, 0, again.text);
        assert.match(again.text, /kept {2}claim synergychat-api-pvc/);
        await stack.up();
        assert.deepEqual(await messages(stack), ["still here"]);
        stack.edit({ retainData: undefined });
        await stack.up();
    });

    it("says why a volume stays: its provisioner ignores it, as minikube's does after a restart", async () => {
        const name = (await claim()).spec.volumeName as string;
        const maker = "pv.kubernetes.io/provisioned-by";
        await kubectl("annotate", "pv", name, "--overwrite", `${maker}=k8s.io/minikube-hostpath-before`);
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, new RegExp(`synergychat-api-pvc, volume ${name}, deleted with 1 message`));
        assert.match(text, /gone {2}claim synergychat-api-pvc\n +kept {2}volume /);
        assert.match(text, /is Released, and minikube does not delete it: its provisioner ignores volumes/);
        assert.match(text, new RegExp(`Run: kubectl delete pv ${name}, and minikube ssh -- sudo rm -rf /`));
        await kubectl("annotate", "pv", name, "--overwrite", `${maker}=k8s.io/minikube-hostpath`);
        await kubectl("wait", "--for=delete", `pv/${name}`, "--timeout=60s");
    });

    it("says which finalizer holds a claim, and goes on once it is gone", async () => {
        await stack.up();
        await finalizers("kubernetes.io/pvc-protection", "example.org/backup");
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /Claim synergychat-api-pvc is Terminating, held by example\.org\/backup/);
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

    it("ends a move to another namespace that was killed, and leaves nothing in either", async () => {
        const elsewhere = `${stack.name}-2`;
        stack.edit({ storageMode: "ephemeral" });
        await stack.up();
        stack.edit({ namespace: elsewhere });
        const up = await operation("up", stack, [], /app-namespace created[\s\S]*configmap created/);
        assert.equal(up.status, null, up.text);
        stack.edit({ namespace: stack.name });
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0, text);
        assert.match(
            text,
            /had left that for e2e-down-2, and the next one deletes it with all that it holds/,
        );
        const down = await operation("down", stack, ["--yes"]);
        assert.equal(down.status, 0, down.text);
        assert.equal(await kubectl("get", "namespace", stack.name, elsewhere, "--ignore-not-found"), "");
    });
});
