/**
 * What a planned stop costs: the silence when the api's pod is deleted, and when the config changes, with the guard and without,
 * in turns, while one person posts. ROUNDS changes the number of stops of each.
 */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { post, read } from "../../pods/tests/support/chat.ts";
import { History } from "../../pods/tests/support/set-full.ts";
import { address, say } from "../e2e/support/app.ts";
import { deleteApiPod, tryKubectl } from "../e2e/support/cluster.ts";
import { TestStack } from "../e2e/support/stack.ts";

const rounds = Number(process.env.ROUNDS ?? 10);
const quiet = 4000; // ms before and after a stop

/** A way to replace the api's pod. Returns when the new one is ready. */
type Stop = (stack: TestStack, round: number) => Promise<void>;

const stops: Readonly<Record<string, Stop>> = {
    "deleted pod": ({ name }) => deleteApiPod(name),
    "change of the config": async (stack, round) => {
        stack.edit({ apiMemory: `${256 + (round % 2)}Mi` });
        await stack.up();
    },
};

/** Replaces a file that a stop has torn: until somebody does, a pod without the guard is never ready. */
async function repair({ name }: TestStack): Promise<void> {
    const replaceTorn = 'grep -q "]" "$API_DB_FILEPATH" || printf "[]" >"$API_DB_FILEPATH"';
    await tryKubectl(
        "exec",
        "--namespace",
        name,
        "deployment/synergychat-api",
        "--",
        "sh",
        "-c",
        replaceTorn,
    );
}

describe("a planned stop", () => {
    const stacks = [false, true].map((guard) => ({
        guard,
        stack: new TestStack(`stop-${guard ? "guarded" : "plain"}`, { crawlerContainers: 1, guard }),
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
    async function silence(stack: TestStack, guard: boolean, stop: () => Promise<void>): Promise<number> {
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
        let isRepaired = false as boolean;
        const repairing = (async () => {
            while (!guard && !isRepaired) {
                await repair(stack);
                await sleep(3000);
            }
        })();
        await stop();
        isRepaired = true;
        await repairing;
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

    for (const [name, stop] of Object.entries(stops)) {
        describe(`by a ${name}`, () => {
            const silences = new Map(stacks.map(({ guard }) => [guard, [] as number[]]));

            for (let round = 1; round <= rounds; round++) {
                it(`loses no acknowledged message of a guarded api (${round} of ${rounds})`, async () => {
                    for (const { stack, guard } of stacks) {
                        const measured = await silence(stack, guard, () => stop(stack, round));
                        silences.get(guard)?.push(measured);
                    }
                });
            }

            it("silences a guarded api for no longer", () => {
                const [plain = NaN, guarded = NaN] = [...silences].map(([guard, measured]) => {
                    console.log(`      guard ${guard}: ${measured.map(Math.round).join(", ")} ms`);
                    return measured.sort((one, other) => one - other)[rounds >> 1];
                });
                console.log(`      medians: ${Math.round(plain)} ms, ${Math.round(guarded)} ms`);
                console.log(`      ratio: ${(guarded / plain).toFixed(2)}`);
                assert.ok(guarded <= plain);
            });
        });
    }
});
