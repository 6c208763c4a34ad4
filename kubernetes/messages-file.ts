/** The api's file as text: the layout that the app writes, and what the app can read. */
import type { Message } from "./chat-api.ts";

/** Characters that Go's encoding/json escapes and JSON.stringify does not. Source: https://pkg.go.dev/encoding/json#Marshal */
const escaped = /[<>&\u2028\u2029]/g;

/** The text of the file, byte for byte as the app writes these messages. */
export function textOf(messages: readonly Message[]): string {
    return JSON.stringify(messages, undefined, 2).replace(
        escaped,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

/** The messages of a text that the app can read. Otherwise why it cannot, as the predicate of a sentence. */
export function messagesIn(text: string): readonly Message[] | string {
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
