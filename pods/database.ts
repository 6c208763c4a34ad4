/** The api's file: a list of messages, as the app writes it, and how it is written so that no kill can tear it. */
import {
    closeSync,
    fsyncSync,
    mkdirSync,
    openSync,
    readFileSync,
    renameSync,
    rmSync,
    writeSync,
} from "node:fs";
import { dirname } from "node:path";

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

/** The messages that end before the cut of a torn file. */
export function salvage(text: string): readonly Message[] {
    const whole = parse(text);
    if (whole) {
        return whole;
    }
    let depth = 0;
    let end = 0;
    let isInString = false;
    for (let index = 0; index < text.length; index++) {
        const character = text[index];
        if (isInString) {
            if (character === "\\") {
                index++; // whatever follows is part of the string
            } else if (character === '"') {
                isInString = false;
            }
        } else if (character === '"') {
            isInString = true;
        } else if (character === "[" || character === "{") {
            depth++;
        } else if (character === "]" || character === "}") {
            depth--;
            end = depth === 1 ? index + 1 : end;
        }
    }
    return parse(`${text.slice(0, end)}]`) ?? [];
}

/** Characters that Go's encoding/json escapes and JSON.stringify does not. Source: https://pkg.go.dev/encoding/json#Marshal */
const escaped = /[<>&\u2028\u2029]/g;

/** The text of the file, byte for byte as the app writes these messages. */
export function render(messages: readonly Message[]): string {
    return JSON.stringify(messages, undefined, 2).replace(
        escaped,
        (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

/** The content of a file. Undefined if there is no such file. */
export function readIfThere(path: string): string | undefined {
    try {
        return readFileSync(path, "utf8");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") {
            return undefined;
        }
        throw error;
    }
}

/** Replaces a file, whole or not at all. It is on the disk when this returns. */
export function writeDurably(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    const part = `${path}.part`;
    const file = openSync(part, "w", 0o660);
    try {
        const bytes = Buffer.from(text);
        for (let written = 0; written < bytes.length;) {
            written += writeSync(file, bytes, written);
        }
        fsyncSync(file);
    } catch (error) {
        // On a full volume the part would take what space is left.
        rmSync(part, { force: true });
        throw error;
    } finally {
        closeSync(file);
    }
    renameSync(part, path);
    flushFolder(dirname(path));
}

/** A new name is on the disk only when its folder is. */
function flushFolder(path: string): void {
    const folder = openSync(path, "r");
    fsyncSync(folder);
    closeSync(folder);
}

/** A moment in the name of a file, such as 20261125T120000Z. */
export function timeName(date = new Date()): string {
    return `${date.toISOString().replace(/[-:]/g, "").slice(0, 15)}Z`;
}
