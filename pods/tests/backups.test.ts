import { strict as assert } from "node:assert";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
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
import { join } from "node:path";
import {
    type Backup,
    backupsIn,
    expendable,
    isBackupName,
    isWhatNameSays,
    makeRoom,
    nameOf,
    othersKept,
    proofOf,
    prune,
    readBackup,
    surplus,
    sweep,
    writeBackup,
} from "../backups.ts";
import { type Message, parse, render } from "../database.ts";

const messages: readonly Message[] = ["one", "two"].map((Text) => ({ AuthorUsername: "ada", Text }));
const text = render(messages);

function backup(day: number, count: number, reason = "scheduled", proven = true): Backup {
    const time = `2026-01-${String(day).padStart(2, "0")}T03:00:00Z`;
    return { name: `${time}-${reason}`, time, size: 1, messages: count, reason, proven };
}

/** The newest first, as they are listed. */
function month(days: number, count = (day: number) => day): Backup[] {
    return Array.from({ length: days }, (_, index) => backup(days - index, count(days - index)));
}

describe("the surplus of backups", () => {
    const counts = (backups: readonly Backup[], kept: number) =>
        surplus(backups, kept).map(({ messages }) => messages);

    it("is all scheduled ones but the newest, the oldest first", () => {
        assert.deepEqual(counts(month(5), 3), [1, 2]);
        assert.deepEqual(counts(month(3), 3), []);
        assert.deepEqual(counts([], 3), []);
    });

    it("never has the one with most messages, which is one of those that are kept", () => {
        const shrinking = month(5, (day) => 10 - day);
        assert.deepEqual(counts(shrinking, 2), [8, 7, 6]);
        assert.deepEqual(counts(shrinking, 1), [8, 7, 6]);
    });

    it("has those that are not proven rather than those that are", () => {
        const failed = [5, 4, 3].map((day) => backup(day, day, "scheduled", false));
        const backups = [backup(6, 6), ...failed, backup(2, 2), backup(1, 1)];
        assert.deepEqual(counts(backups, 3), [3, 4, 5]);
        assert.deepEqual(counts(backups, 4), [3, 4]);
    });

    it("never has the newest proven one, nor the newest one, however many proofs fail", () => {
        const failed = Array.from({ length: 60 }, (_, index) => backup(90 - index, 7, "scheduled", false));
        for (const kept of [1, 7]) {
            const backups = [...failed, ...month(7)];
            const gone = surplus(backups, kept);
            assert.equal(backups.length - gone.length, Math.max(kept, 2));
            assert.ok(!gone.includes(backups[0] ?? backup(0, 0)) && !gone.includes(backup(7, 7)));
            assert.ok(!gone.some(({ messages, proven }) => proven && messages === 7));
        }
    });

    it("counts all other reasons together, apart from the schedule", () => {
        const manual = Array.from({ length: othersKept }, () => backup(1, 0, "manual"));
        const upgrades = [backup(1, 0, "before-upgrade")];
        assert.deepEqual(surplus([...month(2), ...manual, ...upgrades], 2), upgrades);
    });
});

describe("the backups that can make room", () => {
    it("are unproven ones before proven ones, and older ones before newer ones", () => {
        const backups = [
            backup(6, 1, "scheduled", false),
            backup(5, 2),
            backup(4, 3),
            backup(3, 4, "manual", false),
            backup(2, 9, "first", false),
            backup(1, 0),
        ];
        assert.deepEqual(
            expendable(backups).map(({ messages }) => messages),
            [4, 1, 0, 3],
        );
    });
});

