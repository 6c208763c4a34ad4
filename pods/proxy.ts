/**
 * The way in: the Service of a guarded api leads here, and each request goes on to the api. It gives what the app alone does
 * not: a message that got its 201 is in the api's file, and in a mirror that survives a power cut.
 *
 * Turns: the app reads its file, adds a message, and writes the whole file, without a lock around the three. Of two posts at
 * once it can lose one, although both got 201. So one request is in the app at a time. A turn ends when the app has answered
 * and the mirror holds the message. It ends earlier for a client that reads slowly, and for a post that is stored but not yet
 * answered: for /stats, the app asks the crawler. (An http.Agent with one socket would hand the socket on after a crash before
 * the file is repaired, and would keep it while a client reads.) Reads take turns as well, so that they see only what the
 * mirror has.
 *
 * Crashes: the app exits when somebody swears, and the supervisor starts it again. A request that could not connect has not
 * reached the app. It is tried again until its patience ends, and then gets 503 with Retry-After. If the connection broke, the
 * app may have stored the message, so the file decides: 201 if it has the message, otherwise 502. A post is never sent twice,
 * because a swear word would end the app again.
 *
 * Other writers: the app adds its answer to /stats seconds later, and people may reach the pod past the Service. If such a
 * write overwrites a message, the keeper puts it back before the next turn. If the mirror has not seen the message, its own
 * turn adds it.
 *
 * Limits: a request waits for its turn once it has arrived whole, and answers are streamed, so slow clients hold up nobody.
 * Queue and bodies are bounded. On SIGTERM, all that wait are answered. Status codes and headers pass unchanged.
 */
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { pipeline } from "node:stream/promises";
import { type Message, merge, parse } from "./database.ts";
import type { Keeper } from "./keeper.ts";

// An import would also load what node:http only passes on, which takes half of the time in which the guard starts.
const { createServer, request: connect } = process.getBuiltinModule("node:http");

const limits = {
    body: 256 * 1024, // bytes of a request
    waiting: 256, // requests
    connections: 1024,
    patience: 10_000, // ms that a request waits for its turn, and for an app that is starting
    slow: 500, // ms without an answer, after which a look shows whether a message is stored
    reading: 100, // ms that a client may take to read an answer within its turn
    answer: 30_000, // ms in which app or client must do something
    stop: 5000, // ms that the app may take to end
    pause: 20, // ms between two attempts
};

const probe = { method: "GET", url: "/healthz", rawHeaders: [] };

/** What became of a request: the head of the app's answer, or why there is none. */
type Outcome = IncomingMessage | "refused" | "broken" | "late";

export class Proxy {
    private readonly port: string;
    private readonly keeper: Keeper;
    private readonly server = createServer({ requestTimeout: 30_000, keepAliveTimeout: 120_000 });
    private turn: Promise<unknown> = Promise.resolve();
    private waiting = 0;
    private isClosing = false;

    /** @param port of the app. */
    public constructor(port: string, keeper: Keeper) {
        this.port = port;
        this.keeper = keeper;
        this.server.maxConnections = limits.connections;
        this.server.on("request", (request, response) => {
            this.handle(request, response).catch((error: unknown) => {
                if (!request.destroyed) {
                    console.log(`A request failed: ${String(error)}`);
                }
                response.destroy();
            });
        });
    }

    public async listen(port: number): Promise<void> {
        await once(this.server.listen(port), "listening");
    }

    /** Takes no more requests, answers those that wait, and returns when the app has ended, which is told to end as well. */
    public async close(): Promise<void> {
        this.isClosing = true;
        const closed = once(this.server.close(), "close");
        await this.turn;
        await this.probeUntil((outcome) => outcome === "refused", limits.stop);
        await Promise.race([closed, sleep(limits.pause)]);
    }

    /** Does some work while no request is in the app. */
    public inTurn<T>(work: () => Promise<T>): Promise<T> {
        const done = this.turn.then(work);
        this.turn = done.catch(() => undefined);
        return done;
    }

    /** Waits until the file is complete and mirrored, and lost messages are back. */
    public async settle(deadline = performance.now() + limits.patience) {
        while (this.keeper.look() && this.keeper.putBack()) {
            if (this.keeper.isSettled || this.isOver(deadline)) {
                return this.keeper.isSettled ? "settled" : "torn";
            }
            await sleep(limits.pause);
        }
        return "failing";
    }

