/** What happens to messages on persistent storage: the rows of docs/data-safety.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, messages, say } from "./support/app.ts";
import { get, kubectl, tryKubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { apiPod, crash, evict } from "./support/pods.ts";
import { TestStack } from "./support/stack.ts";

describe("the messages on persistent storage", () => {
    const stack = new TestStack("data-persistent", { storageMode: "persistent", crawlerContainers: 1 });
    const where = ["--namespace", stack.name];

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    /** The file with the messages on the claim's volume, unless the node is another machine. */
    async function apiFile(): Promise<string | undefined> {
        const volume = (await get(stack.name, "pvc", "synergychat-api-pvc")).spec.volumeName as string;
        const folder = (await get("", "pv", volume)).spec.hostPath?.path as string | undefined;
        return folder !== undefined && existsSync(folder) ? join(folder, "db.json") : undefined;
    }

    it("stay when the container crashes", async () => {
        await say(stack, "four");
        await crash(stack);
        assert.deepEqual(await messages(stack), ["four"]);
    });

    it("stay when the node is drained", async () => {
        await evict(stack);
        assert.deepEqual(await messages(stack), ["four"]);
    });

    it("stay when another pull policy replaces the pod", async () => {
        stack.edit({ imagePullPolicy: "Never" });
        await stack.up();
        assert.deepEqual(await messages(stack), ["four"]);
    });

    it("are in the file byte for byte as the app writes them", async function () {
        const file = (await apiFile()) ?? this.skip();
        const list = [{ AuthorUsername: "ada", Text: "four" }];
        assert.equal(readFileSync(file, "utf8"), JSON.stringify(list, undefined, 2));
    });

    it("fail in sight of everybody when a kill in mid-write has cut the file", async function () {
        const file = (await apiFile()) ?? this.skip();
        const whole = readFileSync(file);
        const torn = whole.subarray(0, whole.length / 2);
        writeFileSync(file, torn);
        await kubectl(
            "wait",
            "--for=condition=Ready=false",
            "pod",
            "--selector=app=synergychat-api",
            ...where,
        );
        const { status } = await ask(stack, stack.apiHost, "/messages");
        assert.ok(status >= 500, `GET /messages answered ${status}`);
        const hello = JSON.stringify({ AuthorUsername: "ada", Text: "hello" });
        const post = ["exec", "deployment/synergychat-api", ...where, "--", "wget", "-q", "-O", "-"];
        const { stderr } = await tryKubectl(
            ...post,
            `--post-data=${hello}`,
            "http://127.0.0.1:8080/messages",
        );
        assert.match(stderr, /400/);
        assert.deepEqual(readFileSync(file), torn);
        const path = `/api/v1/namespaces/${stack.name}/pods/${(await apiPod(stack)).metadata.name as string}:8080/proxy/healthz`;
        assert.deepEqual(JSON.parse(await kubectl("get", `--raw=${path}`)), { status: "ok" });
        // Nobody counts what cannot be read as nothing.
        stack.edit({ storageMode: "ephemeral" });
        assert.deepEqual(codesIn((await stack.pulumi("preview")).text), ["claim-would-be-deleted"]);
        stack.edit({ storageMode: "persistent" });
    });

    describe("on a claim of somebody else's", () => {
        it("stay when the stack is destroyed, and are there again", async () => {
            const claim = await get(stack.name, "pvc", "synergychat-api-pvc");
            await kubectl("create", ...where, "--filename", `${import.meta.dirname}/support/claim.yaml`);
            stack.edit({ existingClaim: "brought-along", discardClaim: claim.metadata.uid });
            await stack.up();
            await say(stack, "five");
            const { uid } = (await get(stack.name, "pvc", "brought-along")).metadata;
            await stack.run("destroy", "--yes", "--skip-preview");
            assert.equal((await get(stack.name, "pvc", "brought-along")).metadata.uid, uid);
            await stack.up();
            assert.deepEqual(await messages(stack), ["five"]);
        });
    });
});