describe("the backups in a folder", () => {
    let folder: string;
    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "backups-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    const name = nameOf(text, messages, "before-upgrade", new Date("2026-11-25T12:00:00Z"));

    it("have names that say all about them but when their files were written", () => {
        assert.match(name, /^20261125T120000Z-2-[0-9a-f]{8}-before-upgrade\.json$/);
        writeFileSync(join(folder, name), text);
        writeFileSync(join(folder, `${name}.proven`), "");
        writeFileSync(join(folder, "other.json"), "[]");
        const written = Date.parse("2026-11-25T12:00:01Z") / 1000;
        utimesSync(join(folder, name), written, written);
        assert.deepEqual(backupsIn(folder), [
            {
                name,
                time: "2026-11-25T12:00:01Z",
                size: Buffer.byteLength(text),
                messages: 2,
                reason: "before-upgrade",
                proven: true,
            },
        ]);
    });

    it("have names that are no paths, and no names of other files", () => {
        assert.ok(isBackupName(name));
        for (const other of [`../${name}`, "mirror.json", `${name}.proven`]) {
            assert.ok(!isBackupName(other));
        }
        assert.ok(isWhatNameSays(name, text));
        assert.ok(!isWhatNameSays(name, `${text} `));
        assert.ok(!isWhatNameSays(name.replace("Z-2-", "Z-3-"), text));
    });

    it("are read only if they are what their names say", () => {
        assert.throws(() => readBackup(folder, name), /no backup/);
        assert.throws(() => readBackup(folder, "../db.json"), /no backup/);
        writeFileSync(join(folder, name), text.slice(0, -1));
        assert.throws(() => readBackup(folder, name), /damaged/);
        writeFileSync(join(folder, name), text);
        assert.equal(readBackup(folder, name), text);
    });

    it("are left out of the folder if what was read back is not what was written", () => {
        const other = nameOf("[]", [], "manual");
        assert.throws(() => {
            writeBackup(folder, other, text);
        }, /damaged/);
        assert.deepEqual(readdirSync(folder), []);
        writeBackup(folder, name, text);
        assert.deepEqual(readdirSync(folder), [name]);
    });

    it("are listed with the newest first", () => {
        const times = ["2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z", "2025-12-31T23:59:59Z"];
        for (const time of times) {
            writeBackup(folder, nameOf(text, messages, "manual", new Date(time)), text);
        }
        assert.deepEqual(
            backupsIn(folder).map(({ name: one }) => one.slice(0, 8)),
            ["20260201", "20260131", "20251231"],
        );
    });

    it("are pruned with their proofs", () => {
        const old = nameOf("[]", [], "scheduled", new Date("2026-01-01T00:00:00Z"));
        for (const file of [old, proofOf("", old), name, proofOf("", name)]) {
            writeFileSync(join(folder, file), "");
        }
        prune(folder, 0);
        assert.deepEqual(readdirSync(folder).sort(), [name, `${name}.proven`].sort());
    });

    it("make room only if all that can go is enough", () => {
        const names = [1, 2, 3].map((day) =>
            nameOf("[]", [], "scheduled", new Date(`2026-01-0${day}T00:00:00Z`)),
        );
        for (const one of names) {
            writeBackup(folder, one, "[]");
        }
        writeBackup(folder, name, text);
        assert.equal(makeRoom(folder, 7), false);
        assert.equal(backupsIn(folder).length, 4);
        assert.equal(makeRoom(folder, 3), true);
        assert.deepEqual(readdirSync(folder).sort(), [names[2], name].sort());
    });

    it("are swept of what a killed run left a day ago", () => {
        const files = [name, `${name}.proven`, "new.json.part", "old.json.part"];
        const longAgo = Date.now() / 1000 - 25 * 60 * 60;
        for (const file of files) {
            writeFileSync(join(folder, file), "");
            utimesSync(join(folder, file), longAgo, longAgo);
        }
        utimesSync(join(folder, "new.json.part"), longAgo + 2 * 60 * 60, longAgo + 2 * 60 * 60);
        sweep(folder);
        assert.deepEqual(readdirSync(folder).sort(), files.slice(0, 3).sort());
    });
});

