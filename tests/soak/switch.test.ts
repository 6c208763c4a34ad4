/** Ten switches with a thousand messages, and ten killed at random moments: all messages in order, no volume left over. */
import { strict as assert } from "node:assert";
import { ChatApi } from "../../kubernetes/chat-api.ts";
import { Client } from "../../kubernetes/client.ts";
import { render } from "../../pods/database.ts";
import { messages } from "../e2e/support/app.ts";
import { get, kubectl } from "../e2e/support/cluster.ts";
import { seeded } from "../e2e/support/interruptions.ts";
import { journal, operation } from "../e2e/support/operation.ts";
import { TestStack } from "../e2e/support/stack.ts";

const rounds = 10;
const thousand = Array.from({ length: 1000 }, (_, index) => `message ${index + 1}`);

/** What a switch prints, step by step: each is a moment at which it is killed. */
const moments = [
    /^1\/\d/m,
    /^2\/\d/m,
    /^3\/\d/m,
    /config set storageMode/,
    /Updating \(/,
    /api-deployment updating/,
    /claim (creating|deleting)/,
    /^4\/\d/m,
    /^5\/\d/m,
    /^6\/\d/m,
];

describe("npm run switch, again and again", () => {
    const stack = new TestStack("soak-switch", {
        storageMode: "ephemeral",
        crawlerContainers: 1,
    });
    const random = seeded();

    before(async () => {
        await stack.create();
        await stack.up();
        const api = new ChatApi(await Client.connect({ context: "minikube" }), stack.name);
        await api.replaceFile(render(thousand.map((Text) => ({ AuthorUsername: "ada", Text }))));
    });
    after(() => stack.remove());

    /** Volumes of this stack's claims, deleted ones included, until they are gone. */
    async function volumes(): Promise<string[]> {
        const { items } = JSON.parse(await kubectl("get", "pv", "--output=json")) as { items: any[] };
        return items
            .filter(({ spec }) => spec.claimRef?.namespace === stack.name)
            .map(({ metadata }) => metadata.name as string);
    }

    async function switchTo(mode: "persistent" | "ephemeral"): Promise<void> {
        const left = await volumes();
        const { status, text } = await operation("switch", stack, [mode]);
        assert.equal(status, 0, text);
        stack.edit({ storageMode: mode });
        assert.deepEqual(await messages(stack), thousand);
        assert.equal(journal(), undefined);
        if (mode === "ephemeral") {
            for (const volume of left) {
                await kubectl("wait", "--for=delete", `pv/${volume}`, "--timeout=60s");
            }
            assert.equal(await get(stack.name, "pvc", "synergychat-api-pvc"), undefined);
        }
        assert.equal((await volumes()).length, mode === "persistent" ? 1 : 0);
    }

    for (let round = 1; round <= rounds; round++) {
        const mode = round % 2 === 1 ? "persistent" : "ephemeral";
        it(`moves 1,000 messages to ${mode} storage (${round} of ${rounds})`, async () => {
            await switchTo(mode);
        });
    }

    for (let round = 1; round <= rounds; round++) {
        const mode = round % 2 === 1 ? "persistent" : "ephemeral";
        it(`moves them to ${mode} storage after a kill (${round} of ${rounds})`, async () => {
            const moment = moments[Math.floor(random() * moments.length)];
            const { status } = await operation("switch", stack, [mode], moment);
            console.log(`      ${status === null ? "killed" : "ended before"} ${String(moment)}`);
            await switchTo(mode);
        });
    }
});
