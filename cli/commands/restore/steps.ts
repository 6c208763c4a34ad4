/** The steps of a restore, the way back, and what is restored: a backup, or a file of this machine, whole or its first messages. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename } from "node:path";
import { isBackupName, isWhatNameSays } from "../../../pods/backups.ts";
import { type Message, parse, render } from "../../../pods/database.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { countMessages } from "../../../preflight/text.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { UsageError } from "../../command.ts";
import { begins, fingerprint, messagesOrProblem } from "../../messages.ts";
import {
    type OperationWork,
    complete,
    describe,
    requireDead,
    requireShell,
    whenQuiet,
} from "../../operation.ts";
import { callersPath, shellWord } from "../../shell.ts";

/**
 * What a restore works with. Its path is that of the copy of what the api's file has before: once there is a copy, the
 * api's file is the one or the other.
 */
export interface RestoreWork extends OperationWork {
    /** Reads the text of a backup or a file. */
    readonly readSource: (source: Source) => Promise<string>;
    /** Whether the person agrees to what would become of the messages. */
    readonly confirm: (announcement: string) => Promise<boolean>;
}

/** Replaces the api's messages. Returns the path of the copy of what was there. Undefined: nothing was replaced. */
export async function runRestore(given: RestoreWork, source: Source): Promise<string | undefined> {
    const { api, disk, output } = given;
    const earlier = await earlierCopy(given, source);
    const work = { ...given, path: earlier ?? given.path };
    if (source.named === earlier && disk.read(earlier) === undefined) {
        await api.putBackIntoService();
        output.info("The messages were not changed, and the api is back in its Service.");
        return undefined;
    }
    const wanted = await work.readSource(source);
    await requireShell("restore", work);
    const before = await api.readFile();
    if (before === wanted && earlier === undefined) {
        output.info(`The api has exactly the messages of ${source.named} already. Nothing was changed.`);
        return undefined;
    }
    if (!(await work.confirm(announcement(source.named, before, parse(wanted) ?? [])))) {
        throw new UserError("Nothing was changed.");
    }
    // A torn file cannot become a backup. The copy on this machine has what is left of it.
    if (earlier === undefined && typeof messagesOrProblem(before) !== "string") {
        await work.backUp();
    }
    const replace = () => replaceFile(work, source, wanted);
    await complete(work, {
        operation: "restore",
        resumed: earlier !== undefined,
        steps: [
            { title: "Copy the api's file to this machine", run: () => copyFile(work) },
            { title: "Replace the file, and compare what the api returns", run: replace },
        ],
        undo: () => Promise.resolve(disk.read(work.path) === undefined),
        again: restoreCommand(source, work.stack.name),
    });
    return work.path;
}

/** Path of the copy of an earlier restore that is not complete. Undefined: there is none. */
async function earlierCopy(
    { api, disk, output, stack }: RestoreWork,
    source: Source,
): Promise<string | undefined> {
    const taken = await api.takenOut();
    if (!taken) {
        return undefined;
    }
    const [, host, path, pid] = /^([^:]*):(.*) \(process (\d+)\)$/.exec(taken.journal) ?? [];
    // A machine can change its name, for example in another network.
    const isHere = host === hostname() || (path !== undefined && disk.read(path) !== undefined);
    output.refuse(
        !(taken.by === "restore" && isHere) && interrupted(taken, restoreCommand(source, stack.name)),
    );
    requireDead(output, "restore", Number(pid));
    output.info("Continuing a restore that was interrupted.");
    return path;
}

function announcement(named: string, before: string, messages: readonly Message[]): string {
    const current = messagesOrProblem(before);
    if (typeof current === "string") {
        return `The api's file ${current}\nIt is replaced by ${countMessages(messages.length)} of ${named}.`;
    }
    const replaced = `The api's ${countMessages(current.length)} are replaced by ${countMessages(messages.length)} of ${named}.`;
    if (begins(messages, current)) {
        const last = current.length - messages.length;
        return `${replaced} The api's last ${last === 1 ? "message is" : `${last} messages are`} not among them.`;
    }
    return begins(current, messages)
        ? `${replaced} All of the api's are among them.`
        : `${replaced} The two chats differ from an earlier message on, so not all of the api's are among them.`;
}

/** The file itself, torn or not: of a torn file, the api returns an error. */
async function copyFile({ api, clock, disk, output, path }: RestoreWork): Promise<void> {
    if (disk.read(path) !== undefined) {
        output.info(`    An earlier run has copied it, to ${path}`);
        return;
    }
    const text = await whenQuiet(clock, () => api.readFile());
    disk.write(path, text);
    const messages = messagesOrProblem(text);
    output.info(`    ${typeof messages === "string" ? "the torn file" : describe(messages)}, in ${path}`);
}

async function replaceFile(work: RestoreWork, { named }: Source, wanted: string): Promise<void> {
    const { api, output, path } = work;
    const messages = parse(wanted) ?? [];
    const current = await api.readFile();
    const isBackWithMore = named === path && hasLateMessages(wanted, current);
    if (current !== wanted && !isBackWithMore) {
        keepLateMessages(work, current);
        await api.replaceFile(wanted);
    }
    const found = await api.read();
    if (!begins(messages, found)) {
        throw new TransientError(
            `The api does not return the messages of ${named}: its pod may have been replaced meanwhile.`,
        );
    }
    const late = found.length - messages.length;
    output.info(
        `    ${describe(found)}, from ${named}${late > 0 ? `, with ${countMessages(late)} posted since` : ""}`,
    );
}

/**
 * Somebody can reach the pod past the Service. What was posted since the copy was made goes to the copy. What an earlier run
 * wrote into the file, with what was posted since, goes to a file beside the copy.
 */
function keepLateMessages({ disk, output, path }: RestoreWork, current: string): void {
    const copy = disk.read(path) ?? "";
    if (hasLateMessages(copy, current)) {
        disk.write(path, current);
    } else if (current !== copy && current !== "") {
        const beside = `${path}.${fingerprint(parse(current) ?? [])}`;
        disk.write(beside, current);
        output.info(`    The file is no longer what was copied. What it has now is in ${beside}`);
    }
}

/** Whether somebody has posted past the Service: the file has all messages that it had before, and more. */
export function hasLateMessages(copy: string, current: string): boolean {
    const [before, now] = [parse(copy), parse(current)];
    return before !== undefined && now !== undefined && now.length > before.length && begins(before, now);
}

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
