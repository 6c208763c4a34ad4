/** `npm run verify` on a stack with every feature. */
import { strict as assert } from "node:assert";
import { TestStack } from "./support/stack.ts";
import { verify } from "./support/verify.ts";

describe("npm run verify with guard and backups", () => {
    const guarded = { guard: true, backupSchedule: "0 3 * * *", crawlerContainers: 1 };
    const stack = new TestStack("verify-guarded", guarded);

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    it("passes, although the api's pod mounts two claims", async () => {
        const report = await verify(stack);
        assert.equal(report.failed, 0, JSON.stringify(report));
    });
});
