/** What is restored: messages from the text of a backup or of a file. Pure: every refusal has a unit test. */
import { isDeepStrictEqual } from "node:util";
import type { Message } from "../../../kubernetes/chat-api";
import { UserError } from "../../../system/errors";
import { UsageError } from "../../command";

/**
 * The messages of a text.
 *
 * @param source what the text is from, for the error.
 * @throws UserError if it is not a list of messages.
 */
export function parseMessages(text: string, source: string): readonly Message[] {
    const list = parsed(text);
    if (!Array.isArray(list)) {
        throw new UserError(`${source} is not a list of messages as the api writes it. Nothing was changed.`);
    }
    const wrong = list.findIndex((message) => !isMessage(message));
    if (wrong >= 0) {
        throw new UserError(
            `${source} has no message at position ${wrong + 1}: each needs the texts AuthorUsername and Text. Nothing was changed.`,
        );
    }
    return list as readonly Message[];
}

/**
 * The first messages: every earlier state of the api's file is a prefix of every later one.
 *
 * @param count as the person gave it. Undefined: all.
 * @throws UsageError if it is not a number of messages that there are.
 */
export function firstMessages(messages: readonly Message[], count: string | undefined): readonly Message[] {
    if (count === undefined) {
        return messages;
    }
    if (!/^\d{1,9}$/.test(count) || Number(count) > messages.length) {
        throw new UsageError(
            `--messages is ${JSON.stringify(count)}. It must be a whole number from 0 to ${messages.length}. Nothing was changed.`,
        );
    }
    return messages.slice(0, Number(count));
}

/** Whether two lists have the same authors and texts in the same order. */
export function isSame(one: readonly Message[], other: readonly Message[]): boolean {
    const plain = (messages: readonly Message[]) =>
        messages.map(({ AuthorUsername, Text }) => [AuthorUsername, Text]);
    return isDeepStrictEqual(plain(one), plain(other));
}

function isMessage(value: unknown): boolean {
    const { AuthorUsername, Text } = (
        typeof value === "object" && value !== null ? value : {}
    ) as Partial<Message>;
    return typeof AuthorUsername === "string" && typeof Text === "string";
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
