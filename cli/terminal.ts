/** The person at the terminal. */
import { createInterface } from "node:readline";
import { UsageError } from "./command.ts";

/** Whether a person can answer: standard input and output are a terminal. */
export function isInteractive(): boolean {
    return process.stdin.isTTY && process.stdout.isTTY;
}

/**
 * Refuses a command that must ask, if it has neither a terminal nor `--yes`.
 *
 * @param does what the command would do, with its name.
 * @param without how to do it without a question.
 */
export function requireAnswer(yes: boolean, does: string, without: string): void {
    if (!yes && !isInteractive()) {
        throw new UsageError(
            `${does}, and there is no terminal at which it could ask. Nothing was changed.\n  ${without}`,
        );
    }
}

/** Asks for a yes. Everything else is a no, and so is the end of the input (Ctrl+D). */
export async function confirm(question: string): Promise<boolean> {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    terminal.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
    terminal.setPrompt(`${question} [y/N] `);
    terminal.prompt();
    const { value = "" } = (await terminal[Symbol.asyncIterator]().next()) as { value?: string };
    terminal.close();
    return /^y(es)?$/i.test(value.trim());
}
