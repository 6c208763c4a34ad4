/** Somebody who posts all the time, one message after the other, and remembers what was acknowledged and when. */
import { setTimeout as sleep } from "node:timers/promises";
import { ask } from "./app.ts";
import type { TestStack } from "./stack.ts";

const pause = 100; // ms between two posts
const patience = 1000; // ms for which a gap between two acknowledged posts is not silence

export class SteadyWriter {
    /** Texts of the messages that the api answered with 201. */
    public readonly acknowledged: string[] = [];
    private readonly start = performance.now();
    private last = this.start;
    private silent = 0;
    private isStopped = false;
    private readonly ended: Promise<void>;

    private readonly stack: TestStack;
    private readonly name: string;

    public constructor(stack: TestStack, name = "writer") {
        this.stack = stack;
        this.name = name;
        this.ended = this.write();
    }

    /** Ends after the post that is under way. */
    public async stop(): Promise<void> {
        this.isStopped = true;
        await this.ended;
    }

    /** The part of the time in which nothing was acknowledged, from 0 to 1. */
    public silence(): number {
        return this.silent / (this.last - this.start);
    }

    /** Acknowledged messages that are not in this list. */
    public lost(messages: readonly string[]): string[] {
        const there = new Set(messages);
        return this.acknowledged.filter((text) => !there.has(text));
    }

    private async write(): Promise<void> {
        for (let count = 1; !this.isStopped; count++) {
            const text = `${this.name} ${count}`;
            const isStored = await this.post(text);
            const now = performance.now();
            if (isStored) {
                this.acknowledged.push(text);
                this.silent += Math.max(0, now - this.last - patience);
                this.last = now;
            }
            await sleep(pause);
        }
    }

    private async post(text: string): Promise<boolean> {
        try {
            const message = { AuthorUsername: "ada", Text: text };
            return (await ask(this.stack, this.stack.apiHost, "/messages", message)).status === 201;
        } catch {
            return false;
        }
    }
}
