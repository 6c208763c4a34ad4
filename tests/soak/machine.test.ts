/**
 * What a machine does to the api's file, with and without the guard, while 8 people post: a full disk, writes that fail, a kill and
 * a lack of memory in mid-write, a power cut. The last test prints the rows for docs/databases.md. Processes of this machine,
 * without a cluster.
 *
 * Needs Linux, root for a small disk in memory and for a group of processes without memory, Go for the stand-in of the api, and
 * prlimit. FAULTS changes the repetitions.
 */
import { strict as assert } from "node:assert";
import { execFileSync, spawnSync } from "node:child_process";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    rmdirSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { render } from "../../pods/database.ts";
import { Chat, ask, buildApi, messageOf, post, read } from "../../pods/tests/support/chat.ts";
import { numbered } from "../../pods/tests/support/messages.ts";
import { until } from "../../pods/tests/support/processes.ts";
import { type Verdict, History } from "../../pods/tests/support/set-full.ts";

const repetitions = Number(process.env.FAULTS ?? 3);
const people = 8;
const quiet = 5000; // ms after each fault: a torn file is repaired after two seconds

const faults: Readonly<Record<string, (chat: Chat) => Promise<unknown>>> = {
    "The disk is full for 3 s": async (chat) => {
        const filler = join(chat.folder, "data", "filler");
        spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4096"]);
        await sleep(3000);
        rmSync(filler);
    },
    "Writes fail for 3 s": async (chat) => {
        const pids = chat.appProcesses();
        const limit = (size: string) => {
            pids.forEach((pid) => spawnSync("prlimit", ["--pid", pid, `--fsize=${size}:`]));
        };
        limit("4096");
        await sleep(3000);
        limit("unlimited");
    },
    "The app is killed in mid-write": async (chat) => {
        await emptied(chat);
        chat.signalApp("SIGKILL");
    },
    "Out of memory in mid-write: the kernel kills the app": async (chat) => {
        const before = memory.kills();
        const deadline = performance.now() + 10_000;
        // Without the guard, the first kill tears the file for good, and no later write succeeds.
        while (memory.kills() === before && performance.now() < deadline) {
            await emptied(chat);
            chat.signalApp("SIGSTOP");
            if (statSync(chat.file).size === 0) {
                chat.appProcesses().forEach(memory.withdraw);
            }
            chat.signalApp("SIGCONT");
            await sleep(100);
        }
    },
    "The API server does not answer for 3 s, and the app crashes": async (chat) => {
        const { cluster } = chat;
        if (cluster) {
            cluster.answer = "silent";
        }
        await ask(chat.port, "POST", "/messages", messageOf("oh heck")).catch(() => undefined);
        await sleep(3000);
        if (cluster) {
            cluster.answer = 201;
        }
    },
    "A power cut: the app never flushes its file": async (chat) => {
        await chat.killGuard();
        await chat.killApp();
        writeFileSync(chat.file, "");
        chat.startApp();
        if (chat.cluster) {
            chat.startGuard();
        }
    },
};

/** Waits until the app has emptied its file, which it does before it writes it. */
async function emptied({ file }: Chat): Promise<void> {
    const deadline = performance.now() + 2000;
    while (statSync(file).size > 0 && performance.now() < deadline) {
        if (Math.floor(performance.now()) % 10 === 0) {
            await sleep(0);
        }
    }
}

/** A control group whose processes get no more memory. */
class NoMemory {
    private readonly folder: string;
    private readonly limit: string;
    private readonly counter: string;

    public constructor() {
        const root = "/sys/fs/cgroup";
        const isFirst = existsSync(join(root, "memory"));
        this.folder = join(root, isFirst ? "memory" : "", `machine-test-${process.pid}`);
        [this.limit, this.counter] = isFirst
            ? ["memory.limit_in_bytes", "memory.oom_control"]
            : ["memory.max", "memory.events"];
    }

    public make(): void {
        mkdirSync(this.folder);
        writeFileSync(join(this.folder, this.limit), "16384");
    }

