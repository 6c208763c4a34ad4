/** Lists of messages: read, compared and joined. Pure. */
import { createHash } from "node:crypto";
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
    return first.length <= second.length && first.every((message, index) => same(message, second[index]));
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
    const pairs = messages.map(({ AuthorUsername, Text }) => [AuthorUsername, Text]);
    return createHash("sha256").update(JSON.stringify(pairs)).digest("hex").slice(0, 16);
}

function same(one: Message, other: Message | undefined): boolean {
    return one.AuthorUsername === other?.AuthorUsername && one.Text === other.Text;
}
