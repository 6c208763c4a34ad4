/** Switches and restores, killed or failing at every moment, from every state in which they can begin. */
import { strict as assert } from "node:assert";
import { runRestore } from "../../../cli/commands/restore/steps.ts";
import { runSwitch } from "../../../cli/commands/switch/steps.ts";
import type { TakenOut } from "../../../kubernetes/chat-api.ts";
import type { StorageMode } from "../../../model/storage.ts";
import { parse } from "../../../pods/database.ts";
import { type Event, Killed, type Start, World, holds, journalPath, message } from "./world.ts";

const other = (mode: StorageMode): StorageMode => (mode === "persistent" ? "ephemeral" : "persistent");

type Command = (world: World) => Promise<unknown>;

/** How many moments were tried. */
const points: Partial<Record<Event, number>> = {};

/** Runs a command in a world. Returns what it threw. */
async function run(world: World, command: Command, event?: Event, moment?: number): Promise<unknown> {
    world.begin(event, moment);
    try {
        await command(world);
        return undefined;
    } catch (error) {
        return error;
    } finally {
        world.checkPromise();
    }
}

const switchTo = (mode: StorageMode) => (world: World) => runSwitch(world.switchWork(), mode);

/** Runs a command to its end. */
async function completes(world: World, command: Command): Promise<void> {
    const failure = await run(world, command);
    assert.equal(failure, undefined, failure instanceof Error ? failure.stack : String(failure));
    assert.equal(world.takenOut, undefined);
    assert.equal(world.files.get(journalPath), undefined);
}

const texts = ["one", "two", "three"];

const starts: Readonly<Record<string, Start>> = {
    "ephemeral storage": { mode: "ephemeral", texts },
    "ephemeral storage without messages": { mode: "ephemeral", texts: [] },
    "ephemeral storage beside a kept claim with other messages": {
        mode: "ephemeral",
        texts,
        kept: ["before"],
        retainData: true,
    },
    "persistent storage": { mode: "persistent", texts },
    "persistent storage without messages": { mode: "persistent", texts: [] },
    "persistent storage with retainData": { mode: "persistent", texts, retainData: true },
    "persistent storage whose claim somebody has deleted": { mode: "persistent", texts, terminating: true },
};

/**
 * Runs what follows for every moment of a command, with the world as the event has left it.
 *
 * @param make returns a new world in the state in which the command begins.
 * @param step 3 takes every third moment.
 */
async function atEveryMoment(
    event: Event,
    command: Command,
    make: () => Promise<World>,
    follow: (world: World, failure: unknown) => Promise<void>,
    step = 1,
): Promise<void> {
    const whole = await make();
    await run(whole, command);
    for (let moment = 1; moment <= whole.moments; moment += step) {
        const world = await make();
        const failure = await run(world, command, event, moment);
        points[event] = (points[event] ?? 0) + 1;
        try {
            await follow(world, failure);
        } catch (error) {
            throw new Error(`after a ${event} at moment ${moment} of ${whole.moments}`, { cause: error });
        }
    }
}

const fresh = (start: Start) => () => Promise.resolve(new World(start));

function isSwitched(world: World, mode: StorageMode, { retainData = false, kept = [] }: Start): void {
    assert.deepEqual([world.mode, world.config], [mode, mode]);
    // On the way back from a kept claim, what it held comes along.
    const messages = world.messages.filter(({ Text }) => mode === "persistent" || !kept.includes(Text));
    assert.deepEqual(messages, world.expected);
    assert.ok(world.messages.length <= world.stored.length + kept.length);
    if (mode === "ephemeral") {
        assert.equal(world.claim !== undefined, retainData);
    }
}

after(() => {
    console.log(`    ${JSON.stringify(points)} were tried, each followed by the command that recovers.`);
});