describe("the program of the backup's pods", () => {
    let folder: string;
    let database: string;
    /** An api that returns its file as it is, torn or not. */
    let api: Server;
    beforeEach(async () => {
        folder = mkdtempSync(join(tmpdir(), "backup-"));
        database = join(folder, "db.json");
        api = createServer((_, response) => {
            response.statusCode = existsSync(database) ? 200 : 500;
            response.end(existsSync(database) ? readFileSync(database) : "no file");
        }).listen(0, "127.0.0.1");
        await once(api, "listening");
    });
    afterEach(() => {
        api.close();
        api.closeAllConnections();
        rmSync(folder, { recursive: true });
    });

    const program = join(import.meta.dirname, "../backup.ts");
    const backups = () => readdirSync(folder).filter((file) => file.includes("-manual"));

    function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
        return {
            ...process.env,
            BACKUPS: folder,
            API_DB_FILEPATH: database,
            SOURCE: `http://127.0.0.1:${(api.address() as AddressInfo).port}/messages`,
            PROOF: join(folder, "proof"),
            // Long, since a machine may be slow. What is to fail takes a second.
            READ_SECONDS: "100",
            PROOF_SECONDS: "100",
            ...more,
        };
    }

    const impatient = { READ_SECONDS: "1", PROOF_SECONDS: "1" };

    /** Runs it. Each failure must be one line, and nothing else. */
    async function run(
        args: readonly string[],
        more: Readonly<Record<string, string>> = {},
    ): Promise<{ status: number | null; stdout: string; stderr: string }> {
        const child = spawn(process.execPath, [program, ...args], { env: environment(more) });
        let [stdout, stderr] = ["", ""];
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
        child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
        const [status] = (await once(child, "close")) as [number | null];
        if (status !== 0 && status !== null) {
            assert.equal(stdout, "");
            assert.match(stderr, /^.+\n$/);
        }
        return { status, stdout, stderr };
    }

    /** Proves with an api that answers this, or that never answers. */
    async function prove(
        answer: string | undefined,
        more: Readonly<Record<string, string>> = {},
    ): ReturnType<typeof run> {
        const server = createServer((_, response) => {
            if (answer !== undefined) {
                response.end(answer);
            }
        }).listen(0, "127.0.0.1");
        await once(server, "listening");
        try {
            return await run(["prove"], {
                API_PORT: String((server.address() as AddressInfo).port),
                ...more,
            });
        } finally {
            server.close();
            server.closeAllConnections();
        }
    }

    /** Copies and proves with a clock that is ahead by some ms, or behind. The times of the files follow it. */
    async function copyAndProve(shift: number, more: Readonly<Record<string, string>>): Promise<void> {
        const before = readdirSync(folder);
        const shifted = { ...more, NODE_OPTIONS: preload(shiftedClock, shift) };
        const copied = await run(["copy"], shifted);
        assert.equal(copied.status, 0, copied.stderr);
        const proven = await prove(readFileSync(database, "utf8"), shifted);
        assert.equal(proven.status, 0, proven.stderr);
        const seconds = (Date.now() + shift) / 1000;
        for (const file of readdirSync(folder).filter((one) => !before.includes(one))) {
            utimesSync(join(folder, file), seconds, seconds);
        }
    }

    const year = 365 * 24 * 3600 * 1000;
    for (const [what, shift] of [
        ["is set back by a year", -year],
        ["is set ahead by a year", year],
    ] as const) {
        it(`knows the newest backup while the clock ${what}, and afterwards, also by its age`, async () => {
            writeProven();
            for (const [index, ahead] of [shift, shift, 0, 0].entries()) {
                // As many messages each time, so that no backup is kept for having most of them.
                const now = render([{ AuthorUsername: "ada", Text: String(index) }]);
                writeFileSync(database, now);
                await copyAndProve(ahead, { BACKUPS_KEPT: "3", REASON: "scheduled" });
                const [newest, ...others] = backupsIn(folder);
                assert.equal(readBackup(folder, newest?.name ?? ""), now);
                const age = (Date.now() + ahead - Date.parse(newest?.time ?? "")) / 1000;
                assert.ok(newest?.proven && Math.abs(age) < 60, `${age} s`);
                assert.equal(others.length, 2);
            }
        });
    }

    for (const command of ["copy", "prove"] as const) {
        it(`loses no earlier backup, and proves no half one, killed at every change that ${command} makes`, async () => {
            const kept = { BACKUPS_KEPT: "3", REASON: "scheduled" };
            let kills = 0;
            for (let isKilled = true; isKilled; kills++) {
                readdirSync(folder).forEach((file) => {
                    rmSync(join(folder, file), { recursive: true });
                });
                writeProven();
                const earlier = backupsIn(folder);
                writeFileSync(database, text);
                if (command === "prove") {
                    await run(["copy"], kept);
                }
                const env = { ...kept, NODE_OPTIONS: preload(killedAt, kills + 1) };
                isKilled =
                    (await (command === "copy" ? run(["copy"], env) : prove(text, env))).status === null;
                const left = backupsIn(folder).filter(({ proven }) => proven);
                left.forEach(({ name }) => readBackup(folder, name));
                assert.deepEqual(
                    left.filter(({ messages }) => messages === 0).slice(0, 2),
                    earlier.slice(0, 2),
                );
                // The next Job ends well, whatever this one has left.
                writeFileSync(database, render(numbered(3)));
                assert.equal((await run(["copy"], kept)).status, 0);
                assert.equal((await prove(render(numbered(3)), kept)).status, 0);
                const [newest, ...others] = backupsIn(folder);
                assert.deepEqual([newest?.messages, newest?.proven], [3, true]);
                assert.ok(others.length <= 3, others.map(({ name }) => name).join());
            }
            assert.ok(kills > 5, String(kills));
        });
    }

    it("copies the file, proves the copy, lists and prints it", async () => {
        writeFileSync(database, text);
        const copied = await run(["copy"]);
        assert.equal(copied.status, 0, copied.stderr);
        assert.equal(readFileSync(join(folder, "proof"), "utf8"), text);
        const proven = await prove(text);
        assert.equal(proven.status, 0, proven.stderr);
        const [name = ""] = backups();
        assert.equal((JSON.parse(proven.stdout) as Backup).name, name);
        const listed = JSON.parse((await run(["list"])).stdout) as Backup[];
        assert.deepEqual(
            listed.map(({ name, messages, proven }) => ({ name, messages, proven })),
            [{ name, messages: 2, proven: true }],
        );
        assert.equal((await run(["read", name])).stdout, text);
    });

    it("fails if the api returns fewer or more messages, or does not answer, and proves nothing", async () => {
        writeFileSync(database, text);
        await run(["copy"]);
        assert.equal((await prove("[]")).status, 1);
        assert.equal((await prove(render([...messages, ...messages]))).status, 1);
        assert.equal((await prove("<html>", impatient)).status, 1);
        assert.equal((await prove(undefined, impatient)).status, 1);
        assert.equal((await run(["prove"], { ...impatient, API_PORT: "1" })).status, 1);
        const [name = ""] = backups();
        assert.equal(existsSync(join(folder, `${name}.proven`)), false);
    });

    it("waits for a write that goes on, and copies the whole file", async () => {
        writeFileSync(database, text.slice(0, 30));
        const copying = run(["copy"]);
        setTimeout(() => {
            writeFileSync(database, text);
        }, 300);
        assert.equal((await copying).status, 0);
        const [name = ""] = backups();
        assert.equal(readFileSync(join(folder, name), "utf8"), text);
    });

    it("leaves no backup if the api returns no messages, or does not answer", async () => {
        assert.equal((await run(["copy"], impatient)).status, 1);
        const nowhere = { ...impatient, SOURCE: "http://127.0.0.1:1/messages" };
        assert.equal((await run(["copy"], nowhere)).status, 1);
        writeFileSync(database, text.slice(0, 30));
        assert.equal((await run(["copy"], impatient)).status, 1);
        assert.deepEqual(backups(), []);
    });

    it("copies a whole file each time, of a writer that never stops", async () => {
        // As the app writes: the same file, emptied and filled, here with a pause in the middle.
        const writer = spawn(process.execPath, ["--eval", endlessWriter], { env: environment() });
        try {
            const counts: number[] = [];
            for (let round = 0; round < 5; round++) {
                const { status, stderr } = await run(["copy"]);
                assert.equal(status, 0, stderr);
                counts.push(parse(readFileSync(join(folder, "proof"), "utf8"))?.length ?? -1);
            }
            const listed = [...backupsIn(folder)].reverse();
            assert.deepEqual([...counts].sort(), listed.map((one) => one.messages).sort());
            for (const { name } of listed) {
                const copied = parse(readBackup(folder, name)) ?? [];
                assert.deepEqual(copied, numbered(copied.length));
            }
        } finally {
            writer.kill("SIGKILL");
            await once(writer, "close");
        }
    });

    /** Three proven ones, without messages. */
    function writeProven(): void {
        for (const day of ["01", "02", "03"]) {
            const name = nameOf("[]", [], "scheduled", new Date(`2026-01-${day}T00:00:00Z`));
            writeBackup(folder, name, "[]");
            writeFileSync(proofOf(folder, name), "");
        }
    }

    it("prunes what is over the count after the proof", async () => {
        writeProven();
        writeFileSync(database, text);
        const kept = { BACKUPS_KEPT: "3", REASON: "scheduled" };
        await run(["copy"], kept);
        assert.equal(backupsIn(folder).length, 4);
        assert.equal((await prove(text, kept)).status, 0);
        assert.equal(backupsIn(folder).length, 3);
    });

    it("keeps a bounded number, and the newest proven one, while proofs fail", async () => {
        writeProven();
        const kept = { BACKUPS_KEPT: "3", REASON: "scheduled" };
        for (let round = 0; round < 6; round++) {
            writeFileSync(database, render(numbered(round + 1)));
            assert.equal((await run(["copy"], kept)).status, 0);
            assert.equal((await prove("[]", kept)).status, 1);
            assert.ok(backupsIn(folder).length <= 4);
        }
        const [newest, ...others] = backupsIn(folder);
        assert.deepEqual([newest?.messages, newest?.proven], [6, false]);
        assert.match(others.find(({ proven }) => proven)?.name ?? "", /^20260103T000000Z/);
    });

    it("never takes a count that it cannot read for none", async () => {
        writeProven();
        writeFileSync(database, text);
        for (const BACKUPS_KEPT of ["", "0", "-1", "seven"]) {
            assert.equal((await run(["copy"], { BACKUPS_KEPT })).status, 1);
        }
        assert.equal(backupsIn(folder).length, 3);
    });

    it("prints no backup that is damaged, and an empty list if there are none", async () => {
        assert.deepEqual(JSON.parse((await run(["list"])).stdout), []);
        const name = nameOf(text, messages, "manual");
        writeFileSync(join(folder, name), text.replace("one", "eno"));
        assert.equal((await run(["read", name])).status, 1);
        assert.equal((await run(["read", "../db.json"])).status, 1);
    });

    /**
     * Copies onto a volume of 64 kB that has three proven backups of 16 kB, so that a larger one needs room. The volume ends
     * with its mount namespace.
     */
    async function copyOntoSmallVolume(
        size: number,
    ): Promise<{ status: string; counts: number[]; stderr: string }> {
        const volume = join(folder, "volume");
        const before = join(folder, "before");
        mkdirSync(volume);
        mkdirSync(before);
        for (const day of [1, 2, 3]) {
            const content = render(numbered(100 + day)).padEnd(16_384);
            const date = new Date(`2026-01-0${day}T00:00:00Z`);
            const name = nameOf(content, numbered(100 + day), "scheduled", date);
            writeBackup(before, name, content);
            writeFileSync(proofOf(before, name), "");
        }
        writeFileSync(database, render(numbered(104)).padEnd(size));
        const script = [
            'mount -t tmpfs -o size=64k tmpfs "$BACKUPS" && cp "$BEFORE"/* "$BACKUPS" || exit',
            '"$NODE" "$PROGRAM" copy >/dev/null; echo "$?"; ls "$BACKUPS"',
        ].join("\n");
        const env = environment({
            BACKUPS: volume,
            BEFORE: before,
            NODE: process.execPath,
            PROGRAM: program,
        });
        const unshare = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
        const child = spawn("unshare", unshare, { env });
        let [stdout, stderr] = ["", ""];
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
        child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
        await once(child, "close");
        const [status = "", ...files] = stdout.trim().split("\n");
        const names = files.filter((file) => !file.endsWith(".proven"));
        return { status, counts: names.map((file) => Number(file.split("-")[1])), stderr };
    }

    it("makes room on a full volume with the oldest backups, and no more than it needs", async function () {
        if (!canMount()) {
            this.skip();
        }
        const { status, counts, stderr } = await copyOntoSmallVolume(20_000);
        assert.equal(status, "0", stderr);
        assert.deepEqual(counts, [103, 104]);
    });

    it("leaves a full volume as it was if older backups cannot make room, and says which key does", async function () {
        if (!canMount()) {
            this.skip();
        }
        const { status, counts, stderr } = await copyOntoSmallVolume(50_000);
        assert.equal(status, "1", stderr);
        assert.match(stderr, /^.*storageSize.*\n$/);
        assert.deepEqual(counts, [101, 102, 103]);
    });

    it("refuses a word that it does not know", async () => {
        assert.equal((await run(["erase"])).status, 1);
        assert.equal((await run([])).status, 1);
    });
});

