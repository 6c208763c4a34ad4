/** Lists of messages, compared and joined. Pure. */
import { createHash } from "node:crypto";
import type { Message } from "../kubernetes/chat-api.ts";

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

/**
 * Messages that the api answers with a message of its own (its command /stats): posting them again adds messages.
 *
 * Source: https://github.com/bootdotdev/synergychat/blob/main/cmd/api/slash.go
 */
export function answered(messages: readonly Message[]): readonly Message[] {
    return messages.filter(({ Text }) => Text.startsWith("/stats"));
}

/** A short checksum of the authors and texts in their order. */
export function fingerprint(messages: readonly Message[]): string {
    const pairs = messages.map(({ AuthorUsername, Text }) => [AuthorUsername, Text]);
    return createHash("sha256").update(JSON.stringify(pairs)).digest("hex").slice(0, 16);
}

function same(one: Message, other: Message | undefined): boolean {
    return one.AuthorUsername === other?.AuthorUsername && one.Text === other.Text;
}
