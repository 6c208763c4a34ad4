/** After the commands of a printed fix, the refused command succeeds, with the promised effect. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app.ts";
import { claimFile, configure, fixesIn, follow, refused } from "./support/advice.ts";
import { get, kubectl } from "./support/cluster.ts";
import { changeEnvironment } from "./support/environment.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

const claimName = "synergychat-api-pvc";
const folder = mkdtempSync(join(tmpdir(), "synergychat-advice-"));
after(() => {
    rmSync(folder, { recursive: true });
});

describe("the advice of pulumi up", () => {
    const stack = new TestStack("advice", { crawlerContainers: 1 });
    const { name } = stack;
    const elsewhere = `${name}-2`;
    const others = `${name}-others`;
    const claim = () => get(name, "pvc", claimName);

    before(async () => {
        // A killed run leaves it behind.
        await kubectl("delete", "namespace", others, "--ignore-not-found");
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(async () => {
        await stack.remove();
        await kubectl("delete", "namespace", others, "--ignore-not-found");
    });

    const unchanged = async () => {
        assert.deepEqual(await messages(stack), ["one", "two"]);
    };

    it("names the stack in every pulumi command, because another one is selected", async () => {
        configure(stack, { storageSize: "500Mi" });
        const text = await refused(stack, "rejected-by-cluster");
        const [keep] = fixesIn(text, "rejected-by-cluster");
        assert.deepEqual(keep?.run, [`pulumi config set storageSize 1Gi --stack ${name}`]);
        await follow(stack, text, "rejected-by-cluster", "Keep the size");
        await stack.up();
        await unchanged();
    });

    it("leads out of an invalid config", async () => {
        configure(stack, { storageMode: "persistant", crawlerContainer: 3, "former:webReplicas": 7 });
        const text = await refused(stack, "invalid-value");
        await follow(stack, text, "invalid-value", "Use the default");
        await follow(stack, text, "unknown-key", "Remove it");
        await follow(stack, text, "key-of-other-project", "Remove it");
        await stack.up("--expect-no-changes");
    });

    it("leads to a class that exists, and to a host that is free", async () => {
        await kubectl("create", "namespace", others);
        const rule = "--rule=advice-taken.synchat.internal/*=web:80";
        await kubectl("create", "ingress", "taken", "--namespace", others, rule);
        configure(stack, { ingressClass: "traefik", webHost: "advice-taken.synchat.internal" });
        const text = await refused(stack, "class-missing");
        await follow(stack, text, "class-missing", "Name a class", { NAME: "nginx" });
        await follow(stack, text, "host-served-elsewhere", "Use another host", { HOST: stack.webHost });
        await stack.up();
        await unchanged();
    });

    it("leads back from a context that was renamed", async () => {
        const file = join(folder, "kubeconfig");
        writeFileSync(file, await kubectl("config", "view", "--raw", "--flatten", "--minify"));
        await kubectl("config", "rename-context", "minikube", "renamed", "--kubeconfig", file);
        const restoreEnvironment = changeEnvironment({ KUBECONFIG: file });
        try {
            configure(stack, { "kubernetes:context": "renamed" });
            // Plain pulumi looks for the cluster of its state first, and fails before it runs the program.
            assert.notEqual((await stack.pulumi("up", "--yes", "--skip-preview")).status, 0);
            const { status, text } = await operation("up", stack);
            assert.equal(status, 1, text);
            await follow(stack, text, "other-cluster", "If it is one cluster with a new name");
            await stack.up();
            await unchanged();
        } finally {
            restoreEnvironment();
        }
    });

    it("removes a stale discardClaim", async () => {
        configure(stack, { discardClaim: (await claim()).metadata.uid });
        await follow(stack, await stack.up(), "discard-claim-stale", "Remove it");
        assert.deepEqual(codesIn(await stack.up("--expect-no-changes")), []);
    });

    it("keeps the claim on a switch to ephemeral storage, and mounts it again", async () => {
        const { uid } = (await claim()).metadata;
        configure(stack, { storageMode: "ephemeral" });
        const text = await refused(stack, "claim-would-be-deleted");
        await follow(stack, text, "claim-would-be-deleted", "Keep the claim");
        const warned = await stack.up();
        assert.deepEqual(await messages(stack), []);
        assert.equal((await claim()).metadata.uid, uid);
        await follow(stack, warned, "kept-claim-not-mounted", "Mount it again");
        await stack.up();
        await unchanged();
    });

    it("keeps the claim while existingClaim names another one, and mounts it again", async () => {
        configure(stack, { retainData: undefined });
        await stack.up();
        await kubectl("create", "--namespace", name, "--filename", claimFile("brought-along"));
        configure(stack, { existingClaim: "brought-along" });
        const text = await refused(stack, "claim-would-be-deleted");
        await follow(stack, text, "claim-would-be-deleted", "Keep the claim");
        const warned = await stack.up();
        assert.deepEqual(await messages(stack), []);
        await follow(stack, warned, "kept-claim-not-mounted", "Mount it again");
        await stack.up();
        await unchanged();
    });

    it("moves the messages to ephemeral storage, and back to a claim", async () => {
        await kubectl("delete", "pvc", "brought-along", "--namespace", name);
        configure(stack, { retainData: undefined });
        await stack.up();
        configure(stack, { storageMode: "ephemeral" });
        const text = await refused(stack, "claim-would-be-deleted");
        await follow(stack, text, "claim-would-be-deleted", "Move the messages");
        await stack.up("--expect-no-changes");
        await unchanged();
        assert.equal(await claim(), undefined);
        configure(stack, { storageMode: "persistent" });
        const warned = await stack.run("preview");
        await follow(stack, warned, "ephemeral-messages-would-be-lost", "Move them to a claim");
        await stack.up("--expect-no-changes");
        await unchanged();
    });

    it("moves the messages to a claim that can grow, and to another class", async () => {
        configure(stack, { storageSize: "2Gi" });
        const text = await refused(stack, "rejected-by-cluster");
        const values = { NAME: "standard-expandable" };
        await follow(stack, text, "rejected-by-cluster", "Move the messages", values);
        await stack.up("--expect-no-changes");
        await unchanged();
        assert.equal((await claim()).spec.resources.requests.storage, "2Gi");
        configure(stack, { storageClass: "standard" });
        const moved = await refused(stack, "claim-would-be-deleted");
        await follow(stack, moved, "claim-would-be-deleted", "Move the messages");
        await stack.up("--expect-no-changes");
        await unchanged();
        assert.equal((await claim()).spec.storageClassName, "standard");
    });

    it("goes on with a stack that was renamed", async () => {
        const renamed = new TestStack("advice-new");
        await stack.run("stack", "rename", renamed.name, "--stack", name);
        try {
            assert.deepEqual(codesIn(await renamed.up()), []);
            assert.deepEqual(codesIn(await renamed.up("--expect-no-changes")), []);
            const { labels } = (await claim()).metadata;
            assert.equal(labels["app.kubernetes.io/instance"], `synergychat-${renamed.name}`);
            await unchanged();
        } finally {
            await stack.run("stack", "rename", name, "--stack", renamed.name);
        }
    });

    it("deletes the messages, although they were protected", async () => {
        configure(stack, { protectData: true });
        await stack.up();
        configure(stack, { storageMode: "ephemeral" });
        const text = await refused(stack, "claim-would-be-deleted");
        await follow(stack, text, "claim-would-be-deleted", "Delete the messages");
        await stack.up();
        assert.equal(await claim(), undefined);
        assert.deepEqual(await messages(stack), []);
    });

    it("moves the stack to another namespace with its messages", async () => {
        configure(stack, { storageMode: "persistent" });
        await stack.up();
        await say(stack, "one", "two");
        configure(stack, { namespace: elsewhere });
        const text = await refused(stack, "other-namespace");
        const values = { "chat.json": join(folder, "chat.json") };
        await follow(stack, text, "other-namespace", "Move the stack", values);
        assert.equal(await get("", "namespace", name), undefined);
        await unchanged();
    });
});
