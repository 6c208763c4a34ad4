/** guard: a crash that nobody notices, a torn file that heals, and a clear message if the image cannot be guarded. */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { post, read } from "../../pods/tests/support/chat.ts";
import { History } from "../../pods/tests/support/set-full.ts";
import { address, messages, say } from "./support/app.ts";
import { deleteApiPod, get, kubectl, list, tryKubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("the guard", () => {
    const stack = new TestStack("guard", { guard: true, crawlerContainers: 1 });
    const where = ["--namespace", stack.name];

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    async function apiPod(): Promise<any> {
        return (await list(stack.name, "pod", "--selector=app=synergychat-api"))[0];
    }

    function inApi(script: string): Promise<string> {
        return kubectl(
            "exec",
            "deployment/synergychat-api",
            ...where,
            "-c",
            "synergychat-api",
            "--",
            "sh",
            "-c",
            script,
        );
    }

    /** Waits until the api's pod has an Event of this reason. */
    async function eventOf(reason: string): Promise<any> {
        for (let attempt = 0; attempt < 120; attempt++) {
            const [event] = await list(stack.name, "events", `--field-selector=reason=${reason}`);
            if (event) {
                return event;
            }
            await sleep(500);
        }
        assert.fail(`no Event ${reason}`);
    }

    async function messagesWhenBack(): Promise<string[]> {
        for (let attempt = 0; ; attempt++) {
            try {
                return await messages(stack);
            } catch (error) {
                if (attempt === 120) {
                    throw error;
                }
                await sleep(500);
            }
        }
    }

    it("has nothing to do when nothing has changed", async () => {
        await stack.run("preview", "--expect-no-changes");
        await stack.run("preview", "--refresh", "--expect-no-changes");
    });

    it("restarts a crashed api within its container, and tells it as an Event", async () => {
        const before = await apiPod();
        await assert.rejects(say(stack, "oh heck"));
        const { involvedObject } = await eventOf("ApiRestarted");
        assert.equal(involvedObject.name, before.metadata.name);
        assert.deepEqual(await messagesWhenBack(), ["one", "two"]);
        const after = await apiPod();
        assert.equal(after.metadata.uid, before.metadata.uid);
        assert.deepEqual(
            after.status.containerStatuses.map(({ restartCount }: any) => restartCount),
            [0, 0],
        );
    });

    for (const [what, script] of [
        ["is empty", ': > "$API_DB_FILEPATH"'],
        [
            "is cut",
            'head -c 40 "$API_DB_FILEPATH" > /run/synergychat/cut && cat /run/synergychat/cut > "$API_DB_FILEPATH"',
        ],
    ] as const) {
        it(`repairs a file that ${what}, with every message`, async () => {
            await inApi(script);
            assert.deepEqual(await messagesWhenBack(), ["one", "two"]);
            await eventOf("ApiFileRepaired");
            await say(stack, "three");
            assert.deepEqual(await messages(stack), ["one", "two", "three"]);
            await inApi('ls "$(dirname "$API_DB_FILEPATH")"/.guard/torn-*');
            await inApi(
                'printf "[\\n  {\\n    \\"AuthorUsername\\": \\"ada\\",\\n    \\"Text\\": \\"one\\"\\n  },\\n  {\\n    \\"AuthorUsername\\": \\"ada\\",\\n    \\"Text\\": \\"two\\"\\n  }\\n]" > "$API_DB_FILEPATH.part" && mv "$API_DB_FILEPATH.part" "$API_DB_FILEPATH"',
            );
            await eventOf("ApiFileShorter");
        });
    }

    it("puts back a message that another write has overwritten", async () => {
        await say(stack, "three");
        await inApi(
            'sed "s/three/four/" "$API_DB_FILEPATH" > /run/synergychat/late && cat /run/synergychat/late > "$API_DB_FILEPATH"',
        );
        await eventOf("ApiMessagesPutBack");
        assert.deepEqual(await messages(stack), ["one", "two", "three", "four"]);
    });

    it("is checked by npm run verify, with what it did", async () => {
        const { status, text } = await operation("verify", stack, ["--json"]);
        assert.equal(status, 0, text);
        const { checks } = JSON.parse(text.slice(text.search(/^\{$/m))) as {
            checks: { heading: string; seen: string }[];
        };
        const guard = checks.find(({ heading }) => heading === "Guard");
        assert.match(guard?.seen ?? "", /restarts 1, repairs 2, shorter files 2, messages put back 1/);
    });

    it("may create Events in its namespace, and nothing else", async () => {
        const account = `--as=system:serviceaccount:${stack.name}:synergychat-api`;
        const may = async (verb: string, resource: string, namespace = stack.name) =>
            (
                await tryKubectl("auth", "can-i", verb, resource, account, "--namespace", namespace)
            ).stdout.trim();
        assert.equal(await may("create", "events"), "yes");
        assert.equal(await may("get", "pods"), "no");
        assert.equal(await may("list", "secrets"), "no");
        assert.equal(await may("create", "events", "default"), "no");
        const { spec } = await apiPod();
        const hasToken = (container: any) =>
            container.volumeMounts.some(({ mountPath }: any) => mountPath.startsWith("/var/run/secrets"));
        const withToken = spec.containers.filter(hasToken).map(({ name }: any) => name);
        assert.deepEqual(withToken, ["synergychat-guard"]);
    });

    it("says that an image without a shell cannot be guarded", async () => {
        stack.edit({ images: { api: "bootdotdev/synergychat-api:without-shell" } });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["image-without-shell"]);
        stack.edit({ images: undefined });
        await stack.up("--refresh");
        assert.deepEqual(await messages(stack), ["one", "two", "three", "four"]);
    });

    it("loses none of the messages of 16 people while the api crashes again and again, and its pod is deleted", async () => {
        const place = { address: await address(stack), host: stack.apiHost };
        const history = new History();
        let isOver = false;
        const people = Array.from({ length: 16 }, async (_, person) => {
            for (let count = 1; !isOver; count++) {
                await history.write(`${person}-${count}`, (text) => post(place, text));
                await sleep(100);
            }
        });
        const isBack = async () => {
            const before = history.verdict().acknowledged;
            for (let attempt = 0; history.verdict().acknowledged < before + 16; attempt++) {
                assert.ok(attempt < 1200, "the api does not come back");
                await history.read(() => read(place));
                await sleep(100);
            }
        };
        try {
            await isBack();
            for (let crash = 0; crash < 5; crash++) {
                await assert.rejects(say(stack, "oh heck"));
                await isBack();
                await sleep(1500); // an api that ends at once, again and again, is left to Kubernetes
            }
            const restarts = (await apiPod()).status.containerStatuses.map((one: any) => one.restartCount);
            assert.deepEqual(restarts, [0, 0]);
            await deleteApiPod(stack.name);
            await isBack();
        } finally {
            isOver = true;
            await Promise.all(people);
        }
        await history.read(() => read(place));
        const { acknowledged, unknown, silence, lost, stale, duplicated, contradicted, reordered } =
            history.verdict();
        console.log(
            `      acknowledged ${acknowledged}, unknown ${unknown}, longest silence ${Math.round(silence)} ms`,
        );
        assert.deepEqual(
            { lost, stale, duplicated, contradicted, reordered },
            { lost: [], stale: [], duplicated: [], contradicted: [], reordered: 0 },
        );
    });

    it("leaves the chapter's pod when it is switched off", async () => {
        const before = await messages(stack);
        stack.edit({ guard: undefined });
        await stack.up();
        const { spec } = await apiPod();
        assert.equal(spec.containers.length, 1);
        assert.equal(await get(stack.name, "serviceaccount", "synergychat-api"), undefined);
        // The next pod is made without the account, too.
        await deleteApiPod(stack.name);
        assert.deepEqual(await messages(stack), before);
    });
});
