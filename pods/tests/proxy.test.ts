/** The way in, as processes: the guard in front of the real stand-in of the api, below its supervisor. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { render } from "../database.ts";
import { Chat, ask, buildApi, messageOf, post, read } from "./support/chat.ts";
import { numbered } from "./support/messages.ts";
import { until } from "./support/processes.ts";
import { History } from "./support/set-full.ts";

describe("The way in", function () {
    this.timeout(120_000);
    let folder: string;
    let program: string | undefined;
    let chat: Chat;
    let history: History;

    before(function () {
        folder = mkdtempSync(join(tmpdir(), "way-in-"));
        program = buildApi(folder);
        if (program === undefined || process.platform !== "linux") {
            this.skip(); // It needs Go for the stand-in, and the supervisor needs /proc.
        }
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });
    beforeEach(async () => {
        chat = new Chat(program ?? "");
        history = new History();
        await chat.start(true);
    });
    afterEach(() => chat.remove());

    const write = (text: string) => history.write(text, (one) => post(chat.port, one));
    const look = () => history.read(() => read(chat.port));

    /** Writers who post one message after the other, and a reader, until the work is done. */
    async function during(writers: number, work: () => Promise<void>): Promise<void> {
        let isDone = false as boolean;
        const people = Array.from({ length: writers }, async (_, writer) => {
            for (let count = 1; !isDone; count++) {
                await write(`${String(writer)}-${String(count)}`);
            }
        });
        const reader = (async () => {
            while (!isDone) {
                await look();
                await sleep(20);
            }
        })();
        await work().finally(() => (isDone = true));
        await Promise.all([...people, reader]);
        await look();
    }

    async function acknowledged(more: number): Promise<void> {
        const aim = history.verdict().acknowledged + more;
        await until("acknowledged messages", () => history.verdict().acknowledged >= aim);
    }

    /** Fails if a promise is broken. Returns the verdict. */
    function kept(): ReturnType<History["verdict"]> {
        const verdict = history.verdict();
        const { lost, stale, duplicated, contradicted, invented, reordered } = verdict;
        assert.deepEqual(
            { lost, stale, duplicated, contradicted, invented, reordered },
            { lost: [], stale: [], duplicated: [], contradicted: [], invented: [], reordered: 0 },
        );
        assert.ok(verdict.acknowledged > 0);
        return verdict;
    }

    function mirror(): string {
        return readFileSync(join(chat.folder, "data", ".guard", "mirror.json"), "utf8");
    }

    async function answer(
        port: number,
        ...args: [string, string, string?]
    ): Promise<Record<string, unknown>> {
        const { status, headers, body } = await ask(port, ...args);
        return { status, body, ...headers, date: "" };
    }

    it("loses none of the messages that 16 people post at once", async () => {
        await during(16, () => acknowledged(400));
        assert.deepEqual({ ...kept(), silence: 0 }.unknown, 0);
        assert.equal(mirror(), readFileSync(chat.file, "utf8"));
        assert.deepEqual(chat.events(), []);
    });

    it("loses nothing while the app is killed again and again, often in the middle of a write", async () => {
        writeFileSync(chat.file, render(numbered(3000)));
        await until("the mirror", () => mirror() === readFileSync(chat.file, "utf8"));
        history = new History();
        numbered(3000).forEach(({ Text }) => void history.write(Text, () => Promise.resolve("stored")));
        await during(8, async () => {
            for (let kill = 0; kill < 8; kill++) {
                await acknowledged(10);
                // The app empties the file before it writes it.
                const deadline = performance.now() + 300;
                while (statSync(chat.file).size > 0 && performance.now() < deadline);
                chat.signalApp("SIGKILL");
                await sleep(1000);
            }
        });
        const { refused, unknown } = kept();
        assert.ok(refused + unknown > 0);
    });

    it("stores no swear word, says so, and lets the others wait for the restart", async () => {
        await during(4, async () => {
            for (let curse = 0; curse < 3; curse++) {
                const { status, headers } = await ask(chat.port, "POST", "/messages", messageOf("oh heck"));
                assert.equal(status, 502);
                assert.equal(headers["access-control-allow-origin"], "*");
                await acknowledged(4);
                await sleep(1200);
            }
        });
        assert.deepEqual(kept().unknown, 0);
        await until("the Events", () => chat.events().filter((one) => one === "ApiRestarted").length === 3);
    });

    it("puts back what a power cut has undone in the app's file", async () => {
        await during(4, () => acknowledged(20));
        const before = chat.texts();
        // The app never synchronizes its file, so after a power cut it may be as it was at any time before, or empty.
        for (const left of [render(numbered(0)), render([]).slice(0, 1), ""]) {
            await chat.stop();
            writeFileSync(chat.file, left);
            chat.startApp();
            chat.startGuard();
            await until("the api", () => read(chat.port).catch(() => undefined));
            await look();
            assert.deepEqual(chat.texts(), before);
        }
        kept();
    });

    it("puts a message back that somebody past the Service has overwritten, once", async () => {
        await during(4, async () => {
            for (let count = 1; count <= 60; count++) {
                await history.write(`past-${String(count)}`, async (text) => {
                    await post(chat.appPort, text);
                    return "unknown"; // Nobody promises anything to those who go past the guard.
                });
            }
        });
        await look();
        const { lost, duplicated, invented } = history.verdict();
        const promised = lost.filter((text) => !text.startsWith("past-"));
        assert.deepEqual({ promised, duplicated, invented }, { promised: [], duplicated: [], invented: [] });
        assert.deepEqual(chat.texts(), await read(chat.port));
        assert.ok(chat.events().every((reason) => reason === "ApiMessagesPutBack"));
    });

    it("puts back a lost update in the order of the messages, and says so", async () => {
        for (const text of ["one", "two", "three"]) {
            await write(text);
        }
        const [one, two] = JSON.parse(readFileSync(chat.file, "utf8")) as { Text: string }[];
        const late = { AuthorUsername: "bob", Text: "late" };
        writeFileSync(chat.file, JSON.stringify([one, two, late], undefined, 2));
        await until("the message", () => chat.texts().length === 4);
        assert.deepEqual(await read(chat.port), ["one", "two", "three", "late"]);
        await until("the Event", () => chat.events().length > 0);
        assert.deepEqual(chat.events(), ["ApiMessagesPutBack"]);
        assert.equal(await write("four"), "stored");
        assert.deepEqual(await read(chat.port), ["one", "two", "three", "late", "four"]);
    });

    it("lets others post while the app waits for the crawler, and mirrors what the app says then", async () => {
        const crawler = createServer((_, response) => void setTimeout(() => response.end("[]"), 3000));
        await new Promise<void>((resolve) => crawler.listen(0, "127.0.0.1", resolve));
        const { port } = crawler.address() as { port: number };
        chat.env.CRAWLER_BASE_URL = `http://127.0.0.1:${String(port)}`;
        await chat.stop();
        chat.startApp();
        chat.startGuard();
        await until("the api", () => read(chat.port).catch(() => undefined));
        const stats = write("/stats keywords=love");
        await until("the question", async () => (await read(chat.port)).length === 1);
        assert.equal(await write("meanwhile"), "stored");
        assert.equal(chat.texts().length, 2);
        assert.equal(await stats, "stored");
        assert.equal((await read(chat.port)).length, 3);
        assert.equal(mirror(), readFileSync(chat.file, "utf8"));
        crawler.close();
    });

    it("answers as the app does, with its headers for CORS", async () => {
        for (const [method, path] of [
            ["GET", "/messages"],
            ["OPTIONS", "/messages"],
            ["GET", "/healthz"],
            ["GET", "/nowhere"],
            ["DELETE", "/messages"],
        ] as const) {
            assert.deepEqual(await answer(chat.port, method, path), await answer(chat.appPort, method, path));
        }
        const odd = [
            "no JSON",
            '{"text": "a name in lower case", "more": 1} and a rest',
            messageOf("<é🐘\u2028"),
        ];
        for (const body of odd) {
            const direct = await answer(chat.appPort, "POST", "/messages", body);
            assert.equal((await answer(chat.port, "POST", "/messages", body)).status, direct.status);
        }
        assert.equal(chat.texts().filter((text) => text === "a name in lower case").length, 2);
        assert.equal(mirror(), readFileSync(chat.file, "utf8"));
    });

    it("is not held up by people who send slowly, leave, or do not read", async () => {
        writeFileSync(chat.file, render(numbered(20_000)));
        await until("the mirror", () => mirror() === readFileSync(chat.file, "utf8"));
        const slow = [
            "POST /messages HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
            "GET /messages HTTP/1.1\r\nHost: x\r\n\r\n",
        ];
        const sockets = Array.from({ length: 40 }, (_, index) => {
            const socket = connect(chat.port, "127.0.0.1").on("error", () => undefined);
            socket.pause().write(slow[index % 2] ?? "");
            return socket;
        });
        assert.equal((await ask(chat.port, "POST", "/messages", messageOf("quick"))).status, 201);
        sockets.slice(0, 20).forEach((socket) => socket.destroy());
        assert.equal((await ask(chat.port, "POST", "/messages", messageOf("quicker"))).status, 201);
        assert.equal((await read(chat.port)).length, 20_002);
        sockets.forEach((socket) => socket.destroy());
    });

    it("refuses what is too large or too much, before it reaches the app", async () => {
        assert.equal((await ask(chat.port, "POST", "/messages", messageOf("x".repeat(300_000)))).status, 413);
        chat.signalApp("SIGSTOP");
        let refused = 0;
        const answers = Array.from({ length: 300 }, async (_, index) => {
            const { status, headers } = await ask(chat.port, "POST", "/messages", messageOf(String(index)));
            refused += status === 503 && headers["retry-after"] === "1" ? 1 : 0;
        });
        // All but the one that is in the app.
        await until("the refusals", () => refused === 299);
        chat.signalApp("SIGCONT");
        await Promise.all(answers);
        assert.equal(await write("after"), "stored");
        assert.equal(chat.texts().length, 2);
    });

    it("refuses messages while it cannot mirror them, and lets people read", async () => {
        await write("before");
        rmSync(join(chat.folder, "data", ".guard"), { recursive: true });
        writeFileSync(join(chat.folder, "data", ".guard"), "");
        const first = await ask(chat.port, "POST", "/messages", messageOf("not mirrored"));
        assert.equal(first.status, 500);
        assert.equal(await write("refused"), "refused");
        assert.deepEqual(await read(chat.port), ["before", "not mirrored"]);
        rmSync(join(chat.folder, "data", ".guard"));
        await until("a message", async () => (await post(chat.port, "after")) === "stored");
        assert.equal(mirror(), readFileSync(chat.file, "utf8"));
    });

    it("answers everybody when it is told to end, and stores nothing after that", async () => {
        let codes: (number | undefined)[] = [];
        await during(16, async () => {
            await acknowledged(50);
            codes = await chat.stop();
        }).catch(() => undefined);
        assert.deepEqual(codes, [143, 0]);
        await history.read(() => Promise.resolve(chat.texts()));
        kept();
        assert.equal(mirror(), readFileSync(chat.file, "utf8"));
    });

    it("loses nothing if it is killed itself", async () => {
        await during(8, async () => {
            for (let kill = 0; kill < 4; kill++) {
                await acknowledged(20);
                await chat.killGuard();
                truncateSync(chat.file, Math.floor(statSync(chat.file).size / 2));
                chat.startGuard();
            }
        });
        kept();
    });
});
