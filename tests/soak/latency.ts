/**
 * What the way in costs: posts a second and their latency, with the guard and without, as a table. On this machine, without a
 * cluster. Needs Go for the stand-in of the api.
 *
 *     env node tests/soak/latency.ts
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render } from "../../pods/database.ts";
import { Chat, buildApi, post, read } from "../../pods/tests/support/chat.ts";
import { numbered } from "../../pods/tests/support/messages.ts";
import { History } from "../../pods/tests/support/set-full.ts";

const seconds = Number(process.env.SECONDS ?? 5);

interface Figures {
    readonly rate: number; // acknowledged posts a second
    readonly median: number; // ms
    readonly slowest: number; // ms, of 99 %
    readonly lost: number;
}

async function measure(program: string, guard: boolean, messages: number, writers: number): Promise<Figures> {
    const chat = new Chat(program);
    try {
        writeFileSync(chat.file, render(numbered(messages)));
        await chat.start(guard);
        const history = new History();
        const times: number[] = [];
        const start = performance.now();
        const end = start + seconds * 1000;
        const write = async (writer: number): Promise<void> => {
            for (let count = 1; performance.now() < end; count++) {
                const begin = performance.now();
                await history.write(`${writer}-${count}`, (text) => post(chat.port, text));
                times.push(performance.now() - begin);
            }
        };
        await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
        const elapsed = (performance.now() - start) / 1000;
        await history.read(() => read(chat.port));
        const { acknowledged, lost } = history.verdict();
        const sorted = times.sort((one, other) => one - other);
        const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? NaN;
        return { rate: acknowledged / elapsed, median: at(0.5), slowest: at(0.99), lost: lost.length };
    } finally {
        await chat.remove();
    }
}

const rounded = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const cells = ({ rate, median, slowest, lost }: Figures): string =>
    [rounded(rate), `${rounded(median)} / ${rounded(slowest)}`, lost].join(" | ");

const folder = mkdtempSync(join(tmpdir(), "latency-"));
try {
    const program = buildApi(folder);
    if (program === undefined) {
        throw new Error("Go is missing, which builds the stand-in of the api.");
    }
    console.log("| messages | writers | posts/s | ms | lost | posts/s, guard | ms, guard | lost, guard |");
    console.log(`|${" --- |".repeat(8)}`);
    for (const messages of [10, 1000, 100_000]) {
        for (const writers of [1, 4, 16, 64]) {
            const without = await measure(program, false, messages, writers);
            const guarded = await measure(program, true, messages, writers);
            console.log(`| ${messages} | ${writers} | ${cells(without)} | ${cells(guarded)} |`);
        }
    }
} finally {
    rmSync(folder, { recursive: true });
}
