/** The person at the terminal. */
import { createInterface } from "node:readline/promises";

/** Whether a person can answer: standard input and output are a terminal. */
export function isInteractive(): boolean {
    return process.stdin.isTTY && process.stdout.isTTY;
}

/** Asks for a yes. Everything else is a no. */
export async function confirm(question: string): Promise<boolean> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    const answer = await terminal.question(`${question} [y/N] `);
    terminal.close();
    return /^y(es)?$/i.test(answer.trim());
}
