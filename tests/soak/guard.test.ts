/**
 * The same faults with and without the guard, while 16 people post: what is acknowledged, lost and duplicated, and for how long
 * the api is silent. The last test prints the table of docs/databases.md.
 */
import { strict as assert } from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, ask as askPlace, post, read } from "../../pods/tests/support/chat.ts";
import { type Verdict, History } from "../../pods/tests/support/set-full.ts";
import { address, say } from "../e2e/support/app.ts";
import { apiRolledOut, deleteApiPod, kubectl, list, until } from "../e2e/support/cluster.ts";
import { execute } from "../e2e/support/execute.ts";
import { operation } from "../e2e/support/operation.ts";
import { TestStack } from "../e2e/support/stack.ts";

const people = 16;
const repetitions = Number(process.env.FAULTS ?? 5); // of each fault
const quiet = 8000; // ms between two faults, so that each is one of its own

describe("the faults of a day", () => {
    const stack = new TestStack("faults", { crawlerContainers: 1, backupSchedule: "* * * * *" });
    const verdicts = new Map<string, Verdict>();
    let place: { address: string; host: string };

    before(() => stack.create());
    after(() => stack.remove());

    async function often(fault: (turn: number) => Promise<unknown>): Promise<void> {
        for (let turn = 0; turn < repetitions; turn++) {
            await fault(turn);
            await sleep(quiet);
        }
    }

    const faults: Record<string, () => Promise<unknown>> = {
        none: () => sleep(quiet),
        "a swear word": () =>
            often(() => askPlace(place, "POST", "/messages", messageOf("oh heck")).catch(() => undefined)),
        "the process is killed": () =>
            often(() => {
                apiProcesses().forEach((pid) => process.kill(pid, "SIGKILL"));
                return Promise.resolve();
            }),
        "the pod is deleted": () => often(() => deleteApiPod(stack.name)),
        "the config changes": () =>
            often((turn) => up({ imagePullPolicy: turn % 2 === 0 ? "Never" : "IfNotPresent" })),
        "the image is updated": () =>
            often((turn) =>
                up({ images: turn % 2 === 0 ? { api: "docker.io/bootdotdev/synergychat-api" } : undefined }),
            ),
        "kubelet and containerd are killed": async () => {
            await restart("kubelet");
            await restart("containerd");
        },
    };

    async function up(changes: Record<string, unknown>): Promise<void> {
        stack.edit(changes);
        await stack.up();
        await apiRolledOut(stack.name);
    }

    /** The api's processes of this stack. Only the sandbox shows them. */
    function apiProcesses(): number[] {
        return readdirSync("/proc")
            .map(Number)
            .filter((pid) => {
                try {
                    const [command, environment] = ["cmdline", "environ"].map((name) =>
                        readFileSync(`/proc/${pid}/${name}`, "utf8"),
                    );
                    return command?.startsWith("/bin/api\0") && environment?.includes(podName);
                } catch {
                    return false;
                }
            });
    }
    let podName = "";

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

    /** What people are told and see while something happens, and when it is over. */
    async function during(name: string, happen: () => Promise<unknown>) {
        let failure: Error | undefined;
        const history = new History(await read(place));
        let isOver = false as boolean;
        const writers = Array.from({ length: people }, async (_, person) => {
            for (let count = 1; !isOver; count++) {
                await history.write(`${name} ${person}-${count}`, (text) => post(place, text));
                await sleep(200);
            }
        });
        const reader = (async () => {
            while (!isOver) {
                await history.read(() => read(place));
                await sleep(200);
            }
        })();
        try {
            await happen();
            await apiRolledOut(stack.name);
        } catch (error) {
            failure = error as Error; // Without the guard, a stop may tear the file for good.
        }
        isOver = true;
        await Promise.all([...writers, reader]);
        await history.read(() => read(place));
        return { verdict: history.verdict(), failure };
    }

    for (const guard of [true, false]) {
        describe(guard ? "with the guard" : "without the guard", () => {
            before(async () => {
                await up({ guard });
                await say(stack, `guard ${guard}`);
                place = { address: await address(stack), host: stack.apiHost };
            });

            for (const [fault, happen] of Object.entries(faults)) {
                it(`${guard ? "lose no acknowledged message" : "are survived"}: ${fault}`, async () => {
                    podName = (await list(stack.name, "pod", "--selector=app=synergychat-api"))[0].metadata
                        .name;
                    const { verdict, failure } = await during(`${fault} ${guard}`, happen);
                    verdicts.set(`${fault} ${guard}`, verdict);
                    const { lost, duplicated, stale, contradicted, acknowledged, silence } = verdict;
                    console.log(
                        `      acknowledged ${acknowledged}, lost ${lost.length}, longest silence ${Math.round(silence)} ms`,
                    );
                    assert.ok(acknowledged > 0);
                    if (guard) {
                        assert.ifError(failure);
                        assert.deepEqual(
                            { lost, duplicated, stale, contradicted },
                            { lost: [], duplicated: [], stale: [], contradicted: [] },
                        );
                    }
                });
            }

            if (guard) {
                it("have a proven backup each minute", async () => {
                    const { status, text, stdout } = await operation("backups", stack, ["--json"]);
                    assert.equal(status, 0, text);
                    const backups = JSON.parse(stdout) as { proven: boolean }[];
                    assert.ok(backups.length > 0 && backups.every(({ proven }) => proven));
                    const failed = (await list(stack.name, "job")).filter(
                        ({ status }) => (status.failed ?? 0) > 0,
                    );
                    assert.deepEqual(failed, []);
                });

                it("have an Event when no backup is made any more", async () => {
                    const cronJob = ["cronjob", "synergychat-api-backup", "--namespace", stack.name];
                    await kubectl("patch", ...cronJob, '--patch={"spec":{"suspend":true}}');
                    await until("the Event", async () =>
                        (await list(stack.name, "event")).some(({ reason }) => reason === "BackupOverdue"),
                    );
                });
            }
        });
    }

    // Mocha runs the tests of a describe before those of the describes in it.
    describe("afterwards", () => {
        it("silence a guarded api that crashes again and again for a shorter time", () => {
            const silence = (guard: boolean) => verdicts.get(`a swear word ${guard}`)?.silence ?? NaN;
            assert.ok(silence(true) < silence(false) / 2, `${silence(true)} ms, ${silence(false)} ms`);
        });

        it("are in a table", () => {
            console.log(
                "| Fault | Acknowledged | Lost | Duplicated | Longest silence | without guard: | Lost | Duplicated | Longest silence |",
            );
            console.log(`|${" --- |".repeat(9)}`);
            const cells = (verdict?: Verdict) =>
                verdict && [
                    verdict.acknowledged,
                    verdict.lost.length,
                    verdict.duplicated.length,
                    `${(verdict.silence / 1000).toFixed(1)} s`,
                ];
            for (const fault of Object.keys(faults)) {
                const row = [
                    fault,
                    ...[true, false].flatMap((guard) => cells(verdicts.get(`${fault} ${guard}`)) ?? []),
                ];
                console.log(`| ${row.join(" | ")} |`);
            }
        });
    });
});
