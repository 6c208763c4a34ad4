import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Running, start, until } from "./support/processes.ts";

const script = join(import.meta.dirname, "..", "supervisor.sh");

/** The shells of the usual images: Debian's and Alpine's. The script reads /proc, so both need Linux. */
const shells = ["dash", "busybox sh"].map((shell) => {
    const command = shell.split(" ");
    const { status } = spawnSync(command[0] ?? "", [...command.slice(1), "-c", ":"]);
    return { shell, command, found: process.platform === "linux" && status === 0 };
});

let folder: string;
const supervisors = new Map<Running, string>();
const crowded = new Map<string, Running>();
const spread = new Map<string, Running>();

/** Starts a supervisor of a small program in sh, which finds its own folder in DIR. */
function supervise(
    shell: readonly string[],
    program: string,
    env: NodeJS.ProcessEnv = {},
    ...args: string[]
): Running {
    const own = mkdtempSync(join(folder, "run-"));
    const running = start([...shell, script, "sh", "-c", program, ...args], {
        DIR: own,
        RUN_FOLDER: own,
        API_DB_FILEPATH: join(own, "db.json"),
        ...env,
    });
    supervisors.set(running, own);
    return running;
}

/** Starts an app that lives for this number of seconds, by a clock that stands still otherwise. */
function superviseAging(shell: readonly string[], seconds: number): Running {
    const clock = join(mkdtempSync(join(folder, "clock-")), "uptime");
    writeFileSync(clock, "100.00 1.00\n");
    const later = `$(($(cut -d. -f1 "$UPTIME_FILE") + ${String(seconds)}))`;
    return supervise(shell, `echo ${later}.00 1.00 >"$UPTIME_FILE"; exit 5`, { UPTIME_FILE: clock });
}

function read(running: Running, name: string): string {
    try {
        return readFileSync(join(supervisors.get(running) ?? "", name), "utf8");
    } catch {
        return "";
    }
}

function linesOf(running: Running, name: string): string[] {
    return read(running, name).split("\n").slice(0, -1);
}

function restartsOf(running: Running): { at: number; code: number }[] {
    const names = readdirSync(supervisors.get(running) ?? "").filter((name) => name.startsWith("restart-"));
    return names.sort().map((name) => {
        const [, at, , code] = name.split("-").map(Number);
        return { at: at ?? NaN, code: code ?? NaN };
    });
}

/** An app that notes its process and runs until it gets a signal. */
const steady = 'echo $$ >>"$DIR/log"; exec sleep 1000';

// Outside of "describe", so that these begin with the first test of all files: some apps here restart many times.
before(() => {
    folder = mkdtempSync(join(tmpdir(), "supervisor-"));
    for (const { shell, command } of shells.filter(({ found }) => found)) {
        crowded.set(shell, superviseAging(command, 2));
        spread.set(shell, superviseAging(command, 8));
    }
});

after(async function () {
    this.timeout(60_000);
    for (const { process: supervisor } of supervisors.keys()) {
        supervisor.kill("SIGTERM");
    }
    await Promise.all([...supervisors.keys()].map(({ ended }) => ended));
    rmSync(folder, { recursive: true });
});

