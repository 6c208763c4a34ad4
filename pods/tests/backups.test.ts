import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import {
    existsSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Backup, backupsIn, nameOf, othersKept, prune, readBackup, surplus } from "../backups.ts";
import { type Message, render } from "../database.ts";

const messages: readonly Message[] = ["one", "two"].map((Text) => ({ AuthorUsername: "ada", Text }));
const text = render(messages);

function backup(day: number, count: number, reason = "scheduled"): Backup {
    const time = `2026-01-${String(day).padStart(2, "0")}T03:00:00Z`;
    return { name: `${time}-${reason}`, time, size: 1, messages: count, reason, proven: true };
}

/** The newest first, as they are listed. */
function month(days: number, count = (day: number) => day): Backup[] {
    return Array.from({ length: days }, (_, index) => backup(days - index, count(days - index)));
}

describe("the surplus of backups", () => {
    it("is all scheduled ones but the newest", () => {
        assert.deepEqual(
            surplus(month(5), 3).map(({ messages }) => messages),
            [2, 1],
        );
        assert.deepEqual(surplus(month(3), 3), []);
        assert.deepEqual(surplus([], 3), []);
    });

    it("never has the one with most messages", () => {
        const shrinking = month(5, (day) => 10 - day);
        assert.deepEqual(
            surplus(shrinking, 2).map(({ messages }) => messages),
            [7, 8],
        );
    });

    it("counts the other reasons apart from the schedule", () => {
        const manual = Array.from({ length: othersKept + 1 }, () => backup(1, 0, "manual"));
        const upgrades = [backup(1, 0, "before-upgrade")];
        assert.deepEqual(surplus([...month(2), ...manual, ...upgrades], 2), manual.slice(-1));
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

    it("have names that say all about them", () => {
        assert.match(name, /^20261125T120000Z-2-[0-9a-f]{8}-before-upgrade\.json$/);
        writeFileSync(join(folder, name), text);
        writeFileSync(join(folder, `${name}.proven`), "");
        writeFileSync(join(folder, "other.json"), "[]");
        assert.deepEqual(backupsIn(folder), [
            {
                name,
                time: "2026-11-25T12:00:00Z",
                size: Buffer.byteLength(text),
                messages: 2,
                reason: "before-upgrade",
                proven: true,
            },
        ]);
    });

    it("are read only if they are what their names say", () => {
        assert.throws(() => readBackup(folder, name), /no backup/);
        assert.throws(() => readBackup(folder, "../db.json"), /no backup/);
        writeFileSync(join(folder, name), text.slice(0, -1));
        assert.throws(() => readBackup(folder, name), /damaged/);
        writeFileSync(join(folder, name), text);
        assert.equal(readBackup(folder, name), text);
    });

    it("are pruned with their proofs, and with what a killed run left a day ago", () => {
        const old = nameOf("[]", [], "scheduled", new Date("2026-01-01T00:00:00Z"));
        for (const file of [old, `${old}.proven`, name, "x.json.part", "y.json.part"]) {
            writeFileSync(join(folder, file), "");
        }
        const yesterday = Date.now() / 1000 - 2 * 24 * 60 * 60;
        utimesSync(join(folder, "x.json.part"), yesterday, yesterday);
        prune(folder, 0);
        assert.deepEqual(readdirSync(folder).sort(), [name, "y.json.part"].sort());
    });
});

describe("the program of the backup's pods", () => {
    let folder: string;
    let database: string;
    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "backup-"));
        database = join(folder, "db.json");
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    const seconds = { READ_SECONDS: "1", PROOF_SECONDS: "1" };
    const backups = () => readdirSync(folder).filter((file) => file.includes("-manual"));

    async function run(
        args: readonly string[],
        more: Readonly<Record<string, string>> = {},
    ): Promise<{ status: number | null; stdout: string; stderr: string }> {
        const env = {
            ...process.env,
            BACKUPS: folder,
            API_DB_FILEPATH: database,
            PROOF: join(folder, "proof"),
            ...seconds,
            ...more,
        };
        const child = spawn(process.execPath, [join(import.meta.dirname, "../backup.ts"), ...args], { env });
        let [stdout, stderr] = ["", ""];
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
        child.stderr.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
        return new Promise((resolve) => {
            child.on("close", (status) => {
                resolve({ status, stdout, stderr });
            });
        });
    }

    /** Proves with an api that answers this. */
    async function prove(answer: string): ReturnType<typeof run> {
        const server = createServer((_, response) => response.end(answer)).listen(0, "127.0.0.1");
        await new Promise((resolve) => server.once("listening", resolve));
        try {
            return await run(["prove"], { API_PORT: String((server.address() as AddressInfo).port) });
        } finally {
            server.close();
        }
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

    it("fails if the api returns fewer messages, or does not answer, and proves nothing", async () => {
        writeFileSync(database, text);
        await run(["copy"]);
        assert.equal((await prove("[]")).status, 1);
        assert.equal((await prove("<html>")).status, 1);
        assert.equal((await run(["prove"], { API_PORT: "1" })).status, 1);
        const [name = ""] = backups();
        assert.equal(existsSync(join(folder, `${name}.proven`)), false);
    });

    it("waits for a write that goes on, and copies the whole file", async () => {
        writeFileSync(database, text.slice(0, 30));
        const copying = run(["copy"], { READ_SECONDS: "60" });
        setTimeout(() => {
            writeFileSync(database, text);
        }, 300);
        assert.equal((await copying).status, 0);
        const [name = ""] = backups();
        assert.equal(readFileSync(join(folder, name), "utf8"), text);
    });

    it("leaves no backup if the file is torn or missing", async () => {
        assert.equal((await run(["copy"])).status, 1);
        writeFileSync(database, text.slice(0, 30));
        assert.equal((await run(["copy"])).status, 1);
        assert.deepEqual(backups(), []);
    });

    it("refuses a word that it does not know", async () => {
        assert.equal((await run(["erase"])).status, 1);
        assert.equal((await run([])).status, 1);
    });
});
