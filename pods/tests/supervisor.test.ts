import { strict as assert } from "node:assert";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "../database.ts";

const script = join(import.meta.dirname, "../supervisor.sh");

/** The shells of Debian and of Alpine, as far as this machine has them. */
const shells = [["dash"], ["busybox", "sh"]].filter(
    ([program = "", ...args]) => spawnSync(program, [...args, "-c", "true"]).status === 0,
);

it("finds a shell to try the supervisor with", () => {
    assert.ok(shells.length > 0);
});

for (const [shell = "", ...shellArgs] of shells) {
    describe(`the supervisor in ${[shell, ...shellArgs].join(" ")}`, () => {
        let folder: string;
        let database: string;
        const started: ChildProcess[] = [];
        beforeEach(() => {
            folder = mkdtempSync(join(tmpdir(), "supervisor-"));
            database = join(folder, "db.json");
            writeFileSync(join(folder, "starts"), "");
        });
        afterEach(() => {
            started.splice(0).forEach((child) => child.kill("SIGKILL"));
            rmSync(folder, { recursive: true });
        });

        /** Runs a script as the app. It writes a character for each of its starts. */
        function supervise(app: string, more: Readonly<Record<string, string>> = {}) {
            const env = { ...process.env, API_DB_FILEPATH: database, RUN: folder, F: folder, ...more };
            const args = [...shellArgs, script, "sh", "-c", `printf x >> "$F/starts"; ${app}`];
            const child = spawn(shell, args, { env, stdio: "ignore" });
            started.push(child);
            const ended = new Promise<number | null>((resolve) => {
                child.on("close", (status) => {
                    resolve(status);
                });
            });
            return { child, ended };
        }

        const starts = () => readFileSync(join(folder, "starts"), "utf8").length;
        const restarts = () => {
            const file = join(folder, "restarts");
            const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
            return lines.map((line) => (JSON.parse(line) as { code: number }).code);
        };

        async function until(condition: () => boolean): Promise<void> {
            for (let attempt = 0; !condition(); attempt++) {
                assert.ok(attempt < 2000, "in vain");
                await sleep(20);
            }
        }

        it("starts a crashed app again, and writes down its exit code", async () => {
            const { child, ended } = supervise(
                '[ "$(wc -c < "$F/starts")" -gt 1 ] && exec sleep 300; exit 7',
            );
            await until(() => starts() === 2);
            assert.deepEqual(restarts(), [7]);
            child.kill("SIGTERM");
            assert.equal(await ended, 143);
        });

        it("gives up a crash loop, with the app's own exit code", async () => {
            const { ended } = supervise("exit 3");
            assert.equal(await ended, 3);
            assert.equal(starts(), 3);
        });

        it("gives up after too many restarts in a minute", async () => {
            const { ended } = supervise("sleep 1.2; exit 4", { RESTART_LIMIT: "2" });
            assert.equal(await ended, 4);
            assert.equal(starts(), 3);
        });

        it("starts the app again if it was killed", async () => {
            const { child, ended } = supervise('echo $$ > "$F/pid"; exec sleep 300');
            await until(() => existsSync(join(folder, "pid")) && starts() === 1);
            await sleep(100); // the process is the sleep by then
            process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGKILL");
            await until(() => starts() === 2);
            assert.deepEqual(restarts(), [137]);
            child.kill("SIGTERM");
            assert.equal(await ended, 143);
        });

        it("ends with the app's exit code on a signal that the app handles", async () => {
            const { child, ended } = supervise(
                `trap 'exit 5' TERM; trap ': > "$F/usr1"' USR1; : > "$F/ready"; while :; do sleep 0.05; done`,
            );
            await until(() => existsSync(join(folder, "ready")));
            child.kill("SIGUSR1");
            await until(() => existsSync(join(folder, "usr1")));
            child.kill("SIGTERM");
            assert.equal(await ended, 5);
            assert.equal(starts(), 1);
        });

        it("goes on if it cannot write restarts down", async () => {
            const { child, ended } = supervise(
                '[ "$(wc -c < "$F/starts")" -gt 1 ] && exec sleep 300; exit 7',
                {
                    RUN: join(folder, "none"),
                },
            );
            await until(() => starts() === 2);
            child.kill("SIGTERM");
            assert.equal(await ended, 143);
        });

        it("stops an app between two writes of its file", async () => {
            writeFileSync(database, "[]");
            // It takes its time between emptying the file and filling it, and pauses when it is filled.
            const app = `while :; do : > "$API_DB_FILEPATH"; read -r _ < "$F/pause"; printf '[\\n  1\\n]' > "$API_DB_FILEPATH"; sleep 0.02; done`;
            assert.equal(spawnSync("mkfifo", [join(folder, "pause")]).status, 0);
            const feeder = spawn("sh", ["-c", 'while :; do sleep 0.05; echo > "$F/pause"; done'], {
                env: { ...process.env, F: folder },
                stdio: "ignore",
            });
            started.push(feeder);
            for (let round = 0; round < 10; round++) {
                const { child, ended } = supervise(app);
                await until(() => starts() === round + 1);
                await sleep(30 + 7 * round);
                child.kill("SIGTERM");
                await ended;
                assert.ok(parse(readFileSync(database, "utf8")), `torn in round ${round}`);
            }
        });
    });
}
