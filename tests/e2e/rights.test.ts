/** The rights of docs/rbac.yaml are enough for a stack's whole life, and a missing one is named before anything changes. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { messages, say } from "./support/app.ts";
import { get, kubectl, tryKubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("a service account with the rights of docs/rbac.yaml", () => {
    const stack = new TestStack("rights", { crawlerContainers: 1 });
    const accounts = "e2e-rights-accounts";
    const name = "e2e-rights";
    const folder = mkdtempSync(join(tmpdir(), "synergychat-rights-"));

    before(async () => {
        await forget();
        await stack.create();
        await kubectl("create", "namespace", accounts);
        await kubectl("create", "serviceaccount", name, "--namespace", accounts);
        const roles = readFileSync("docs/rbac.yaml", "utf8")
            .replaceAll("synergychat-dev", `synergychat-${stack.name}`)
            .replaceAll(/(name: |namespace: |resourceNames: \[)synergychat\b/g, `$1${name}`);
        writeFileSync(join(folder, "roles.yaml"), roles);
        await kubectl("apply", "--filename", join(folder, "roles.yaml"));
        const subject = `--serviceaccount=${accounts}:${name}`;
        await kubectl("create", "rolebinding", name, `--role=${name}`, subject, "--namespace", stack.name);
        await kubectl("create", "clusterrolebinding", name, `--clusterrole=${name}`, subject);
        stack.edit({ "kubernetes:kubeconfig": await kubeconfig() });
    });
    after(async () => {
        await stack.remove();
        await forget();
        rmSync(folder, { recursive: true });
    });

    async function forget(): Promise<void> {
        await kubectl("delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found");
        await kubectl("delete", "namespace", accounts, "--ignore-not-found");
    }

    /** A kubeconfig in which the context minikube is this service account. */
    async function kubeconfig(): Promise<string> {
        const json = await kubectl("config", "view", "--minify", "--flatten", "--output=json");
        const token = await kubectl("create", "token", name, "--namespace", accounts, "--duration=1h");
        const config = JSON.parse(json);
        const user = { name: config.contexts[0].context.user, user: { token: token.trim() } };
        const file = join(folder, "kubeconfig");
        writeFileSync(file, stringify({ ...config, users: [user] }), { mode: 0o600 });
        return file;
    }

    it("is nobody else: it may not read what the role does not name", async () => {
        const config = `--kubeconfig=${join(folder, "kubeconfig")}`;
        await assert.rejects(kubectl("get", "secrets", "--namespace=kube-system", config), /Forbidden/);
    });

    it("may do nothing outside of its namespace", async () => {
        const config = `--kubeconfig=${join(folder, "kubeconfig")}`;
        for (const kind of ["deployments", "rolebindings", "pods"]) {
            const { stdout } = await tryKubectl(
                "auth",
                "can-i",
                "create",
                kind,
                "--namespace=default",
                config,
            );
            assert.equal(stdout.trim(), "no", kind);
        }
    });

    it("names a right that is missing, and changes nothing", async () => {
        const role = JSON.parse(
            await kubectl("get", "role", name, "--namespace", stack.name, "--output=json"),
        );
        const place = role.rules.findIndex(({ resources }: any) => resources.includes("deployments"));
        const path = `/rules/${place as number}/verbs`;
        const set = (verbs: string[]) =>
            kubectl(
                "patch",
                "role",
                name,
                "--namespace",
                stack.name,
                "--type=json",
                `--patch=${JSON.stringify([{ op: "replace", path, value: verbs }])}`,
            );
        const { verbs } = role.rules[place];
        await set(verbs.filter((verb: string) => verb !== "patch"));
        const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
        await set(verbs);
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["permissions-missing"]);
        assert.match(text, /patch deployments\.apps/);
        assert.equal(await get(stack.name, "deployment", "synergychat-web"), undefined);
    });

    it("brings the stack up with persistent storage, changes it, and has nothing left to do", async () => {
        await stack.up();
        await say(stack, "kept");
        stack.edit({ crawlerKeywords: ["night"], webReplicas: 2 });
        await stack.up();
        await stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        await stack.up("--expect-no-changes");
        assert.deepEqual(await messages(stack), ["kept"]);
    });

    it("is told how many messages a switch would delete", async () => {
        stack.edit({ storageMode: "ephemeral" });
        const { status, text } = await stack.pulumi("preview");
        stack.edit({ storageMode: "persistent" });
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
        assert.match(text, /with 1 message/);
    });

    it("destroys it", async () => {
        await stack.run("destroy", "--yes", "--skip-preview");
        assert.equal(await get("", "namespace", stack.name), undefined);
    });
});
