/** The api's file: a list of messages, as the app writes it. */
import { readFileSync } from "node:fs";

/** A message in the api's file. */
export interface Message {
    readonly AuthorUsername: string;
    readonly Text: string;
}

/**
 * Why a file is too large for the api's memory, both in bytes, and what to do. Undefined: it is not. To serve a request, the api
 * needs about twelve times the size of its file.
 */
export function memoryProblem(size: number, memory: number): string | undefined {
    const mebibytes = (bytes: number): string => `${String(Math.round(bytes / 2 ** 20))}Mi`;
    return size <= memory / 16
        ? undefined
        : `The file has ${mebibytes(size)}. The api needs about twelve times as much memory, and is killed if it needs more ` +
              `than ${mebibytes(memory)}. Raise it: pulumi config set apiMemory ${mebibytes(2 * memory)} && pulumi up`;
}

/** The messages of the api's file. Undefined if the text is torn: cut short, or empty. */
export function parse(text: string): readonly Message[] | undefined {
    try {
        const list: unknown = JSON.parse(text);
        return Array.isArray(list) ? (list as readonly Message[]) : undefined;
    } catch {
        return undefined;
    }
}

/** JSON strings hold no raw newline, so in the app's layout this can only be the end of a message. */
const endOfMessage = "\n  }";

/** The messages of a torn file that are complete: all that end before the damage. */
export function salvage(text: string): readonly Message[] {
    const ends: number[] = [];
    for (let at = text.indexOf(endOfMessage); at !== -1; at = text.indexOf(endOfMessage, at + 1)) {
        ends.push(at + endOfMessage.length);
    }
    const upTo = (count: number): readonly Message[] | undefined =>
        parse(count === 0 ? "[]" : `${text.slice(0, ends[count - 1])}\n]`);
    // If a number of messages parses, so does every smaller number.
    let complete = 0;
    let tooMany = ends.length + 1;
    while (tooMany - complete > 1) {
        const middle = (complete + tooMany) >> 1;
        if (upTo(middle)) {
            complete = middle;
        } else {
            tooMany = middle;
        }
    }
    return upTo(complete) ?? [];
}

/**
 * The messages of two lists: the first, then whatever only the second has, in its order. Both begin alike, because each state
 * of the file continues an earlier one.
 */
export function merge(first: readonly Message[], second: readonly Message[]): readonly Message[] {
    let alike = 0;
    while (alike < first.length && keyOf(first[alike]) === keyOf(second[alike])) {
        alike++;
    }
    const counts = new Map<string | undefined, number>();
    for (const key of first.slice(alike).map(keyOf)) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const more = second.slice(alike).filter((message) => {
        const count = counts.get(keyOf(message)) ?? 0;
        counts.set(keyOf(message), count - 1);
        return count <= 0;
    });
    return [...first, ...more];
}

/** What the app itself reads from a message: it ignores other fields, and the case of their names. */
function keyOf(message: Message | undefined): string | undefined {
    const fields = message && Object.entries(message as object);
    const field = (name: string): unknown =>
        fields?.findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    return fields && JSON.stringify([field("AuthorUsername") ?? "", field("Text") ?? ""]);
}

/** The text of the api's file, byte for byte as Go's json.MarshalIndent writes it. */
export function render(messages: readonly Message[]): string {
    const escaped = (character: string): string =>
        `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return JSON.stringify(messages, undefined, 2).replaceAll(/[<>&\u2028\u2029]/g, escaped);
}

/** The content of a file. Undefined if it is missing. */
export function readIfThere(path: string): Buffer | undefined {
    try {
        return readFileSync(path);
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}