    public remove(): void {
        if (existsSync(this.folder)) {
            rmdirSync(this.folder);
        }
    }

    /** Moves a process into the group. What it has already stays its own. */
    public readonly withdraw = (pid: string): void => {
        writeFileSync(join(this.folder, "cgroup.procs"), pid);
    };

    /** How many processes the kernel has killed in it. */
    public kills(): number {
        return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(this.folder, this.counter), "utf8"))?.[1]);
    }
}

const memory = new NoMemory();

describe("The faults of a machine", function () {
    this.timeout(600_000);
    let folder: string;
    let program: string | undefined;
    const verdicts = new Map<string, Verdict>();

    before(function () {
        folder = mkdtempSync(join(tmpdir(), "machine-"));
        program = buildApi(folder);
        const canMount = process.platform === "linux" && process.getuid?.() === 0;
        if (program === undefined || !canMount || spawnSync("prlimit", ["--version"]).status !== 0) {
            this.skip();
        }
        memory.make();
    });
    after(() => {
        rmSync(folder, { recursive: true });
        memory.remove();
    });

    for (const [fault, happen] of Object.entries(faults)) {
        for (const guard of [true, false]) {
            it(`${guard ? "lose no acknowledged message" : "are survived"}: ${fault}, guard ${guard}`, async () => {
                const chat = new Chat(program ?? "");
                const disk = join(chat.folder, "data");
                execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "none", disk]);
                try {
                    const before = numbered(2000);
                    writeFileSync(chat.file, render(before));
                    await chat.start(guard);
                    const kills = memory.kills();
                    const verdict = await during(
                        chat,
                        before.map(({ Text }) => Text),
                        async () => {
                            for (let turn = 0; turn < repetitions; turn++) {
                                await sleep(500);
                                await happen(chat);
                                await sleep(quiet);
                            }
                        },
                    );
                    verdicts.set(`${fault} ${guard}`, verdict);
                    const { lost, duplicated, stale, contradicted, acknowledged } = verdict;
                    assert.ok(acknowledged > 0);
                    if (fault.startsWith("Out of memory")) {
                        assert.ok(memory.kills() - kills >= (guard ? repetitions : 1));
                    }
                    if (guard) {
                        assert.deepEqual(
                            { lost, duplicated, stale, contradicted },
                            { lost: [], duplicated: [], stale: [], contradicted: [] },
                        );
                        const restarts = () => chat.events().filter((one) => one === "ApiRestarted").length;
                        await until(
                            "the Events",
                            () => !fault.includes("API server") || restarts() >= repetitions,
                        );
                    }
                } finally {
                    await chat.remove(() => spawnSync("umount", [disk]));
                }
            });
        }
    }

    it("are in a table", () => {
        for (const fault of Object.keys(faults)) {
            const cells = [false, true].map((guard) => {
                const verdict = verdicts.get(`${fault} ${guard}`);
                return verdict
                    ? `${verdict.acknowledged}, ${verdict.lost.length} lost, ${(verdict.silence / 1000).toFixed(1)} s`
                    : "";
            });
            console.log(`| ${fault} | ${cells.join(" | ")} |`);
        }
    });
});

/** What people are told and see while something happens, and when it is over. */
async function during(chat: Chat, before: readonly string[], happen: () => Promise<void>): Promise<Verdict> {
    const history = new History(before);
    let isOver = false as boolean;
    const writers = Array.from({ length: people }, async (_, person) => {
        for (let count = 1; !isOver; count++) {
            await history.write(`${person}-${count}`, (text) => post(chat.port, text));
            await sleep(50);
        }
    });
    const reader = (async () => {
        while (!isOver) {
            await history.read(() => read(chat.port));
            await sleep(100);
        }
    })();
    await happen().finally(() => (isOver = true));
    await Promise.all([...writers, reader]);
    // A torn file holds nothing that the app can return.
    await history.read(() => read(chat.port).catch(() => []));
    return history.verdict();
}
