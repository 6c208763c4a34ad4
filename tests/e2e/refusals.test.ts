/** One stack that loses its state, its objects and its namespace, and changes that are refused: the program says why. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configure } from "./support/advice.ts";
import { messages, say } from "./support/app.ts";
import { get, kubectl, versions } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("a stack", () => {
    const stack = new TestStack("refusals", { storageMode: "ephemeral", crawlerContainers: 1 });
    const { name } = stack;
    const where = ["--namespace", name];
    /** UID of a claim that is gone. */
    let formerClaim: string;
    const uidOf = async (kind: string, object: string) =>
        (await get(name, kind, object)).metadata.uid as string;

    before(() => stack.create());
    after(() => stack.remove());

    /** Tries a config and takes it back. It is refused with these findings, and nothing has changed. */
    async function refuses(
        changes: Record<string, unknown>,
        codes: readonly string[],
        command: readonly string[] = ["preview"],
    ): Promise<void> {
        const file = `Pulumi.${name}.yaml`;
        const config = readFileSync(file);
        const before = await versions(name);
        configure(stack, changes);
        const { status, text } = await stack.pulumi(...command);
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), codes, text);
        assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        writeFileSync(file, config);
        assert.deepEqual(await versions(name), before);
    }

    async function loseState(): Promise<void> {
        await stack.run("stack", "rm", name, "--force", "--yes", "--preserve-config");
        await stack.run("stack", "init", name, "--no-select");
    }

    it("names its context if that does not exist", async () => {
        stack.edit({ "kubernetes:context": "elsewhere" });
        assert.match((await stack.pulumi("preview")).text, /kubernetes:context is "elsewhere".*minikube/);
        stack.edit({ "kubernetes:context": "minikube" });
    });

    it("whose state is lost is taken over with the same config", async () => {
        await stack.up();
        await say(stack, "one", "two");
        const before = await uidOf("deployment", "synergychat-api");
        await loseState();
        await stack.up();
        assert.equal(await uidOf("deployment", "synergychat-api"), before);
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("whose state is lost is taken over with another config, of which nothing is mixed with the former one", async () => {
        const before = await uidOf("deployment", "synergychat-api");
        await loseState();
        stack.edit({ storageMode: "persistent" });
        assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
        const { metadata, spec } = await get(name, "deployment", "synergychat-api");
        assert.equal(metadata.uid, before);
        const volume = {
            name: "synergychat-api-volume",
            persistentVolumeClaim: { claimName: "synergychat-api-pvc" },
        };
        assert.deepEqual(spec.template.spec.volumes, [volume]);
        await say(stack, "one", "two");
    });

    it("creates again what somebody deleted, and previews it", async () => {
        const deleted = ["service/crawler-service", "ingress/app-ingress", "deployment/synergychat-web"];
        await kubectl("delete", ...deleted, ...where);
        // The state that was lost is complete again: nothing else is to be done.
        assert.match(await stack.run("preview"), /Resources:\n +\+ 3 to create\n +\d+ unchanged\n/);
        // With a change of its own, Pulumi could take the object for one to update.
        stack.edit({ webReplicas: 2 });
        await stack.up();
        for (const what of deleted) {
            const [kind = "", object = ""] = what.split("/");
            assert.ok(await get(name, kind, object), what);
        }
    });

    it("refuses a gateway class that the cluster does not have, and an existing claim that does not exist", async () => {
        await refuses({ exposure: "gateway", gatewayClass: "nope", existingClaim: "nobodys" }, [
            "class-missing",
            "existing-claim-missing",
            "claim-would-be-deleted",
        ]);
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
    });

    it("refuses every change while a switch of the storage is interrupted", async () => {
        const selector = (mark: string | null) =>
            JSON.stringify({ spec: { selector: { "synergychat/out-of-service": mark } } });
        const patch = ["patch", "service", "api-service", ...where, "--type=merge", "--patch"];
        await kubectl(...patch, selector("true"));
        await refuses({}, ["switch-interrupted"], ["up", "--yes", "--skip-preview"]);
        await kubectl(...patch, selector(null));
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("comes back if somebody deleted its namespace, and warns that the messages are gone", async () => {
        formerClaim = await uidOf("pvc", "synergychat-api-pvc");
        await kubectl("delete", "namespace", name);
        assert.deepEqual(codesIn(await stack.run("preview")), ["recorded-claim-lost"]);
        stack.edit({ protectData: true }); // for the next test
        assert.deepEqual(codesIn(await stack.up()), ["recorded-claim-lost"]);
        assert.deepEqual(await messages(stack), []);
        await say(stack, "three");
    });

    it("refuses a destroy with protectData", async () => {
        const before = await versions(name);
        const { status, text } = await stack.pulumi("destroy", "--yes");
        assert.notEqual(status, 0);
        assert.match(text, /protect/);
        assert.deepEqual(await versions(name), before);
        assert.deepEqual(await messages(stack), ["three"]);
    });

    it("refuses to delete a claim that has another UID than discardClaim, while the api does not count its messages", async () => {
        assert.notEqual(await uidOf("pvc", "synergychat-api-pvc"), formerClaim);
        await kubectl("scale", "deployment/synergychat-api", "--replicas=0", ...where);
        const pods = ["pod", "--selector=app=synergychat-api", ...where];
        await kubectl("wait", "--for=delete", ...pods, "--timeout=60s");
        await refuses({ storageMode: "ephemeral", discardClaim: formerClaim }, ["claim-would-be-deleted"]);
    });
});
