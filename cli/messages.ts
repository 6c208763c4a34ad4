/** Lists of messages: read, compared and joined. Pure. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Message } from "../pods/database.ts";

/** The messages of a text that the app can read. Otherwise why it cannot, as the predicate of a sentence. */
export function messagesOrProblem(text: string): readonly Message[] | string {
    let list: unknown;
    try {
        list = JSON.parse(text);
    } catch (error) {
        return text.trim() === "" ? "is empty" : `is not JSON: ${(error as Error).message}`;
    }
    if (!Array.isArray(list)) {
        return "is not a list of messages";
    }
    const wrong = list.findIndex((item: unknown) => !isMessage(item));
    return wrong < 0
        ? (list as readonly Message[])
        : `has something else than a message (AuthorUsername and Text, both text) at position ${wrong + 1}`;
}

function isMessage(item: unknown): item is Message {
    const { AuthorUsername, Text } = (item ?? {}) as Partial<Message>;
    return typeof AuthorUsername === "string" && typeof Text === "string";
}

/** Whether the second list begins with the first, message by message. */
export function begins(first: readonly Message[], second: readonly Message[]): boolean {
    return isDeepStrictEqual(pairs(first), pairs(second.slice(0, first.length)));
}

/** Both lists as one, the first list first. If one list begins with the other, that is the longer list. */
export function join(first: readonly Message[], second: readonly Message[]): readonly Message[] {
    if (begins(first, second)) {
        return second;
    }
    return begins(second, first) ? first : [...first, ...second];
}

/** A short checksum of the authors and texts in their order. */
export function fingerprint(messages: readonly Message[]): string {
    return createHash("sha256")
        .update(JSON.stringify(pairs(messages)))
        .digest("hex")
        .slice(0, 16);
}

/** What the app keeps of messages: a file of somebody's own can have more fields. */
function pairs(messages: readonly Message[]): readonly (readonly string[])[] {
    return messages.map(({ AuthorUsername, Text }) => [AuthorUsername, Text]);
}
