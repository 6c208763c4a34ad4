/** What happens to the messages: the rows of docs/data.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, messages, say } from "./support/app";
import { apiRolledOut, get, kubectl, list } from "./support/cluster";
import { TestStack } from "./support/stack";

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
            assert.match(await stack.up(), /The api's 1 message on ephemeral storage will be lost/);
            assert.deepEqual(await messages(stack), []);
        });

        it("go when the namespace is another, which says so", async () => {
            await say(stack, "three");
            stack.edit({ namespace: `${stack.name}-2` });
            const elsewhere = new RegExp(
                `1 message on ephemeral storage in namespace ${stack.name} will be lost`,
            );
            assert.match((await stack.pulumi("preview")).text, elsewhere);
            assert.match(await stack.up(), elsewhere);
            assert.equal(await kubectl("get", "namespace", stack.name, "--ignore-not-found"), "");
            stack.edit({ namespace: stack.name });
            await stack.up();
            assert.deepEqual(await messages(stack), []);
        });

        it("go on a plain switch to persistent storage, which says so", async () => {
            await say(stack, "three");
            stack.edit({ storageMode: "persistent" });
            assert.match(await stack.up(), /The api's 1 message on ephemeral storage will be lost/);
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

        it("fail in sight of everybody when a kill in mid-write has cut the file", async function () {
            const volume = (await get(stack.name, "pvc", "synergychat-api-pvc")).spec.volumeName as string;
            const folder = (await get("", "pv", volume)).spec.hostPath?.path as string | undefined;
            if (folder === undefined || !existsSync(folder)) {
                this.skip(); // the node is another machine
            }
            writeFileSync(join(folder, "db.json"), '[{"AuthorUsername":"ada","Te');
            await kubectl(
                "wait",
                "--for=condition=Ready=false",
                "pod",
                "--selector=app=synergychat-api",
                ...where,
            );
            const { status } = await ask(stack, stack.apiHost, "/messages");
            assert.ok(status >= 500, `GET /messages answered ${status}`);
            const path = `/api/v1/namespaces/${stack.name}/pods/${(await apiPod()).metadata.name as string}:8080/proxy/healthz`;
            assert.equal(await kubectl("get", `--raw=${path}`), "OK");
            // Nobody counts what cannot be read as nothing.
            stack.edit({ storageMode: "ephemeral" });
            assert.match((await stack.pulumi("preview")).text, /with messages that cannot be counted/);
            stack.edit({ storageMode: "persistent" });
        });
    });

    describe("on a claim of somebody else's", () => {
        it("stay when the stack is destroyed, and are there again", async () => {
            const claim = await get(stack.name, "pvc", "synergychat-api-pvc");
            await kubectl("create", ...where, "--filename", `${__dirname}/support/claim.yaml`);
            stack.edit({ existingClaim: "brought-along", discardClaim: claim.metadata.uid });
            await stack.up();
            await say(stack, "five");
            const { uid } = (await get(stack.name, "pvc", "brought-along")).metadata;
            await stack.must("destroy", "--yes", "--skip-preview");
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
            assert.match(
                text,
                /Claim brought-along is not the stack's, and would go with its namespace e2e-data/,
            );
            stack.edit({ namespace: stack.name });
        });
    });
});
