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
    after(() => stack.remove());

    const faults = {
        crashes: async () => {
            for (let crash = 0; crash < crashes; crash++) {
                const message = { AuthorUsername: "ada", Text: "oh heck" };
                await ask(stack, stack.apiHost, "/messages", message).catch(() => undefined);
                await sleep(quiet);
            }
            await apiRolledOut(stack.name);
        },
        "deleted pods": async () => {
            for (let deletion = 0; deletion < deletions; deletion++) {
                await deleteApiPod(stack.name);
                await sleep(quiet);
            }
        },
        "restarts of kubelet and containerd": async () => {
            await restart("kubelet");
            await restart("containerd");
        },
        "config changes": async () => {
            for (let change = 0; change < changes; change++) {
                stack.edit({ imagePullPolicy: change % 2 === 0 ? "Never" : "IfNotPresent" });
                await stack.up();
                await sleep(quiet);
            }
        },
    };

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
        describe(guard ? "with the guard" : "without the guard", () => {
            before(async () => {
                stack.edit({ guard });
                await stack.up();
                await say(stack, `guard ${guard}`);
            });

            for (const [kind, happen] of Object.entries(faults)) {
                it(`lose no acknowledged message: ${kind}`, async () => {
                    const name = `guard ${guard}, ${kind}`;
                    const writer = new SteadyWriter(stack, name);
                    try {
                        await happen();
                    } finally {
                        await writer.stop();
                    }
                    silences[name] = writer.silence();
                    const part = writer.silence().toFixed(3);
                    console.log(`      acknowledged: ${writer.acknowledged.length}, silent: ${part}`);
                    assert.deepEqual(writer.lost(await messages(stack)), []);
                });
            }
        });
    }

    // Mocha runs the tests of a describe before those of the describes in it.
    describe("afterwards", () => {
        it("have a proven backup each minute", async () => {
            const { status, text } = await operation("backups", stack, ["--json"]);
            assert.equal(status, 0, text);
            const backups = JSON.parse(text.slice(text.search(/^\[$/m))) as { proven: boolean }[];
            assert.ok(backups.length > 0 && backups.every(({ proven }) => proven));
            const failed = (await list(stack.name, "job")).filter(({ status }) => (status.failed ?? 0) > 0);
            assert.deepEqual(failed, []);
        });

        it("silence a guarded api that crashes again and again for less than a tenth of the time", () => {
            assert.ok((silences["guard true, crashes"] ?? 1) < 0.1);
            assert.ok((silences["guard true, crashes"] ?? 1) < (silences["guard false, crashes"] ?? 0));
        });
    });
});
