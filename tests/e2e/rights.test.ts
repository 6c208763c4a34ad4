/**
 * The rights of docs/rbac.yaml are enough for a stack's whole life, in a namespace that somebody prepared. A missing one is
 * named before anything changes.
 */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { claimFile, configure, follow, refused } from "./support/advice.ts";
import { messages, say } from "./support/app.ts";
import { get, kubectl, tryKubectl } from "./support/cluster.ts";
import { changeEnvironment } from "./support/environment.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

const claimName = "synergychat-api-pvc";

describe("a service account with the rights of docs/rbac.yaml", () => {
    const stack = new TestStack("rights", { crawlerContainers: 1 });
    const where = ["--namespace", stack.name];
    const accounts = "e2e-rights-accounts";
    const name = "e2e-rights-account";
    const folder = mkdtempSync(join(tmpdir(), "synergychat-rights-"));
    const config = join(folder, "kubeconfig");
    /** What the namespace and the claim have before the stack uses them. */
    let uids: readonly string[];

    before(async () => {
        await forget();
        await stack.create();
        await kubectl("create", "namespace", accounts);
        await kubectl("create", "serviceaccount", name, "--namespace", accounts);
        await kubectl("create", "namespace", stack.name);
        // The rights alone: the namespace of docs/rbac.yaml has the stack's labels already.
        const [, ...roles] = readFileSync("docs/rbac.yaml", "utf8")
            .replaceAll(/(namespace: |resourceNames: \[)synergychat\b/g, `$1${stack.name}`)
            .replaceAll("name: synergychat\n", `name: ${name}\n`)
            .split(/^---$/m);
        writeFileSync(join(folder, "roles.yaml"), roles.join("---"));
        await kubectl("apply", "--filename", join(folder, "roles.yaml"));
        const subject = `--serviceaccount=${accounts}:${name}`;
        await kubectl("create", "rolebinding", name, `--role=${name}`, subject, ...where);
        await kubectl("create", "clusterrolebinding", name, `--clusterrole=${name}`, subject);
        await kubectl("create", ...where, "--filename", claimFile(claimName));
        await kubectl("create", "configmap", "synergychat-web-configmap", ...where);
        await kubectl("create", "service", "clusterip", "web-service", "--tcp=80:80", ...where);
        uids = await currentUids();
        await writeKubeconfig();
        stack.edit({ "kubernetes:kubeconfig": config });
    });
    after(async () => {
        await stack.remove();
        await forget();
        rmSync(folder, { recursive: true });
    });

    async function forget(): Promise<void> {
        await kubectl("delete", "clusterrole,clusterrolebinding", name, "--ignore-not-found");
        await kubectl("delete", "namespace", accounts, stack.name, "--ignore-not-found");
    }

    async function currentUids(): Promise<readonly string[]> {
        const objects = [await get("", "namespace", stack.name), await get(stack.name, "pvc", claimName)];
        return objects.map(({ metadata }) => metadata.uid as string);
    }

    /** A kubeconfig in which the context minikube is this service account. */
    async function writeKubeconfig(): Promise<void> {
        const json = await kubectl("config", "view", "--minify", "--flatten", "--output=json");
        const token = await kubectl("create", "token", name, "--namespace", accounts, "--duration=1h");
        const all = JSON.parse(json);
        const user = { name: all.contexts[0].context.user, user: { token: token.trim() } };
        writeFileSync(config, stringify({ ...all, users: [user] }), { mode: 0o600 });
    }

    it("is nobody else: it may not read what the role does not name", async () => {
        const secrets = kubectl("get", "secrets", "--namespace=kube-system", `--kubeconfig=${config}`);
        await assert.rejects(secrets, /Forbidden/);
    });

    it("may do nothing outside of its namespace", async () => {
        const can = ["auth", "can-i", "create", "--namespace=default", `--kubeconfig=${config}`];
        for (const kind of ["deployments", "rolebindings", "pods"]) {
            assert.equal((await tryKubectl(...can, kind)).stdout.trim(), "no", kind);
        }
    });

    it("is told which right is missing and that the namespace is somebody else's, and changes nothing", async () => {
        const { rules } = await get(stack.name, "role", name);
        const place = rules.findIndex(({ resources }: any) => resources.includes("deployments"));
        const { verbs } = rules[place];
        const set = (value: string[]) => {
            const patch = JSON.stringify([{ op: "replace", path: `/rules/${place as number}/verbs`, value }]);
            return kubectl("patch", "role", name, ...where, "--type=json", `--patch=${patch}`);
        };
        await set(verbs.filter((verb: string) => verb !== "patch"));
        const text = await refused(stack, "permissions-missing");
        await set(verbs);
        assert.deepEqual(codesIn(text), ["permissions-missing", "foreign-namespace"], text);
        assert.match(text, /patch deployments\.apps/);
        const never = "Give it to this stack, which never deletes it";
        await asAccount(() => follow(stack, text, "foreign-namespace", never));
    });

    it("gives a claim and objects that somebody made to the stack", async () => {
        const text = await refused(stack, "foreign-claim");
        assert.deepEqual(codesIn(text), ["foreign-object", "foreign-claim"], text);
        const last = text.lastIndexOf("[foreign-object]");
        await asAccount(async () => {
            await follow(stack, text, "foreign-claim", "Give it to this stack");
            await follow(stack, text, "foreign-object", "Delete it");
            await follow(stack, text.slice(0, last), "foreign-object", "Give it to this stack");
        });
    });

    async function asAccount(run: () => Promise<void>): Promise<void> {
        const restoreEnvironment = changeEnvironment({ KUBECONFIG: config });
        try {
            await run();
        } finally {
            restoreEnvironment();
        }
    }

    it("brings the stack up with them, and changes it", async () => {
        await stack.up();
        await say(stack, "kept");
        // From here on the stack deletes its namespace.
        configure(stack, { crawlerKeywords: ["night"], webReplicas: 2, retainData: undefined });
        await stack.up("--refresh");
        assert.deepEqual(await messages(stack), ["kept"]);
        assert.deepEqual(await currentUids(), uids);
    });

    it("is told how many messages a switch would delete", async () => {
        configure(stack, { storageMode: "ephemeral" });
        const { status, text } = await stack.pulumi("preview");
        configure(stack, { storageMode: undefined });
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
        assert.match(text, /with 1 message/);
    });

    it("destroys the stack with its namespace, and sees that it is gone although the role went with it", async () => {
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 0, text);
        assert.equal(await get("", "namespace", stack.name), undefined);
    });
});
