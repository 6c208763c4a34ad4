/**
 * The node itself: stopped and started, and deleted with everything on it, as by `minikube stop` and `minikube delete`.
 * In a second sandbox, so that the other scenarios keep their node.
 */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxEnvironment } from "../../cli/clusters/sandbox.ts";
import { messages, say } from "./support/app.ts";
import { apiRolledOut, get } from "./support/cluster.ts";
import { execute } from "./support/execute.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("the node", () => {
    const stack = new TestStack("node", { crawlerContainers: 1 });
    let environment: NodeJS.ProcessEnv;
    const state = mkdtempSync(join(tmpdir(), "synergychat-node-"));

    before(async function () {
        environment = { ...process.env };
        const built = await execute("npm", ["run", "--silent", "sandbox", "--", "env"], 60_000);
        if (built.status !== 0) {
            this.skip(); // a cluster of somebody's own: nothing of it is stopped or deleted here
        }
        process.env.SYNERGYCHAT_SANDBOX_STATE = state;
        await sandbox("up");
        const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE } = environment;
        Object.assign(process.env, sandboxEnvironment(process.env), {
            PULUMI_BACKEND_URL,
            PULUMI_CONFIG_PASSPHRASE,
        });
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(async () => {
        try {
            await stack.remove();
            await sandbox("clean");
        } finally {
            // The scenarios after this one run in this process as well.
            for (const name of Object.keys(process.env)) {
                Reflect.deleteProperty(process.env, name);
            }
            Object.assign(process.env, environment);
            rmSync(state, { recursive: true, force: true });
        }
    });

    async function sandbox(command: "up" | "down" | "clean"): Promise<void> {
        const ended = await execute("npm", ["run", "--silent", "sandbox", "--", command], 280_000);
        assert.equal(ended.status, 0, ended.stdout + ended.stderr);
    }

    it("is stopped and started: the messages on persistent storage stay", async () => {
        const claim = await get(stack.name, "pvc", "synergychat-api-pvc");
        await sandbox("down");
        await sandbox("up");
        await apiRolledOut(stack.name);
        assert.deepEqual(await messages(stack), ["one", "two"]);
        assert.equal((await get(stack.name, "pvc", "synergychat-api-pvc")).metadata.uid, claim.metadata.uid);
        await stack.up("--refresh", "--expect-no-changes");
    });

    it("is deleted: the messages are gone with it, and npm run up makes all of it anew", async () => {
        await sandbox("clean");
        const { status, text } = await operation("up", stack);
        assert.equal(status, 0, text);
        assert.deepEqual(await messages(stack), []);
        await stack.up("--expect-no-changes");
    });
});
