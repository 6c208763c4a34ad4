/** Two stacks in one cluster: neither sees the other, and the end of one is nothing to the other. */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, askUntilReady, messages, say } from "./support/app.ts";
import { get } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { TestStack } from "./support/stack.ts";

describe("two stacks side by side", () => {
    const left = new TestStack("left", { crawlerContainers: 1 });
    const right = new TestStack("right", { crawlerContainers: 1 });

    before(async () => {
        for (const stack of [left, right]) {
            await stack.create();
            await stack.up();
        }
    });
    after(async () => {
        await left.remove();
        await right.remove();
    });

    it("keep their messages apart, each on a volume of its own", async () => {
        await say(left, "from the left");
        await say(right, "from the right");
        assert.deepEqual(await messages(left), ["from the left"]);
        assert.deepEqual(await messages(right), ["from the right"]);
        const volume = async ({ name }: TestStack) =>
            (await get(name, "pvc", "synergychat-api-pvc")).spec.volumeName;
        assert.notEqual(await volume(left), await volume(right));
    });

    it("have a page each, which calls its own api", async () => {
        for (const stack of [left, right]) {
            await askUntilReady(stack, stack.webHost, "/");
            const { body } = await ask(stack, stack.webHost, "/app.js");
            assert.ok(body.includes(`http://${stack.apiHost}`), body);
        }
    });

    it("have nothing to do when the other changes", async () => {
        left.edit({ crawlerKeywords: ["night"] });
        await left.up();
        await right.up("--expect-no-changes");
    });

    it("refuse to move into each other's namespace", async () => {
        left.edit({ namespace: right.name });
        const { status, text } = await left.pulumi("preview");
        left.edit({ namespace: left.name });
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["other-namespace"]);
    });

    it("go on serving, without one failed request, while the other is destroyed", async () => {
        const watch = watching(right);
        await left.run("destroy", "--yes", "--skip-preview");
        const seen = await watch.end();
        assert.ok(seen.length > 5, `only ${seen.length} requests`);
        assert.deepEqual([...new Set(seen)], ["page 200", "api 200"]);
        assert.equal(await get("", "namespace", left.name), undefined);
        assert.deepEqual(await messages(right), ["from the right"]);
    });

    it("answer nothing under the host of the one that is gone", async () => {
        assert.notEqual((await ask(right, left.apiHost, "/messages")).status, 200);
    });
});

/** Asks for page and api a few times a second, five minutes at most, until told to end. */
function watching(stack: TestStack): { end: () => Promise<string[]> } {
    const seen: string[] = [];
    const last = Date.now() + 300_000;
    const ended = new AbortController();
    const status = (host: string, path: string) =>
        ask(stack, host, path).then(
            (response) => String(response.status),
            (error: unknown) => String(error),
        );
    const loop = (async () => {
        while (!ended.signal.aborted && Date.now() < last) {
            seen.push(`page ${await status(stack.webHost, "/")}`);
            seen.push(`api ${await status(stack.apiHost, "/messages")}`);
            await sleep(200);
        }
    })();
    return {
        end: async () => {
            ended.abort();
            await loop;
            return seen;
        },
    };
}
