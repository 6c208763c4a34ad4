/** Thirty commands killed at random moments, thirty recoveries by one command each, and nothing left. */
import { strict as assert } from "node:assert";
import { releaseDeadLock } from "../../pulumi/lock.ts";
import { type Hit, folders, interrupt, nothingLeft, recover, seeded } from "../e2e/support/interruptions.ts";
import { TestStack } from "../e2e/support/stack.ts";

type Recovery = (stack: TestStack) => Promise<unknown>;

const recoveries: Record<string, { readonly leavesApp: boolean; readonly recover: Recovery }> = {
    "npm run up": { leavesApp: true, recover: (stack) => recover("up", stack) },
    "npm run down": { leavesApp: false, recover: (stack) => recover("down", stack) },
    "pulumi up": { leavesApp: true, recover: (stack) => freed(stack).then(() => stack.up()) },
    "pulumi destroy": {
        leavesApp: false,
        recover: (stack) => freed(stack).then(() => stack.run("destroy", "--yes", "--skip-preview")),
    },
};

/**
 * By plain Pulumi. After the kill of a provider nothing is locked, and there is nothing to cancel. Killed in one certain
 * instant pulumi leaves a state that it cannot open itself: that is for `npm run up`, and counted.
 */
async function freed(stack: TestStack): Promise<void> {
    const { text } = await stack.pulumi("cancel", "--yes");
    if (text.includes("failed to load checkpoint")) {
        console.log("      plain pulumi cannot open its state: freed as by npm run up");
        const login = { env: process.env, url: process.env.PULUMI_BACKEND_URL ?? "" };
        releaseDeadLock(stack.name, login, console.log);
    }
}

/** Each hit with its recovery; a round begins and ends without the app. A killed first up is never destroyed by plain Pulumi, which cannot know what it made. */
const round: readonly (readonly [Hit, string])[] = [
    [{ command: "up", victim: "pulumi" }, "npm run up"],
    [{ command: "destroy", victim: "pulumi" }, "npm run down"],
    [{ command: "up", victim: "provider" }, "pulumi up"],
    [{ command: "destroy", victim: "provider" }, "pulumi destroy"],
    [{ command: "up", victim: "pulumi" }, "npm run down"],
    [{ command: "up", victim: "pulumi" }, "pulumi up"],
    [{ command: "destroy", victim: "pulumi" }, "npm run up"],
    [{ command: "destroy", victim: "pulumi" }, "pulumi destroy"],
    [{ command: "up", victim: "provider" }, "npm run down"],
    [{ command: "up", victim: "provider" }, "npm run up"],
    [{ command: "destroy", victim: "provider" }, "npm run down"],
];

const kills = Number(process.env.KILLS ?? 30);

describe(`${kills} interruptions`, () => {
    const stack = new TestStack("soak", { crawlerContainers: 1 });
    const seen = new Set<string>();
    let random: () => number;

    before(async () => {
        random = seeded();
        await stack.create();
    });
    after(() => stack.remove());

    for (let number = 0; number < kills; number++) {
        const [hit, name] = round[number % round.length] ?? [];
        const recovery = recoveries[name ?? ""];
        assert.ok(hit && recovery);
        it(`${number + 1}: ${hit.victim} of ${hit.command}, then ${name ?? ""}`, async () => {
            await interrupt(stack, hit, random);
            (await folders(stack)).forEach((folder) => seen.add(folder));
            await recovery.recover(stack);
            if (recovery.leavesApp) {
                await stack.up("--expect-no-changes");
            } else {
                await nothingLeft(stack, seen);
            }
        });
    }
});