describe("The supervisor", function () {
    this.timeout(120_000);

    for (const { shell, command, found } of shells) {
        (found ? describe : describe.skip)(`in ${shell}`, () => {
            it("starts an app that was killed again, and records it", async () => {
                const running = supervise(command, steady);
                // The third in a row would be a crash loop, if the first two came within a second.
                for (const restart of [1, 2]) {
                    const log = await until("the app", () => {
                        const lines = linesOf(running, "log");
                        return lines.length === restart && lines;
                    });
                    process.kill(Number(log.at(-1)), "SIGKILL");
                    await until("the record", () => restartsOf(running).length === restart);
                }
                await until("the last start", () => linesOf(running, "log").length === 3);
                const restarts = restartsOf(running);
                assert.deepEqual(
                    restarts.map(({ code }) => code),
                    [137, 137],
                );
                assert.ok(restarts.every(({ at }) => Math.abs(at - Date.now() / 1000) < 60));
                assert.equal(running.output().match(/exit code 137/g)?.length, 2);
                assert.equal(running.process.exitCode, null);
            });

            it("starts an app again that ended with exit code 0", async () => {
                const running = supervise(
                    command,
                    '[ -e "$DIR/log" ] && exec sleep 1000; echo 1 >"$DIR/log"',
                );
                await until("the restart", () => restartsOf(running).length === 1);
                assert.equal(restartsOf(running)[0]?.code, 0);
            });

            it("ends with the app's exit code after three deaths in a row within a second of starting", async () => {
                const running = supervise(command, 'echo 1 >>"$DIR/log"; exit 3');
                assert.equal(await running.ended, 3);
                assert.equal(linesOf(running, "log").length, 3);
                assert.deepEqual(
                    restartsOf(running).map(({ code }) => code),
                    [3, 3],
                );
            });

            it("ends at once if the command cannot be started, and names the config key", async () => {
                const running = start([...command, script, "/nonexistent/api"], { RUN_FOLDER: folder });
                assert.equal(await running.ended, 127);
                assert.match(running.output(), /apiCommand/);
            });

            it("restarts the app although it cannot record the restart", async () => {
                const running = supervise(command, 'echo 1 >>"$DIR/log"; exit 4', {
                    RUN_FOLDER: "/proc/nonexistent",
                });
                assert.equal(await running.ended, 4);
                assert.equal(linesOf(running, "log").length, 3);
            });

            it("passes arguments and exit codes of signals through", async () => {
                const running = supervise(
                    command,
                    'printf "%s\\n" "$@" >"$DIR/log"; kill -KILL $$',
                    {},
                    "sh",
                    "a  b",
                    "$HOME *",
                    "",
                );
                assert.equal(await running.ended, 137);
                assert.deepEqual(linesOf(running, "log"), ["a  b", "$HOME *", ""]);
            });

            for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const) {
                it(`passes ${signal} through`, async () => {
                    const name = signal.slice("SIG".length);
                    const trap = `trap 'echo ${name} >>"$DIR/log"' ${name}`;
                    const running = supervise(
                        command,
                        `${trap}; echo up >>"$DIR/log"; while :; do sleep 0.05; done`,
                    );
                    await until("the app", () => read(running, "log") === "up\n");
                    running.process.kill(signal);
                    await until("the first signal", () => read(running, "log") === `up\n${name}\n`);
                    running.process.kill(signal);
                    await until("the second signal", () => read(running, "log") === `up\n${name}\n${name}\n`);
                    assert.deepEqual(restartsOf(running), []);
                });
            }

            it("passes a signal through that comes while the app starts", async () => {
                const script = `trap 'echo HUP >>"$DIR/log"' HUP; kill -HUP "$PPID"; while :; do sleep 0.05; done`;
                const all = Array.from({ length: 20 }, () => supervise(command, script));
                await until("each signal", () => all.every((running) => read(running, "log") === "HUP\n"));
            });

            for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) {
                it(`ends the app and itself on ${signal}`, async () => {
                    const running = supervise(command, steady);
                    const [app] = await until("the app", () => {
                        const lines = linesOf(running, "log");
                        return lines.length === 1 && lines;
                    });
                    running.process.kill(signal);
                    assert.equal(await running.ended, 143);
                    assert.throws(() => process.kill(Number(app), 0), { code: "ESRCH" });
                    assert.deepEqual(restartsOf(running), []);
                });
            }

            it("ends on SIGTERM between two starts, with the exit code of the last", async () => {
                const running = supervise(command, 'echo 1 >>"$DIR/log"; exit 6');
                await until("a restart", () => restartsOf(running).length === 1);
                running.process.kill("SIGTERM");
                const code = await running.ended;
                // The second start may just have begun.
                assert.ok(code === 6 || code === 143, String(code));
                assert.ok(linesOf(running, "log").length <= 2);
            });

            it("lets the app complete its file before it ends", async () => {
                const running = supervise(
                    command,
                    `printf '[' >"$API_DB_FILEPATH"; sleep 0.2; printf '[\\n  {}\\n]' >"$API_DB_FILEPATH"; exec sleep 1000`,
                );
                await until("the file", () => read(running, "db.json") === "[");
                running.process.kill("SIGTERM");
                assert.equal(await running.ended, 143);
                assert.equal(read(running, "db.json"), "[\n  {}\n]");
            });

            it("asks the app to end if its file stays incomplete, and passes its exit code through", async () => {
                const running = supervise(
                    command,
                    `trap 'exit 7' TERM; printf '[\\n  {' >"$API_DB_FILEPATH"; while :; do sleep 0.05; done`,
                );
                await until("the file", () => read(running, "db.json") === "[\n  {");
                running.process.kill("SIGTERM");
                assert.equal(await running.ended, 7);
            });

            it("ends at once if the app has no file yet, or keeps its messages in memory", async () => {
                for (const env of [{}, { API_DB_FILEPATH: "" }]) {
                    const running = supervise(command, steady, env);
                    await until("the app", () => linesOf(running, "log").length === 1);
                    running.process.kill("SIGTERM");
                    assert.equal(await running.ended, 143);
                }
            });
        });
    }

    describe("of an app that ends often", () => {
        for (const { shell, found } of shells) {
            (found ? it : it.skip)(
                `ends with the app's exit code after 20 restarts within a minute, in ${shell}`,
                async () => {
                    const running = crowded.get(shell);
                    assert.ok(running);
                    assert.equal(await running.ended, 5);
                    assert.equal(restartsOf(running).length, 20);
                },
            );

            (found ? it : it.skip)(
                `goes on restarting an app that ends less often, in ${shell}`,
                async () => {
                    const running = spread.get(shell);
                    assert.ok(running);
                    await until("more restarts than a minute allows", () => restartsOf(running).length > 20);
                    assert.equal(running.process.exitCode, null);
                },
            );
        }
    });
});
