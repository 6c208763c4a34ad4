/** Lists of messages, compared and joined. Pure: every verdict has a unit test. */
import { createHash } from "node:crypto";
import { countInWords } from "../cluster/facts";

/** As the api gives it. It may carry more fields, which are kept; these two are what people wrote. */
export interface Message {
    readonly AuthorUsername: string;
    readonly Text: string;
}

/** Whether the second list begins with the first, message by message. */
export function begins(first: readonly Message[], second: readonly Message[]): boolean {
    return first.length <= second.length && first.every((message, index) => same(message, second[index]));
}

/** Both lists as one, in this order; where one is the beginning of the other, that is the longer one. */
export function join(first: readonly Message[], second: readonly Message[]): readonly Message[] {
    if (begins(first, second)) {
        return second;
    }
    return begins(second, first) ? first : [...first, ...second];
}

/**
 * Messages that the api answers with a message of its own, so that posting them again would add one: its command /stats.
 * Source: https://github.com/bootdotdev/synergychat/blob/main/cmd/api/slash.go
 */
export function answered(messages: readonly Message[]): readonly Message[] {
    return messages.filter(({ Text }) => Text.startsWith("/stats"));
}

/** Authors and texts in their order, as one short word. */
export function fingerprint(messages: readonly Message[]): string {
    const pairs = messages.map(({ AuthorUsername, Text }) => [AuthorUsername, Text]);
    return createHash("sha256").update(JSON.stringify(pairs)).digest("hex").slice(0, 16);
}

/** «1 message», «2 messages». */
export function count(messages: readonly Message[]): string {
    return countInWords(messages.length);
}

function same(one: Message, other: Message | undefined): boolean {
    return one.AuthorUsername === other?.AuthorUsername && one.Text === other.Text;
}
