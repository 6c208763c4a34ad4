import { type Message, render } from "../../database.ts";

/** A generator of numbers in [0, 1) that repeats itself for a seed, so that a failure can be seen again. */
export function numbers(seed: number): () => number {
    let state = seed;
    return () => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return state / 2 ** 32;
    };
}

/** Pieces of texts that look like the file's own syntax, or that Go writes in its own way. */
const pieces = [
    "hi",
    "\n  }",
    "\n]",
    "},",
    '"',
    "\\",
    "\\n  }",
    "[]",
    "{",
    "]",
    "<b>&amp;</b>",
    "\u2028",
    "\u2029",
    "\u0000",
    "\u001f",
    "\u007f",
    "\b\f\t\r",
    "é",
    "語",
    "🐘",
    '{"AuthorUsername": "x", "Text": "y"}',
    " ",
];

/** Messages with any mixture of these pieces. */
export function someMessages(random: () => number, count: number): Message[] {
    const text = (): string =>
        Array.from(
            { length: Math.floor(random() * 6) },
            () => pieces[Math.floor(random() * pieces.length)],
        ).join("");
    return Array.from({ length: count }, () => ({ AuthorUsername: text(), Text: text() }));
}

/** Messages that can be told apart by their number. */
export function numbered(count: number): Message[] {
    return Array.from({ length: count }, (_, index) => ({
        AuthorUsername: "ada",
        Text: `message ${String(index + 1)}`,
    }));
}

/** The api's file with this number of messages. */
export function file(count: number): string {
    return render(numbered(count));
}
