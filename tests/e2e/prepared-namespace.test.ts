/** A namespace that somebody prepared, for a service account with rights in it alone: it can be used and is never deleted. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { messages, say } from "./support/app.ts";
import { follow } from "./support/advice.ts";
import { get, kubectl } from "./support/cluster.ts";
import { changeEnvironment } from "./support/environment.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("a prepared namespace", () => {
    const stack = new TestStack("prepared", { crawlerContainers: 1 });
    const { name } = stack;
    const folder = mkdtempSync(join(tmpdir(), "synergychat-prepared-"));

    before(async () => {
        await forget();
        await kubectl("create", "namespace", name);
        await kubectl("create", "serviceaccount", "member", "--namespace", name);
        // The rights alone: the namespace of docs/rbac.yaml has the stack's labels already.
        const [, ...roles] = readFileSync("docs/rbac.yaml", "utf8")
            .replaceAll(/(name: |namespace: |resourceNames: \[)synergychat\b/g, `$1${name}`)
            .split(/^---$/m);
        writeFileSync(join(folder, "roles.yaml"), roles.join("---"));
        await kubectl("apply", "--filename", join(folder, "roles.yaml"));
        const subject = `--serviceaccount=${name}:member`;
        await kubectl("create", "rolebinding", name, `--role=${name}`, subject, "--namespace", name);
        await kubectl("create", "clusterrolebinding", name, `--clusterrole=${name}`, subject);
        await stack.create();
        stack.edit({ "kubernetes:kubeconfig": await kubeconfig() });
    });
    after(async () => {
        await stack.remove();
        await forget();
        rmSync(folder, { recursive: true });
    });

    async function forget(): Promise<void> {
        await kubectl("delete", "namespace", name, "--ignore-not-found");
        await kubectl("delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found");
    }

    /** A kubeconfig in which the context minikube is the service account. */
    async function kubeconfig(): Promise<string> {
        const config = JSON.parse(await kubectl("config", "view", "--minify", "--flatten", "--output=json"));
        const token = await kubectl("create", "token", "member", "--namespace", name, "--duration=1h");
        const user = { name: config.contexts[0].context.user, user: { token: token.trim() } };
        const file = join(folder, "kubeconfig");
        writeFileSync(file, stringify({ ...config, users: [user] }), { mode: 0o600 });
        return file;
    }

    it("is given to the stack by the first message, used, and kept on destroy", async () => {
        const { uid } = (await get("", "namespace", name)).metadata;
        const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), ["foreign-namespace"], text);
        const restoreEnvironment = changeEnvironment({ KUBECONFIG: join(folder, "kubeconfig") });
        await follow(stack, text, "foreign-namespace", "Give it to this stack, which never deletes it");
        restoreEnvironment();
        await stack.up();
        await say(stack, "here");
        assert.deepEqual(await messages(stack), ["here"]);
        await stack.run("destroy", "--yes", "--skip-preview");
        assert.equal((await get("", "namespace", name)).metadata.uid, uid);
    });
});