function numbered(count: number): Message[] {
    return Array.from({ length: count }, (_, index) => ({ AuthorUsername: "ada", Text: `message ${index}` }));
}

/** Options of Node.js that run a script before the program. */
function preload(script: string, number: number): string {
    return `--import=data:text/javascript,${encodeURIComponent(script.replace("NUMBER", String(number)))}`;
}

const shiftedClock = `
    const RealDate = Date;
    const now = () => RealDate.now() + NUMBER;
    globalThis.Date = class extends RealDate {
        constructor(...args) {
            super(...(args.length > 0 ? args : [now()]));
        }
        static now = now;
    };
`;

/** Ends the process before one of its changes, or in the middle of it if it writes a file. */
const killedAt = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    let moments = 0;
    const moment = (before = () => undefined) => {
        moments += 1;
        if (moments === NUMBER) {
            before();
            process.kill(process.pid, "SIGKILL");
        }
    };
    const { writeFileSync } = fs;
    for (const name of ["writeFileSync", "renameSync", "fsyncSync", "rmSync"]) {
        const real = fs[name];
        fs[name] = (...args) => {
            moment();
            if (name === "writeFileSync") {
                moment(() => writeFileSync(args[0], args[1].slice(0, args[1].length / 2)));
            }
            return real(...args);
        };
    }
    syncBuiltinESMExports();
`;

const endlessWriter = `
    const { openSync, writeSync, closeSync } = require("node:fs");
    const messages = [];
    for (;;) {
        const text = JSON.stringify(messages, undefined, 2);
        const file = openSync(process.env.API_DB_FILEPATH, "w");
        writeSync(file, text.slice(0, text.length / 2));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        writeSync(file, text.slice(text.length / 2));
        closeSync(file);
        messages.push({ AuthorUsername: "ada", Text: "message " + messages.length });
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
`;

/** Whether this machine lets tests mount a volume in a namespace of their own. */
function canMount(): boolean {
    const mount = ["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", tmpdir()];
    return spawnSync("unshare", mount).status === 0;
}