describe("a switch", () => {
    for (const [name, start] of Object.entries(starts)) {
        const to = other(start.mode);

        describe(`from ${name}`, () => {
            for (const next of [to, start.mode]) {
                const direction = next === to ? "goes on" : "goes back";
                const recovers = async (world: World) => {
                    await completes(world, switchTo(next));
                    isSwitched(world, next, start);
                };

                it(`${direction} after a kill at every moment`, async () => {
                    await atEveryMoment("kill", switchTo(to), fresh(start), async (world, failure) => {
                        assert.ok(failure instanceof Killed);
                        await recovers(world);
                    });
                });

                it(`${direction} after an error at every moment, and shows that error`, async () => {
                    await atEveryMoment("refusal", switchTo(to), fresh(start), async (world, failure) => {
                        assert.equal((failure as Error).message, "you may not");
                        await recovers(world);
                    });
                });
            }

            it("comes to its end by itself although a call fails once, at every moment", async () => {
                await atEveryMoment(
                    "transient failure",
                    switchTo(to),
                    fresh(start),
                    async (world, failure) => {
                        if (failure !== undefined) {
                            assert.deepEqual([world.takenOut, world.mode], [undefined, start.mode]);
                            await completes(world, switchTo(to));
                        }
                        isSwitched(world, to, start);
                    },
                );
            });

            it("loses no message if the pod is replaced while Pulumi runs, at every moment", async () => {
                await atEveryMoment("new pod", switchTo(to), fresh(start), async (world, failure) => {
                    if (failure !== undefined) {
                        await completes(world, switchTo(to));
                    }
                    isSwitched(world, to, start);
                });
            });
        });
    }

    for (const mode of ["ephemeral", "persistent"] as const) {
        const start: Start = { mode, texts };
        const to = other(mode);
        it(`recovers from a second kill, at every moment of the run that follows a killed switch to ${to}`, async () => {
            const follow = async (world: World) => {
                for (const second of [to, mode]) {
                    const left = world.copy();
                    await atEveryMoment(
                        "kill",
                        switchTo(second),
                        () => Promise.resolve(left.copy()),
                        async (twice) => {
                            await completes(twice, switchTo(mode));
                            isSwitched(twice, mode, start);
                        },
                    );
                }
            };
            await atEveryMoment("kill", switchTo(to), fresh(start), follow, 3);
        });
    }

    it("goes back from a volume that no pod can use, killed at every moment or not", async () => {
        const start: Start = { mode: "ephemeral", texts, unusable: true };
        const failed = new World(start);
        assert.notEqual(await run(failed, switchTo("persistent")), undefined);
        await completes(failed, switchTo("ephemeral"));
        isSwitched(failed, "ephemeral", start);
        await atEveryMoment("kill", switchTo("persistent"), fresh(start), async (world) => {
            await completes(world, switchTo("ephemeral"));
            isSwitched(world, "ephemeral", start);
        });
    });

    for (const mode of ["ephemeral", "persistent"] as const) {
        it(`makes everything what it was if Pulumi refuses to leave ${mode} storage`, async () => {
            const start: Start = { mode, texts, refused: true };
            const isUnchanged = (world: World) => {
                assert.deepEqual([world.takenOut, world.files.size], [undefined, 0]);
                assert.deepEqual([world.mode, world.config], [mode, mode]);
                assert.deepEqual(world.messages, world.stored);
            };
            const world = new World(start);
            assert.notEqual(await run(world, switchTo(other(mode))), undefined);
            isUnchanged(world);
        });
    }

    it("does not even begin if the messages are on that storage already", async () => {
        const never = () => assert.fail("it has begun");
        for (const mode of ["ephemeral", "persistent"] as const) {
            const world = new World({ mode, texts });
            const { disk, pulumi, ...work } = world.switchWork();
            const idle = { ...work, disk: { ...disk, create: never }, pulumi: { ...pulumi, up: never } };
            assert.equal(await runSwitch(idle, mode), false);
        }
    });

    it("refuses to begin with an image without a shell, and changes nothing", async () => {
        for (const mode of ["ephemeral", "persistent"] as const) {
            const world = new World({ mode, texts, shell: false });
            const failure = await run(world, switchTo(other(mode)));
            assert.equal((failure as Error).message, "switch-needs-shell");
            assert.deepEqual([world.takenOut, world.mode, world.files.size], [undefined, mode, 0]);
            assert.deepEqual(world.messages, world.stored);
        }
    });

    it("does not begin beside one that began elsewhere", async () => {
        const world = new World({ mode: "ephemeral", texts });
        for (const by of ["switch", "restore"] as const) {
            world.takenOut = { by, namespace: "chat", journal: "elsewhere:/copy.json (process 1)" };
            const failure = await run(world, switchTo("persistent"));
            assert.equal((failure as Error).message, `${by}-interrupted`);
        }
    });

    it("gives way to one that begins meanwhile on a machine with the same folders, and leaves it alone", async () => {
        const world = new World({ mode: "ephemeral", texts });
        const other: TakenOut = {
            by: "switch",
            namespace: "chat",
            journal: `other:${journalPath} (process 7)`,
        };
        const failure = await run(world, () =>
            runSwitch(
                {
                    ...world.switchWork(),
                    backUp: () => {
                        world.takenOut = other;
                        return Promise.resolve();
                    },
                },
                "persistent",
            ),
        );
        assert.equal((failure as Error).message, "switch-running");
        assert.deepEqual([world.takenOut, world.mode], [other, "ephemeral"]);
    });

    it("refuses to go on if somebody posts past the Service once the copy is made, and goes back", async () => {
        const world = new World({ mode: "ephemeral", texts });
        const failure = await run(world, () => {
            const work = world.switchWork();
            const { setMode } = work.pulumi;
            const late = async (mode: StorageMode) => {
                await setMode(mode);
                world.post("late");
            };
            return runSwitch({ ...work, pulumi: { ...work.pulumi, setMode: late } }, "persistent");
        });
        assert.match((failure as Error).message, /The api has more messages/);
        assert.deepEqual([world.takenOut, world.files.size, world.mode], [undefined, 0, "ephemeral"]);
        assert.deepEqual(world.messages, world.stored);
    });
});

