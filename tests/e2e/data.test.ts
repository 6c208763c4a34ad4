/** What happens to the messages: the rows of docs/data-safety.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, messages, say } from "./support/app.ts";
import { apiRolledOut, get, kubectl, list, tryKubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("the messages", () => {
    const stack = new TestStack("data", { storageMode: "ephemeral", crawlerContainers: 1 });
    const where = ["--namespace", stack.name];

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    async function apiPod(): Promise<any> {
        return (await list(stack.name, "pod", "--selector=app=synergychat-api"))[0];
    }

    /** The file with the messages on the claim's volume, unless the node is another machine. */
    async function apiFile(): Promise<string | undefined> {
        const volume = (await get(stack.name, "pvc", "synergychat-api-pvc")).spec.volumeName as string;
        const folder = (await get("", "pv", volume)).spec.hostPath?.path as string | undefined;
        return folder !== undefined && existsSync(folder) ? join(folder, "db.json") : undefined;
    }

    /** As `kubectl drain` does with each pod of its node; without closing the node for the scenarios beside this one. */
    async function evict(): Promise<void> {
        const { name } = (await apiPod()).metadata;
        const eviction = {
            apiVersion: "policy/v1",
            kind: "Eviction",
            metadata: { name, namespace: stack.name },
        };
        const file = join(process.env.TMPDIR ?? "/tmp", `${stack.name}-eviction.json`);
        writeFileSync(file, JSON.stringify(eviction));
        const path = `/api/v1/namespaces/${stack.name}/pods/${name as string}/eviction`;
        await kubectl("create", `--raw=${path}`, "--filename", file);
        await kubectl("wait", "--for=delete", `pod/${name as string}`, ...where, "--timeout=60s");
        await apiRolledOut(stack.name);
    }

    /** The api exits when somebody swears: its container is restarted in the same pod. */
    async function crash(): Promise<void> {
        const restarts = async () => (await apiPod()).status.containerStatuses[0].restartCount as number;
        const before = await restarts();
        await assert.rejects(say(stack, "oh heck"));
        for (let attempt = 0; (await restarts()) === before; attempt++) {
            assert.ok(attempt < 100, "the api did not exit on a swear word");
            await sleep(100);
        }
    }

    describe("on ephemeral storage", () => {
        it("stay when the container crashes", async () => {
            await say(stack, "one");
            await crash();
            assert.deepEqual(await messages(stack), ["one"]);
        });

        it("go when the node is drained", async () => {
            await evict();
            assert.deepEqual(await messages(stack), []);
        });

        it("go when another pull policy replaces the pod, which says so", async () => {
            await say(stack, "two");
            stack.edit({ imagePullPolicy: "Never" });
            assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
            assert.deepEqual(await messages(stack), []);
        });

        it("go when the namespace is another, which says so", async () => {
            await say(stack, "three");
            stack.edit({ namespace: `${stack.name}-2` });
            const { text } = await stack.pulumi("preview");
            assert.deepEqual(codesIn(text), ["ephemeral-messages-would-be-lost"]);
            assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
            assert.equal(await kubectl("get", "namespace", stack.name, "--ignore-not-found"), "");
            stack.edit({ namespace: stack.name });
            await stack.up();
            assert.deepEqual(await messages(stack), []);
        });

        it("go on a plain switch to persistent storage, which says so", async () => {
            await say(stack, "three");
            stack.edit({ storageMode: "persistent" });
            assert.deepEqual(codesIn(await stack.up()), ["ephemeral-messages-would-be-lost"]);
            assert.deepEqual(await messages(stack), []);
        });
    });

    describe("on persistent storage", () => {
        it("stay when the container crashes", async () => {
            await say(stack, "four");
            await crash();
            assert.deepEqual(await messages(stack), ["four"]);
        });

        it("stay when the node is drained", async () => {
            await evict();
            assert.deepEqual(await messages(stack), ["four"]);
        });

        it("stay when another pull policy replaces the pod", async () => {
            stack.edit({ imagePullPolicy: "IfNotPresent" });
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
            const path = `/api/v1/namespaces/${stack.name}/pods/${(await apiPod()).metadata.name as string}:8080/proxy/healthz`;
            assert.deepEqual(JSON.parse(await kubectl("get", `--raw=${path}`)), { status: "ok" });
            // Nobody counts what cannot be read as nothing.
            stack.edit({ storageMode: "ephemeral" });
            assert.deepEqual(codesIn((await stack.pulumi("preview")).text), ["claim-would-be-deleted"]);
            stack.edit({ storageMode: "persistent" });
        });
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

        it("are not deleted with the namespace unasked, when no pod uses it any more", async () => {
            stack.edit({ existingClaim: undefined, discardClaim: undefined });
            await stack.up();
            stack.edit({ namespace: `${stack.name}-2` });
            const { status, text } = await stack.pulumi("preview");
            assert.notEqual(status, 0, text);
            assert.deepEqual(codesIn(text), ["foreign-claim-would-be-deleted"]);
            stack.edit({ namespace: stack.name });
        });
    });
});
