/** Commands killed in the middle, each followed by the one command that recovers. The full count is in tests/soak. */
import { strict as assert } from "node:assert";
import { folders, interrupt, nothingLeft, recover, seeded } from "./support/interruptions.ts";
import { TestStack } from "./support/stack.ts";

describe("interruptions", () => {
    const stack = new TestStack("killed", { crawlerContainers: 1 });
    const seen = new Set<string>();
    let random: () => number;

    before(async () => {
        random = seeded();
        await stack.create();
    });
    after(() => stack.remove());

    it("pulumi up goes on after the kill of its provider", async () => {
        await interrupt(stack, { command: "up", victim: "provider" }, random);
        await stack.up();
        await stack.up("--expect-no-changes");
        (await folders(stack)).forEach((folder) => seen.add(folder));
    });

    it("npm run down goes on after the kill of a pulumi destroy, and leaves nothing", async () => {
        await interrupt(stack, { command: "destroy", victim: "pulumi" }, random);
        await recover("down", stack);
        await nothingLeft(stack, seen);
    });

    it("npm run up goes on after the kill of a pulumi up", async () => {
        await interrupt(stack, { command: "up", victim: "pulumi" }, random);
        assert.match(await recover("up", stack), /SynergyChat is up/);
    });
});
