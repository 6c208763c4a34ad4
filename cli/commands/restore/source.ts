/** What a restore puts into the api's file: a backup, or a file of this machine, whole or its first messages. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { isBackupName, isWhatNameSays } from "../../../pods/backups.ts";
import { type Message, render } from "../../../pods/database.ts";
import { countMessages } from "../../../preflight/text.ts";
import { UserError } from "../../../system/errors.ts";
import { UsageError } from "../../command.ts";
import { messagesOrProblem } from "../../messages.ts";
import { callersPath, shellWord } from "../../shell.ts";

/** What a person asked for. */
export interface Source {
    /** Name of a backup, or path of a file. */
    readonly named: string;
    /** How many of its messages, from the first. Undefined: all. */
    readonly first?: number | undefined;
}

/** Stands for the newest proven backup with messages. */
export const newest = "newest";

/** Reads the words of a person. A file of this machine is named by its whole path from here on. */
export function sourceOf(word: string, messages: string | undefined): Source {
    if (messages !== undefined && !/^\d{1,9}$/.test(messages)) {
        throw new UsageError(
            `--messages is ${JSON.stringify(messages)}. It must be a whole number, for example --messages 100.`,
        );
    }
    const path = callersPath(word);
    const named = (isBackupName(word) || word === newest) && !existsSync(path) ? word : path;
    return { named, ...(messages !== undefined && { first: Number(messages) }) };
}

/** The command that restores this without a question. It names the stack, whatever is selected. */
export function restoreCommand({ named, first }: Source, stack = ""): string {
    const messages = first === undefined ? "" : `--messages ${first}`;
    return ["npm run restore --", shellWord(named), stack, messages, "--yes"].filter(Boolean).join(" ");
}

/** The text for the api's file. @throws UserError if there is no such source, or if the api could not read it. */
export async function readSource(
    { named, first }: Source,
    fromBackups: (name: string) => Promise<string>,
): Promise<string> {
    const text = isBackupName(named) ? await fromBackups(named) : fromFile(named);
    const messages = messagesOf(named, text);
    if (first === undefined) {
        return text;
    }
    if (first > messages.length) {
        throw new UserError(
            `${named} has ${countMessages(messages.length)}, and --messages is ${first}. Nothing was changed.`,
        );
    }
    return render(messages.slice(0, first));
}

/** The messages of a text. @throws UserError if the api could not read it, or if the name of its backup says otherwise. */
export function messagesOf(named: string, text: string): readonly Message[] {
    const found = messagesOrProblem(text);
    if (typeof found === "string") {
        throw new UserError(`${named} ${found}. The api could not read it. Nothing was changed.`);
    }
    const name = basename(named);
    if (isBackupName(name) && !isWhatNameSays(name, text)) {
        throw new UserError(
            `${named} is damaged: it has ${countMessages(found.length)}, and its name says another number or another checksum. Nothing was changed.\n` +
                "  Restore it all the same:  rename it to a name of your own",
        );
    }
    return found;
}

function fromFile(path: string): string {
    if (!existsSync(path) || !statSync(path).isFile()) {
        throw new UserError(
            `There is no file ${path}, and ${JSON.stringify(basename(path))} is not the name of a backup. Nothing was changed.\n` +
                "  List the backups:  npm run backups",
        );
    }
    return readFileSync(path, "utf8");
}
