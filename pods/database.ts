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
    const lists: (readonly Message[])[] = [];
    for (const piece of text.split(endOfMessage).slice(0, -1)) {
        const isNext = piece.startsWith(lists.length === 0 ? "[" : ",");
        const list = isNext ? parse(`[${piece.slice(1)}${endOfMessage}]`) : undefined;
        if (!list) {
            break;
        }
        lists.push(list);
    }
    return lists.flat();
}

/**
 * The messages of two lists: the first, then whatever only the second has, in its order. A message that is in one of them
 * several times is in the result as often.
 */
export function merge(first: readonly Message[], second: readonly Message[]): readonly Message[] {
    const counts = new Map<string, number>();
    for (const key of first.map(keyOf)) {
        counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const more = second.filter((message) => {
        const key = keyOf(message);
        const count = counts.get(key) ?? 0;
        counts.set(key, count - 1);
        return count <= 0;
    });
    return [...first, ...more];
}

/** What the app itself reads from a message: it ignores other fields, and the case of their names. */
function keyOf(message: Message): string {
    const fields = Object.entries((message as object | null) ?? {});
    const field = (name: string): unknown => fields.findLast(([key]) => key.toLowerCase() === name)?.[1];
    return JSON.stringify([field("authorusername") ?? "", field("text") ?? ""]);
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
