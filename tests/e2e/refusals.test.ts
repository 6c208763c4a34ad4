/** Changes that are refused: the program says why, and the cluster stays as it was. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app.ts";
import { get, kubectl, versions } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("a stack that is up", () => {
    const stack = new TestStack("refusals", { crawlerContainers: 1 });
    const namespace = stack.name;

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    /** Tries a config and takes it back. It is refused with these findings, and nothing has changed. */
    async function refuses(
        config: Record<string, unknown>,
        codes: readonly string[],
        command: readonly string[] = ["preview"],
    ): Promise<void> {
        const before = await versions(namespace);
        stack.edit(config);
        const { status, text } = await stack.pulumi(...command);
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), codes, text);
        assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        stack.edit(Object.fromEntries(Object.keys(config).map((key) => [key, stack.original(key)])));
        assert.deepEqual(await versions(namespace), before);
    }

    it("refuses a gateway class that the cluster does not have", async () => {
        await refuses({ exposure: "gateway", gatewayClass: "nope" }, ["class-missing"]);
    });

    it("refuses an existing claim that does not exist", async () => {
        await refuses({ existingClaim: "nobodys" }, ["existing-claim-missing", "claim-would-be-deleted"]);
    });

    it("refuses another cluster, because everything in this one would be deleted", async () => {
        const folder = mkdtempSync(join(tmpdir(), "synergychat-kubeconfig-"));
        const file = join(folder, "kubeconfig");
        writeFileSync(file, await kubectl("config", "view", "--raw", "--flatten", "--minify"));
        await kubectl("config", "rename-context", "minikube", "elsewhere", "--kubeconfig", file);
        await refuses(
            { "kubernetes:context": "elsewhere", "kubernetes:kubeconfig": file },
            ["other-cluster"],
            ["up", "--yes", "--skip-preview"],
        );
        rmSync(folder, { recursive: true });
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("refuses every change while a switch of the storage is interrupted", async () => {
        const selector = (mark: string | null) =>
            JSON.stringify({ spec: { selector: { "synergychat/out-of-service": mark } } });
        const patch = [
            "patch",
            "service",
            "api-service",
            "--namespace",
            namespace,
            "--type=merge",
            "--patch",
        ];
        await kubectl(...patch, selector("true"));
        await refuses({}, ["switch-interrupted"], ["up", "--yes", "--skip-preview"]);
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["switch-interrupted"]);
        await kubectl(...patch, selector(null));
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("refuses to delete a claim whose messages it cannot count, because the api does not answer", async () => {
        await kubectl("scale", "deployment/synergychat-api", "--replicas=0", "--namespace", namespace);
        await kubectl(
            "wait",
            "--for=delete",
            "pod",
            "--selector=app=synergychat-api",
            "--namespace",
            namespace,
            "--timeout=60s",
        );
        await refuses({ storageMode: "ephemeral" }, ["claim-would-be-deleted"]);
        await kubectl("scale", "deployment/synergychat-api", "--replicas=1", "--namespace", namespace);
        await kubectl(
            "rollout",
            "status",
            "deployment/synergychat-api",
            "--namespace",
            namespace,
            "--timeout=60s",
        );
    });

    it("deletes the claim that discardClaim names by its UID, and no other one", async () => {
        const { uid } = (await get(namespace, "pvc", "synergychat-api-pvc")).metadata;
        await refuses({ storageMode: "ephemeral", discardClaim: uid.replace(/^.{8}/, "00000000") }, [
            "claim-would-be-deleted",
        ]);
        stack.edit({ storageMode: "ephemeral", discardClaim: uid });
        await stack.up();
        assert.equal(await get(namespace, "pvc", "synergychat-api-pvc"), undefined);
        // The next claim has another UID.
        stack.edit({ storageMode: "persistent" });
        await stack.up();
        await say(stack, "three");
        stack.edit({ storageMode: "ephemeral" });
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
        stack.edit({ storageMode: "persistent" });
    });
});

describe("a stack without a cluster", () => {
    const stack = new TestStack("nowhere");

    before(() => stack.create());
    after(() => stack.remove());

    it("names a context that is missing, and one that does not exist", async () => {
        stack.edit({ "kubernetes:context": undefined });
        assert.deepEqual(codesIn((await stack.pulumi("preview")).text), ["context-missing"]);
        stack.edit({ "kubernetes:context": "elsewhere" });
        assert.match((await stack.pulumi("preview")).text, /kubernetes:context is "elsewhere".*minikube/);
    });
});
