/** The same faults with and without the guard: what is lost, and for how long the api is silent. */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { ask, messages, say } from "../e2e/support/app.ts";
import { apiRolledOut, deleteApiPod, list } from "../e2e/support/cluster.ts";
import { execute } from "../e2e/support/execute.ts";
import { operation } from "../e2e/support/operation.ts";
import { TestStack } from "../e2e/support/stack.ts";
import { SteadyWriter } from "../e2e/support/steady-writer.ts";

const crashes = 20;
const deletions = 20;
const changes = 10;
const quiet = 8000; // ms between two faults, so that each is one of its own

describe("the faults of a day", () => {
    const stack = new TestStack("faults", { crawlerContainers: 1, backupSchedule: "* * * * *" });
    const silences: Record<string, number> = {};

    before(() => stack.create());
    after(async () => {
        console.log("      silent:", silences);
        await stack.remove();
    });

    async function breakThings(): Promise<void> {
        for (let crash = 0; crash < crashes; crash++) {
            await ask(stack, stack.apiHost, "/messages", {
                AuthorUsername: "ada",
                Text: "oh heck",
            }).catch(() => undefined);
            await sleep(quiet);
        }
        await apiRolledOut(stack.name);
        for (let deletion = 0; deletion < deletions; deletion++) {
            await deleteApiPod(stack.name);
            await sleep(quiet);
        }
        await restart("kubelet");
        await restart("containerd");
        for (let change = 0; change < changes; change++) {
            stack.edit({ imagePullPolicy: change % 2 === 0 ? "Never" : "IfNotPresent" });
            await stack.up();
            await sleep(quiet);
        }
    }

    /** Kills a program of the node, as an update or a fault would, and starts it again. Only the sandbox shows its programs. */
    async function restart(part: "kubelet" | "containerd"): Promise<void> {
        const { stdout } = await execute("npm", ["run", "--silent", "sandbox", "--", "status"], 60_000);
        const [, pid] = new RegExp(`^${part} +running +(\\d+)$`, "m").exec(stdout) ?? [];
        if (pid === undefined) {
            console.log(`      ${part} is not restarted: this is not the sandbox`);
            return;
        }
        process.kill(Number(pid), "SIGKILL");
        await sleep(quiet);
        const { status, stderr } = await execute("npm", ["run", "--silent", "sandbox", "--", "up"], 300_000);
        assert.equal(status, 0, stderr);
        await sleep(quiet);
    }

    for (const guard of [true, false]) {
        it(`lose no acknowledged message ${guard ? "with" : "without"} the guard`, async () => {
            stack.edit({ guard });
            await stack.up();
            await say(stack, `guard ${guard}`);
            const writer = new SteadyWriter(stack, `guard ${guard}`);
            try {
                await breakThings();
            } finally {
                await writer.stop();
            }
            silences[`guard ${guard}`] = writer.silence();
            console.log(
                `      acknowledged: ${writer.acknowledged.length}, silent: ${writer.silence().toFixed(3)}`,
            );
            assert.deepEqual(writer.lost(await messages(stack)), []);
        });
    }

    it("have a proven backup each minute", async () => {
        const { status, text } = await operation("backups", stack, ["--json"]);
        assert.equal(status, 0, text);
        const backups = JSON.parse(text.slice(text.search(/^\[$/m))) as { proven: boolean }[];
        assert.ok(backups.length > 0 && backups.every(({ proven }) => proven));
        const failed = (await list(stack.name, "job")).filter(({ status }) => (status.failed ?? 0) > 0);
        assert.deepEqual(failed, []);
    });

    it("silence a guarded api for less than a tenth of the time", () => {
        assert.ok((silences["guard true"] ?? 1) < 0.1);
        assert.ok((silences["guard true"] ?? 1) < (silences["guard false"] ?? 0));
    });
});