describe("a restore", () => {
    const source = { named: "/home/ada/chat.json" };

    it("does not begin beside a switch, and beside a restore that began elsewhere", async () => {
        const world = new World({ mode: "ephemeral", texts });
        for (const by of ["switch", "restore"] as const) {
            world.takenOut = { by, namespace: "chat", journal: "elsewhere:/copy.json (process 1)" };
            const failure = await run(world, () => runRestore(world.restoreWork([]), source));
            assert.equal((failure as Error).message, `${by}-interrupted`);
        }
    });

    for (const [name, wanted] of [
        ["the first messages", ["one"]],
        ["another chat", ["x", "y"]],
        ["a chat that goes on", ["one", "two", "three", "four"]],
        ["no messages", []],
    ] as const) {
        for (const mode of ["ephemeral", "persistent"] as const) {
            const start: Start = { mode, texts };
            const list = wanted.map(message);
            const restore = (world: World) => runRestore(world.restoreWork(list), source);
            const isRestored = (world: World) => {
                assert.deepEqual(world.messages.slice(0, list.length), list);
                assert.deepEqual(world.messages, world.stored);
            };

            describe(`of ${name}, on ${mode} storage`, () => {
                for (const event of ["kill", "refusal"] as const) {
                    it(`goes on after a ${event} at every moment`, async () => {
                        await atEveryMoment(event, restore, fresh(start), async (world) => {
                            await completes(world, restore);
                            isRestored(world);
                        });
                    });
                }

                it("goes back after a kill at every moment, if the copy of what was there is named", async () => {
                    await atEveryMoment("kill", restore, fresh(start), async (world) => {
                        const [, copy = ""] = /:(.*) \(/.exec(world.takenOut?.journal ?? "") ?? [];
                        if (copy === "") {
                            return; // it was not begun, or is over
                        }
                        const { stored } = world;
                        const before = parse(world.files.get(copy) ?? "") ?? [];
                        await completes(world, (one) => runRestore(one.restoreWork(before), { named: copy }));
                        assert.ok(holds(world.messages, stored));
                    });
                });

                it("gives way to another one after a kill at every moment", async () => {
                    const others = ["one", "other"].map(message);
                    await atEveryMoment("kill", restore, fresh(start), async (world) => {
                        await completes(world, (one) =>
                            runRestore(one.restoreWork(others), { named: "/home/ada/other.json" }),
                        );
                        assert.deepEqual(world.messages.slice(0, 2), others);
                    });
                });

                it("comes to its end by itself although a call fails once, at every moment", async () => {
                    await atEveryMoment(
                        "transient failure",
                        restore,
                        fresh(start),
                        async (world, failure) => {
                            if (failure !== undefined) {
                                assert.equal(world.takenOut, undefined);
                                assert.deepEqual(world.messages, world.stored);
                                await completes(world, restore);
                            }
                            isRestored(world);
                        },
                    );
                });
            });
        }
    }

    it("gives way to another one that has begun while it asked, and leaves it alone", async () => {
        const world = new World({ mode: "ephemeral", texts });
        const other: TakenOut = {
            by: "restore",
            namespace: "chat",
            journal: "here:/copies/other.json (process 7)",
        };
        const failure = await run(world, () =>
            runRestore(
                {
                    ...world.restoreWork([]),
                    confirm: () => {
                        world.takenOut = other;
                        return Promise.resolve(true);
                    },
                },
                source,
            ),
        );
        assert.equal((failure as Error).message, "restore-running");
        assert.deepEqual(world.takenOut, other);
        assert.deepEqual(world.messages, world.stored);
    });

    it("keeps what somebody posts past the Service once the file is replaced", async () => {
        const world = new World({ mode: "ephemeral", texts });
        await completes(world, (one) => {
            const work = one.restoreWork([message("one")]);
            const replace = work.api.replaceFile.bind(work.api);
            work.api.replaceFile = async (text) => {
                await replace(text);
                one.postPast("late");
            };
            return runRestore(work, source);
        });
        assert.deepEqual(world.messages.slice(0, 2), ["one", "late"].map(message));
    });

    for (const way of ["on", "back"] as const) {
        it(`keeps what somebody posts past the Service after a kill at every moment, and goes ${way}`, async () => {
            const wanted = [message("one")];
            const restore = (one: World) => runRestore(one.restoreWork(wanted), source);
            const start: Start = { mode: "ephemeral", texts };
            await atEveryMoment("kill", restore, fresh(start), async (world) => {
                const [, copy = ""] = /:(.*) \(/.exec(world.takenOut?.journal ?? "") ?? [];
                const isCopied = world.files.has(copy);
                world.postPast("late");
                const before = parse(world.files.get(copy) ?? "") ?? [];
                await completes(world, (one) =>
                    way === "back" && isCopied
                        ? runRestore(one.restoreWork(before), { named: copy })
                        : restore(one),
                );
                const places = [
                    world.messages,
                    ...[...world.files.values()].map((text) => parse(text) ?? []),
                ];
                assert.ok(places.some((place) => holds(place, [message("late")])));
            });
        });
    }

    it("goes on after a kill although the machine has another name now", async () => {
        const world = new World({ mode: "ephemeral", texts });
        const path = "/copies/of-another-name.json";
        world.files.set(path, JSON.stringify(world.messages));
        world.takenOut = {
            by: "restore",
            namespace: "chat",
            journal: `another-name:${path} (process 999999)`,
        };
        await completes(world, (one) => runRestore(one.restoreWork([message("one")]), source));
        assert.deepEqual(world.messages[0], message("one"));
    });

    it("takes the first messages of a backup, whose name counts all of them", async () => {
        const world = new World({ mode: "ephemeral", texts });
        const named = "20261125T120000Z-3-0a1b2c3d-manual.json";
        await completes(world, (one) => runRestore(one.restoreWork([message("one")]), { named, first: 1 }));
        assert.deepEqual(world.messages[0], message("one"));
    });
});
