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

    it("leads out of an invalid config", async () => {
        configure(stack, { storageMode: "persistant", crawlerContainer: 3, "former:webReplicas": 7 });
        configure(stack, { "kubernetes:context": undefined });
        const text = await refused(stack, "invalid-value");
        await follow(stack, text, "invalid-value", "Use the default");
        await follow(stack, text, "unknown-key", "Remove it");
        await follow(stack, text, "key-of-other-project", "Remove it");
        await follow(stack, text, "context-missing", "Name one");
    });

    it("names the stack in every pulumi command, because another one is selected", async () => {
        configure(stack, { storageSize: "500Mi", discardClaim: (await claim()).metadata.uid });
        const text = await refused(stack, "rejected-by-cluster");
        assert.deepEqual(codesIn(text).toSorted(), ["discard-claim-stale", "rejected-by-cluster"], text);
        const [keep] = fixesIn(text, "rejected-by-cluster");
        assert.deepEqual(keep?.run, [`pulumi config set storageSize 1Gi --stack ${name}`]);
        await follow(stack, text, "rejected-by-cluster", "Keep the size");
        await follow(stack, text, "discard-claim-stale", "Remove it");
    });

    it("leads to a class that exists, to a host that is free, and to a claim of others that leaves the stack's own", async () => {
        await kubectl("create", "namespace", others);
        const rule = "--rule=advice-taken.synchat.internal/*=web:80";
        await kubectl("create", "ingress", "taken", "--namespace", others, rule);
        await kubectl("create", "--namespace", name, "--filename", claimFile("brought-along"));
        configure(stack, { ingressClass: "traefik", webHost: "advice-taken.synchat.internal" });
        configure(stack, { existingClaim: "brought-along" });
        const text = await refused(stack, "class-missing");
        const codes = ["class-missing", "host-served-elsewhere", "claim-would-be-deleted"];
        assert.deepEqual(codesIn(text), codes, text);
        await follow(stack, text, "class-missing", "Name a class", { NAME: "nginx" });
        await follow(stack, text, "host-served-elsewhere", "Use another host", { HOST: stack.webHost });
        const { uid } = (await claim()).metadata;
        await follow(stack, text, "claim-would-be-deleted", "Keep the claim");
        const warned = await stack.up();
        assert.equal((await stack.outputs()).claimName, "brought-along");
        assert.deepEqual(await messages(stack), []);
        assert.equal((await claim()).metadata.uid, uid);
        await follow(stack, warned, "kept-claim-not-mounted", "Mount it again");
    });

    it("keeps the claim on a switch to ephemeral storage as well", async () => {
        await stack.up();
        await unchanged();
        await kubectl("delete", "pvc", "brought-along", "--namespace", name);
        configure(stack, { storageMode: "ephemeral" });
        const warned = await stack.up();
        assert.deepEqual(await messages(stack), []);
        await follow(stack, warned, "kept-claim-not-mounted", "Mount it again");
    });

    it("leads back from a context that was renamed", async () => {
        const file = join(folder, "kubeconfig");
        writeFileSync(file, await kubectl("config", "view", "--raw", "--flatten", "--minify"));
        await kubectl("config", "rename-context", "minikube", "renamed", "--kubeconfig", file);
        const restoreEnvironment = changeEnvironment({ KUBECONFIG: file });
        try {
            configure(stack, { "kubernetes:context": "renamed" });
            // Plain pulumi looks for the cluster of its state first, and fails before it runs the program.
            const { status, text } = await operation("up", stack);
            assert.equal(status, 1, text);
            await follow(stack, text, "other-cluster", "If it is one cluster with a new name");
            await stack.up();
        } finally {
            restoreEnvironment();
        }
        // The claim is mounted again.
        await unchanged();
    });

    it("moves the messages to a claim that can grow", async () => {
        configure(stack, { storageSize: "2Gi" });
        const text = await refused(stack, "rejected-by-cluster");
        const values = { NAME: "standard-expandable" };
        await follow(stack, text, "rejected-by-cluster", "Move the messages", values);
        await unchanged();
        const { storageClassName, resources } = (await claim()).spec;
        assert.deepEqual([storageClassName, resources.requests.storage], ["standard-expandable", "2Gi"]);
    });

    it("goes on with a stack that was renamed", async () => {
        const renamed = new TestStack("advice-new");
        await stack.run("stack", "rename", renamed.name, "--stack", name);
        try {
            configure(renamed, { protectData: true }); // for the next test
            assert.deepEqual(codesIn(await renamed.up()), []);
            const { labels } = (await claim()).metadata;
            assert.equal(labels["app.kubernetes.io/instance"], `synergychat-${renamed.name}`);
            await unchanged();
        } finally {
            await stack.run("stack", "rename", name, "--stack", renamed.name);
        }
    });

    it("deletes the messages, although they were protected", async () => {
        configure(stack, { storageClass: "standard" });
        const { uid } = (await claim()).metadata;
        const text = await refused(stack, "claim-would-be-deleted");
        await follow(stack, text, "claim-would-be-deleted", "Delete the messages");
        await stack.up();
        assert.notEqual((await claim()).metadata.uid, uid);
        assert.deepEqual(await messages(stack), []);
    });

    it("moves the stack to another namespace with its messages", async () => {
        await say(stack, "one", "two");
        configure(stack, { namespace: elsewhere });
        const text = await refused(stack, "other-namespace");
        const values = { "chat.json": join(folder, "chat.json") };
        await follow(stack, text, "other-namespace", "Move the stack", values);
        assert.equal(await get("", "namespace", name), undefined);
        await unchanged();
    });
});