    private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
        const body = await bodyOf(request);
        if (!body) {
            refuse(response, 413, `A request may have at most ${String(limits.body)} bytes.`);
            return;
        }
        if (this.isClosing || this.waiting >= limits.waiting) {
            const reason = this.isClosing ? "The api is stopping." : "Too many requests wait for the api.";
            refuse(response, 503, reason);
            return;
        }
        this.waiting++;
        const deadline = performance.now() + limits.patience;
        const late = setTimeout(refuse, limits.patience, response, 503, "The api has too much to do.");
        await this.inTurn(async () => {
            clearTimeout(late);
            this.waiting--;
            // A client that has gone is not waited for, and its message is not stored.
            if (!response.headersSent && !response.destroyed) {
                await this.pass(request, body, response, deadline);
            }
        });
    }

    private async pass(request: IncomingMessage, body: Buffer, response: ServerResponse, deadline: number) {
        const isPost = request.method === "POST";
        do {
            const file = await this.settle(deadline);
            if (file === "torn" || (file === "failing" && isPost)) {
                refuse(response, 503, "The api's file is not ready for requests.");
                return;
            }
            this.keeper.added = [];
            const asked = ask(this.port, request, body);
            const done = isPost ? this.posted(asked, body, response) : forward(await asked, response);
            if (await done) {
                return;
            }
            await sleep(limits.pause);
        } while (!this.isOver(deadline));
        refuse(response, 503, "The api does not answer.");
    }

    /** Waits until a post is done, or at least stored. False: it has not reached the app. */
    private async posted(asked: Promise<Outcome>, body: Buffer, response: ServerResponse) {
        const { keeper } = this;
        const message = messageIn(body);
        const isStored = (): boolean => {
            const { added } = keeper;
            return message ? merge(added, [message]).length === added.length : added.length > 0;
        };
        let outcome: Outcome | "slow" = "slow";
        while (outcome === "slow") {
            outcome = await Promise.race([asked, sleep(limits.slow, "slow" as const, { ref: false })]);
            if (outcome === "slow" && keeper.look() && isStored()) {
                asked.then((answer) => this.acknowledge(answer, response)).catch(() => response.destroy());
                return true;
            }
        }
        if (outcome === "refused") {
            return false;
        }
        await this.settle();
        const answer = typeof outcome === "string" ? undefined : outcome;
        const isAcknowledged = answer?.statusCode === 201;
        // If the mirror has not seen a message, another write has overwritten it.
        if (isStored() || (isAcknowledged && message && keeper.add(message))) {
            await this.settle();
            await this.acknowledge(outcome, response);
        } else if (isAcknowledged) {
            answer.destroy();
            refuse(response, 500, "The api has stored the message, but the guard cannot mirror it.");
        } else if (!(await forward(outcome, response))) {
            const fate = outcome === "broken" && keeper.isMirrored ? "was not" : "may be";
            refuse(response, 502, `The api did not answer. The message ${fate} stored.`);
        }
        if (outcome === "broken") {
            // A process that is ending still takes connections for a moment, and breaks them.
            const isBack = (answer: Outcome) => typeof answer !== "string" || this.isClosing;
            await this.probeUntil(isBack, limits.patience);
        }
        return true;
    }

    /** Asks the app until its outcome is the expected one, for some milliseconds at most. */
    private async probeUntil(isExpected: (outcome: Outcome) => boolean, patience: number): Promise<void> {
        const deadline = performance.now() + patience;
        for (;;) {
            const outcome = await ask(this.port, probe);
            if (typeof outcome !== "string") {
                outcome.resume();
            }
            if (isExpected(outcome) || performance.now() > deadline) {
                return;
            }
            await sleep(limits.pause);
        }
    }

    /** Answers a post whose message is mirrored. If the app did not live to answer, with what it would have said. */
    private async acknowledge(outcome: Outcome, response: ServerResponse): Promise<void> {
        if (!(await forward(outcome, response))) {
            reply(response, 201, this.keeper.mirror.bytes);
        }
    }

    private isOver(deadline: number): boolean {
        return this.isClosing || performance.now() > deadline;
    }
}

/** The body of a request. Undefined if it is too large. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        size += part.length;
        if (size > limits.body) {
            request.resume(); // A client that cannot send its body to the end does not read the answer.
            return undefined;
        }
        parts.push(part);
    }
    return Buffer.concat(parts);
}

/** The message of a request. Undefined if the app may read something else in it than this function, or nothing at all. */
function messageIn(body: Buffer): Message | undefined {
    const text = body.toString();
    const [message] = parse(`[${text}]`) ?? [];
    const fields = Object.entries(message ?? {}).sort();
    const isPlain =
        fields.map(([name]) => name).join() === "AuthorUsername,Text" &&
        fields.every(([, value]) => typeof value === "string" && value.isWellFormed());
    return isPlain && !text.includes("\ufffd") ? message : undefined;
}

/** Sends a request to the app, over a connection of its own: if none could be made, the request has not reached the app. */
function ask(port: string, request: typeof probe | IncomingMessage, body?: Buffer): Promise<Outcome> {
    return new Promise((resolve) => {
        const { method, url: path, rawHeaders } = request;
        const headers = endToEnd(rawHeaders);
        const sent = connect({ host: "127.0.0.1", port, method, path, headers, agent: false });
        sent.setTimeout(limits.answer, () => {
            resolve("late");
            sent.destroy();
        });
        sent.on("response", resolve);
        sent.on("error", (error: NodeJS.ErrnoException) => {
            resolve(error.code === "ECONNREFUSED" ? "refused" : "broken");
        });
        sent.end(body);
    });
}

/** Streams the app's answer to the client until it is complete, or the client turns out to be slow. False: there is none. */
async function forward(answer: Outcome, response: ServerResponse): Promise<boolean> {
    if (typeof answer === "string") {
        return false;
    }
    response.setTimeout(limits.answer);
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, endToEnd(answer.rawHeaders));
    const sent = pipeline(answer, response).catch(() => undefined);
    await Promise.race([sent, sleep(limits.reading, undefined, { ref: false })]);
    return true;
}

const hopByHop = /^(connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect)$/i;

/** Headers without those that are about one connection only. */
function endToEnd(raw: readonly string[]): string[] {
    return raw.filter((_, index) => !hopByHop.test(raw[index - (index % 2)] ?? ""));
}

/** Answers in the place of the app. 503: the request has not reached the app. */
function refuse(response: ServerResponse, status: 413 | 500 | 502 | 503, error: string): void {
    reply(response, status, JSON.stringify({ error }));
}

function reply(response: ServerResponse, status: number, body: string | Buffer): void {
    response.writeHead(status, {
        "Content-Type": "application/json",
        "Access-Control-Allow-Origin": "*", // The page comes from another host name.
        ...(status === 413 && { Connection: "close" }),
        ...(status === 503 && { "Retry-After": "1" }),
    });
    response.end(body);
}
