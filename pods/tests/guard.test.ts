import { strict as assert } from "node:assert";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { nameOf } from "../backups.ts";
import { parse } from "../database.ts";
import { ask, freePort } from "./support/chat.ts";
import { type ApiServer, startApiServer } from "./support/cluster.ts";
import { file, numbers } from "./support/messages.ts";
import { type Running, start, until } from "./support/processes.ts";

const program = join(import.meta.dirname, "..", "guard.ts");

describe("The guard", function () {
    this.timeout(120_000);
    let folder: string;
    let db: string;
    let cluster: ApiServer;
    let api: Server;
    let guards: Running[];

    beforeEach(async () => {
        folder = mkdtempSync(join(tmpdir(), "guard-"));
        db = join(folder, "data", "db.json");
        mkdirSync(dirname(db));
        cluster = await startApiServer(folder);
        // The api: it serves what its file holds.
        api = createServer((_, response) => {
            response.end(readFileSync(db));
        });
        await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", resolve));
        guards = [];
    });
    afterEach(async () => {
        for (const { process: guard } of guards) {
            guard.kill("SIGKILL");
        }
        await Promise.all(guards.map(({ ended }) => ended));
        for (const server of [api, cluster.server]) {
            server.closeAllConnections();
            server.close();
        }
        rmSync(folder, { recursive: true });
    });

    function startGuard(healthPort = 0, more: NodeJS.ProcessEnv = {}): Running {
        const guard = start([process.execPath, program], {
            ...more,
            HEALTH_PORT: String(healthPort),
            API_DB_FILEPATH: db,
            API_PORT: String((api.address() as AddressInfo).port),
            POD_NAME: "synergychat-api-1",
            POD_UID: "a-b-c",
            POD_NAMESPACE: "chat",
            KUBERNETES_SERVICE_HOST: "127.0.0.1",
            KUBERNETES_SERVICE_PORT: cluster.port,
            RUN_FOLDER: folder,
            TOKEN_FOLDER: folder,
        });
        guards.push(guard);
        return guard;
    }

    function mirror(): string {
        const path = join(dirname(db), ".guard", "mirror.json");
        return existsSync(path) ? readFileSync(path, "utf8") : "";
    }

    let clock = 1000;
    function restarted(...codes: number[]): void {
        for (const code of codes) {
            const seconds = String(Math.floor(Date.now() / 1000));
            writeFileSync(join(folder, `restart-${seconds}-${String(++clock)}-${String(code)}`), "");
        }
    }

    it("mirrors the file after bursts of writes", async () => {
        startGuard();
        let count = 0;
        for (let burst = 0; burst < 5; burst++) {
            for (let write = 0; write < 40; write++) {
                writeFileSync(db, file(++count));
                await nextTurn();
            }
            await until("the mirror", () => mirror() === file(count));
        }
        assert.deepEqual(cluster.events, []);
    });

    it("answers the kubelet without the api, and only while it can work", async () => {
        const probe = createServer();
        await new Promise<void>((resolve) => probe.listen(0, resolve));
        const { port } = probe.address() as AddressInfo;
        await new Promise((resolve) => probe.close(resolve));
        const guard = startGuard(port).process;
        api.close();
        const status = async () => {
            const signal = AbortSignal.timeout(1000);
            return (await fetch(`http://127.0.0.1:${port}/`, { signal }).catch(() => undefined))?.status;
        };

        await until("the answer", async () => (await status()) === 200);
        guard.kill("SIGSTOP");
        await until("silence", async () => (await status()) === undefined);
        guard.kill("SIGCONT");
        await until("the next answer", async () => (await status()) === 200);
    });

    it("mirrors a file whose folder is missing at first", async () => {
        rmSync(dirname(db), { recursive: true });
        startGuard();
        mkdirSync(dirname(db));
        for (const count of [3, 4]) {
            writeFileSync(db, file(count));
            await until("the mirror", () => mirror() === file(count));
        }
    });

    it("repairs a torn file and reports it", async () => {
        writeFileSync(db, file(5));
        startGuard();
        await until("the mirror", () => mirror() === file(5));
        writeFileSync(db, file(6).slice(0, -20));
        await until("the repair", () => readFileSync(db, "utf8") === file(5));
        const [event] = await until("the Event", () => cluster.events.length > 0 && cluster.events);
        assert.equal(event?.reason, "ApiFileRepaired");
        assert.match(event.message, /now has 5 messages/);
    });

    it("reports each restart of the api once", async () => {
        restarted(1);
        startGuard();
        await until("the Event of an earlier restart", () => cluster.events.length === 1);
        restarted(137, 2);
        await until("the Events", () => cluster.events.length === 3);
        const codes = cluster.events.map(({ message }) => Number(/code (\d+)/.exec(message)?.[1]));
        assert.deepEqual(codes, [1, 137, 2]);
        assert.ok(cluster.events.every(({ reason }) => reason === "ApiRestarted"));
        await until(
            "the end of their records",
            () => !readdirSync(folder).some((name) => name.startsWith("restart-")),
        );
    });

    it("reports a restart that the cluster does not know yet when it is started again itself", async () => {
        cluster.answer = 503;
        restarted(1);
        startGuard();
        await until("the attempt", () => cluster.requests.length > 0);
        guards[0]?.process.kill("SIGKILL");
        cluster.answer = 201;
        startGuard();
        const [event] = await until("the Event", () => cluster.events.length > 0 && cluster.events);
        assert.match(event?.message ?? "", /code 1\b/);
    });

    it("reports once that it cannot write, and that it can again", async () => {
        mkdirSync(join(dirname(db), ".guard", ".mirror.json.part", "taken"), { recursive: true });
        writeFileSync(db, file(2));
        startGuard();
        await until("the Event", () => cluster.events.length > 0);
        rmSync(join(dirname(db), ".guard", ".mirror.json.part"), { recursive: true });
        await until("the mirror", () => mirror() === file(2));
        await until("the Events", () => cluster.events.length >= 2);
        assert.deepEqual(
            cluster.events.map(({ reason, type }) => [reason, type]),
            [
                ["ApiGuardFailed", "Warning"],
                ["ApiGuardRecovered", "Normal"],
            ],
        );
    });

    for (const [what, days, isProven, isOverdue] of [
        ["is old", -3, true, true],
        ["is of the future, because the clock was wrong,", 3, true, true],
        ["is not proven", 0, false, true],
        ["is new", -1, true, false],
    ] as const) {
        it(`${isOverdue ? "reports" : "does not report"} an overdue backup if the newest one ${what}`, async () => {
            const backups = join(folder, "backups");
            mkdirSync(backups);
            for (const [age, proven] of [
                [-10, true],
                [days, isProven],
            ] as const) {
                const time = new Date(Date.now() + age * 24 * 3600 * 1000);
                const name = join(backups, nameOf("[]", [], "scheduled", time));
                writeFileSync(name, "[]");
                if (proven) {
                    writeFileSync(`${name}.proven`, "");
                    utimesSync(`${name}.proven`, time, time);
                }
            }
            writeFileSync(db, file(1));
            startGuard(0, { BACKUPS: backups, BACKUP_MAX_AGE: String(2 * 24 * 3600) });
            await until("the mirror", () => mirror() === file(1));
            restarted(1); // Events are sent in order.
            await until("all Events", () => cluster.events.at(-1)?.reason === "ApiRestarted");
            const reasons = cluster.events.map(({ reason }) => reason);
            assert.equal(reasons.includes("BackupOverdue"), isOverdue, reasons.join());
        });
    }

    it("works although the API server does not answer", async () => {
        cluster.answer = "silent";
        writeFileSync(db, file(5));
        const guard = startGuard();
        restarted(1, 1);
        await until("the mirror", () => mirror() === file(5));
        guard.process.kill("SIGTERM");
        assert.equal(await guard.ended, 0);
    });

    it("answers nobody until the guard of an earlier pod has ended", async () => {
        const [before, after] = await Promise.all([freePort(), freePort()]);
        writeFileSync(db, file(1));
        const predecessor = startGuard(0, { GUARD_PORT: String(before) });
        const answered = async (port: number): Promise<boolean> =>
            (await ask(port, "GET", "/messages")).status === 200;
        await until("the first guard", () => answered(before).catch(() => false));
        startGuard(0, { GUARD_PORT: String(after) });
        let isAnswered = false as boolean;
        const answer = until("the second guard", () => answered(after).catch(() => false)).then(() => {
            isAnswered = true;
        });
        await sleep(1500);
        assert.ok(await answered(before));
        assert.equal(isAnswered, false);
        predecessor.process.kill("SIGKILL");
        await answer;
    });

    it("ends on SIGTERM after a last mirror", async () => {
        writeFileSync(db, file(1));
        const guard = startGuard();
        await until("the mirror", () => mirror() === file(1));
        writeFileSync(db, file(2));
        guard.process.kill("SIGTERM");
        assert.equal(await guard.ended, 0);
        assert.equal(mirror(), file(2));
    });

    it("keeps a complete mirror if it is killed at any time", async () => {
        const random = numbers(7);
        let count = 0;
        let mirrored = 0;
        for (let kill = 0; kill < 10; kill++) {
            const guard = startGuard();
            // Half of them are killed while they start, the others once they have mirrored something.
            const before = mirror();
            let end = kill % 2 === 0 ? Date.now() + random() * 200 : Infinity;
            while (Date.now() < end) {
                writeFileSync(db, file(++count));
                await sleep(random() * 2);
                if (end === Infinity && mirror() !== before) {
                    end = Date.now() + random() * 50;
                }
            }
            guard.process.kill("SIGKILL");
            await guard.ended;
            const text = mirror();
            if (text !== "") {
                const now = parse(text)?.length ?? -1;
                assert.ok(now >= mirrored && now <= count, `${String(now)} of ${String(count)} messages`);
                assert.equal(text, file(now));
                mirrored = now;
            }
        }
        assert.ok(mirrored > 0);
        startGuard();
        writeFileSync(db, file(++count));
        await until("the mirror", () => mirror() === file(count));
        assert.deepEqual(readdirSync(dirname(db)).sort(), [".guard", "db.json"]);
        assert.deepEqual(readdirSync(join(dirname(db), ".guard")), ["inode", "mirror.json", "socket"]);
    });
});
