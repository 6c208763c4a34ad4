/** The api's file: a list of messages, as the app writes it. */

/** A message in the api's file. */
export interface Message {
    readonly AuthorUsername: string;
    readonly Text: string;
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
