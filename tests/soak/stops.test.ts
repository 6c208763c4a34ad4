/**
 * Thousands of planned stops while a client posts all the time: SIGTERM to the api itself, and to the api under the
 * supervisor. Each stop of the second kind must leave a complete file with every message that was acknowledged.
 *
 * Needs Go for the stand-in of the api, and no cluster. STOPS changes the number of stops.
 */
import { strict as assert } from "node:assert";
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = join(import.meta.dirname, "..", "..");
const stops = Number(process.env.STOPS ?? 1000);
const port = "28080";

/** So large that each write takes a while. */
const initial = JSON.stringify(
    Array.from({ length: 3000 }, (_, index) => ({
        AuthorUsername: "ada",
        Text: `${index} ${"x".repeat(100)}`,
    })),
    undefined,
    2,
);

interface Tally {
    stops: number;
    torn: number;
    acknowledged: number;
    lost: number;
    slowestStop: number;
}

describe("A planned stop", function () {
    this.timeout(7_200_000);
    let folder: string;
    let api: string;
    let file: string;

    before(function () {
        if (spawnSync("go", ["version"]).status !== 0) {
            this.skip();
        }
        folder = mkdtempSync(join(tmpdir(), "stops-"));
        api = join(folder, "api");
        file = join(folder, "db.json");
        execFileSync("go", ["build", "-o", api, "./cmd/api"], { cwd: join(root, "sandbox", "images") });
    });
    after(() => {
        if (folder) {
            rmSync(folder, { recursive: true });
        }
    });

    /** Posts messages until the process ends, and notes those that the api acknowledged. */
    async function postUntil(ended: () => boolean, acknowledged: string[]): Promise<void> {
        for (let number = 1; !ended(); number++) {
            try {
                const response = await fetch(`http://127.0.0.1:${port}/messages`, {
                    method: "POST",
                    headers: { connection: "close" },
                    body: JSON.stringify({ AuthorUsername: "bob", Text: `post ${number}` }),
                });
                if (response.status === 201) {
                    acknowledged.push(`post ${number}`);
                }
                await response.body?.cancel();
            } catch {
                await sleep(1); // The api is starting or has ended.
            }
        }
    }

    async function stopOnce(command: readonly string[], tally: Tally): Promise<void> {
        writeFileSync(file, initial);
        const [program = "", ...args] = command;
        const env = { ...process.env, API_PORT: port, API_DB_FILEPATH: file, RUN_FOLDER: folder };
        const child: ChildProcess = spawn(program, args, { env, stdio: "ignore" });
        const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
        const end = once(child, "exit");
        const acknowledged: string[] = [];
        const posting = postUntil(ended, acknowledged);
        while (acknowledged.length < 2 && !ended()) {
            await sleep(1);
        }
        await sleep(Math.random() * 100);

        const asked = performance.now();
        child.kill("SIGTERM");
        await end;
        tally.slowestStop = Math.max(tally.slowestStop, Math.round(performance.now() - asked));
        await posting;
        record(acknowledged, tally);
    }

    function record(acknowledged: readonly string[], tally: Tally): void {
        tally.stops += 1;
        tally.acknowledged += acknowledged.length;
        try {
            const messages = JSON.parse(readFileSync(file, "utf8")) as { Text: string }[];
            const texts = new Set(messages.map(({ Text }) => Text));
            tally.lost += acknowledged.filter((text) => !texts.has(text)).length;
        } catch {
            tally.torn += 1;
        }
    }

    async function stopOften(command: readonly string[]): Promise<Tally> {
        const tally: Tally = { stops: 0, torn: 0, acknowledged: 0, lost: 0, slowestStop: 0 };
        while (tally.stops < stops) {
            await stopOnce(command, tally);
        }
        console.log(`      ${JSON.stringify(tally)}`);
        return tally;
    }

    it("tears the file now and then without the supervisor", async () => {
        assert.ok((await stopOften([api])).torn > 0);
    });

    for (const shell of ["dash", "busybox sh"]) {
        it(`never tears the file with the supervisor in ${shell}`, async function () {
            const [program = "", ...applet] = shell.split(" ");
            if (spawnSync(program, [...applet, "-c", ":"]).status !== 0) {
                this.skip();
            }
            const script = join(root, "pods", "supervisor.sh");
            const { torn, lost, acknowledged } = await stopOften([program, ...applet, script, api]);
            assert.deepEqual({ torn, lost }, { torn: 0, lost: 0 });
            assert.ok(acknowledged >= stops);
        });
    }
});
