/**
 * What a planned stop costs: the silence when the api's pod is deleted, with the guard and without, in turns, while one person
 * posts. ROUNDS changes the number of stops of each.
 */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { post, read } from "../../pods/tests/support/chat.ts";
import { History } from "../../pods/tests/support/set-full.ts";
import { address, say } from "../e2e/support/app.ts";
import { apiRolledOut, deleteApiPod, kubectl } from "../e2e/support/cluster.ts";
import { TestStack } from "../e2e/support/stack.ts";

const rounds = Number(process.env.ROUNDS ?? 10);
const quiet = 4000; // ms before and after a stop

describe("a deleted pod", () => {
    const stacks = [false, true].map((guard) => ({
        guard,
        stack: new TestStack(`deleted-${guard ? "guarded" : "plain"}`, { crawlerContainers: 1, guard }),
        silences: [] as number[],
    }));

    before(async () => {
        for (const { stack } of stacks) {
            await stack.create();
            await stack.up();
            await say(stack, "first");
        }
    });
    after(async () => {
        for (const { stack } of stacks) {
            await stack.remove();
        }
    });

    /** The longest time in which no post gets its 201, in ms. */
    async function silence(stack: TestStack, guard: boolean): Promise<number> {
        const place = { address: await address(stack), host: stack.apiHost };
        const history = new History(await read(place));
        let isOver = false as boolean;
        const writer = (async () => {
            for (let count = 1; !isOver; count++) {
                await history.write(`${performance.now()}`, (text) => post(place, text));
                await sleep(20);
            }
        })();
        await sleep(quiet / 2);
        await deleteApiPod(stack.name).catch(async (error: unknown) => {
            if (guard) {
                throw error;
            }
            // The stop has torn the file, so the pod is never ready.
            const repair = ["sh", "-c", 'printf "[]" >"$API_DB_FILEPATH"'];
            await kubectl("exec", "--namespace", stack.name, "deployment/synergychat-api", "--", ...repair);
            await apiRolledOut(stack.name);
        });
        await sleep(quiet);
        isOver = true;
        await writer;
        await history.read(() => read(place));
        const verdict = history.verdict();
        const { lost, duplicated, contradicted } = verdict;
        if (guard) {
            assert.deepEqual(
                { lost, duplicated, contradicted },
                { lost: [], duplicated: [], contradicted: [] },
            );
        }
        return verdict.silence;
    }

    for (let round = 1; round <= rounds; round++) {
        it(`loses no acknowledged message of a guarded api (${round} of ${rounds})`, async () => {
            for (const { stack, guard, silences } of stacks) {
                silences.push(await silence(stack, guard));
            }
        });
    }

    it("silences a guarded api for no longer", () => {
        const medians = stacks.map(
            ({ silences }) => [...silences].sort((one, other) => one - other)[rounds >> 1] ?? NaN,
        );
        for (const { guard, silences } of stacks) {
            console.log(`      guard ${guard}: ${silences.map(Math.round).join(", ")} ms`);
        }
        const [plain = NaN, guarded = NaN] = medians;
        console.log(
            `      medians: ${Math.round(plain)} ms, ${Math.round(guarded)} ms, ${(guarded / plain).toFixed(2)}`,
        );
        assert.ok(guarded <= plain);
    });
});
