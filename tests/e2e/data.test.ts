/** What happens to messages in both storage modes: the rows of docs/data-safety.md that no other scenario goes through. */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, messages, say } from "./support/app.ts";
import { apiRolledOut, get, kubectl, tryKubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { apiPod, crash, evict } from "./support/pods.ts";
import { TestStack } from "./support/stack.ts";

describe("the messages", () => {
    const stack = new TestStack("data", { storageMode: "ephemeral", crawlerContainers: 1 });
    const where = ["--namespace", stack.name];

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    describe("on ephemeral storage", () => {
        it("go when the node is drained", async () => {
            await say(stack, "one");
            await evict(stack);
            assert.deepEqual(await messages(stack), []);
        });

        it("go, with a warning before, if a refresh takes back what somebody changed by hand, and with another pull policy", async () => {
            const deployment = ["deployment/synergychat-api", ...where];
            await kubectl("set", "resources", ...deployment, "--limits=memory=300Mi");
            await apiRolledOut(stack.name);
            await say(stack, "written since");
            stack.edit({ imagePullPolicy: "Never" });
            const text = await stack.up("--refresh");
            assert.deepEqual(codesIn(text), ["ephemeral-messages-would-be-lost"], text);
            assert.match(text, /resources\.limits\.memory/);
            assert.match(text, /imagePullPolicy/);
            const { spec } = await get(stack.name, "deployment", "synergychat-api");
            assert.equal(spec.template.spec.containers[0].resources.limits.memory, "256Mi");
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
            const unready = ["--for=condition=Ready=false", "pod", "--selector=app=synergychat-api"];
            await kubectl("wait", ...unready, ...where);
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
            const { name } = (await apiPod(stack)).metadata;
            const path = `/api/v1/namespaces/${stack.name}/pods/${name as string}:8080/proxy/healthz`;
            assert.deepEqual(JSON.parse(await kubectl("get", `--raw=${path}`)), { status: "ok" });
            // Nobody counts what cannot be read as nothing.
            stack.edit({ storageMode: "ephemeral" });
            assert.deepEqual(codesIn((await stack.pulumi("preview")).text), ["claim-would-be-deleted"]);
        });
    });
});
