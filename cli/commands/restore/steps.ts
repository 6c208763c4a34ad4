/** The steps of a restore, and the way back. */
import { hostname } from "node:os";
import { type Message, parse } from "../../../pods/database.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { countMessages } from "../../../preflight/text.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { begins, messagesOrProblem } from "../../messages.ts";
import {
    type OperationWork,
    complete,
    describe,
    postedPast,
    refuse,
    requireDead,
    requireShell,
    whenQuiet,
} from "../../operation.ts";
import { type Source, restoreCommand } from "./source.ts";

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
    await complete(work, {
        operation: "restore",
        steps: [
            { title: "Copy the api's file to this machine", run: () => copyFile(work) },
            {
                title: "Replace the file, and compare what the api returns",
                run: () => replaceFile(work, source, wanted),
            },
        ],
        undo: () => Promise.resolve(disk.read(work.path) === undefined),
        again: restoreCommand(source, work.stack),
    });
    return work.path;
}

/** Path of the copy of an earlier restore that is not complete. Undefined: there is none. */
async function earlierCopy({ api, output, stack }: RestoreWork, source: Source): Promise<string | undefined> {
    const taken = await api.takenOut();
    if (!taken) {
        return undefined;
    }
    const [, host, path, pid] = /^([^:]*):(.*) \(process (\d+)\)$/.exec(taken.journal) ?? [];
    const isHere = taken.by === "restore" && host === hostname();
    refuse(output, !isHere && interrupted(taken, restoreCommand(source, stack)));
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
        return `${replaced} The last ${current.length - messages.length} of the api's are not among them.`;
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
    const text = await whenQuiet(
        clock,
        () => api.readFile(),
        (one, other) => one === other,
    );
    disk.write(path, text);
    const messages = messagesOrProblem(text);
    output.info(`    ${typeof messages === "string" ? "the torn file" : describe(messages)}, in ${path}`);
}

async function replaceFile(work: RestoreWork, { named }: Source, wanted: string): Promise<void> {
    const { api, disk, output, path } = work;
    const messages = parse(wanted) ?? [];
    const current = await api.readFile();
    if (current !== wanted) {
        if (named !== path && hasLateMessages(disk.read(path) ?? "", current)) {
            disk.write(path, current);
        }
        await api.replaceFile(wanted);
    }
    const found = await api.read();
    if (found.length !== messages.length || !begins(messages, found)) {
        throw new TransientError(
            found.length > messages.length
                ? `The api returns more than the messages of ${named}. ${postedPast}`
                : `The api does not return the messages of ${named}: its pod may have been replaced meanwhile.`,
        );
    }
    output.info(`    ${describe(found)}, from ${named}`);
}

/** Whether somebody has reached the pod past the Service since the copy was made: the file has all of the copy, and more. */
export function hasLateMessages(copy: string, current: string): boolean {
    const [before, now] = [parse(copy), parse(current)];
    return before !== undefined && now !== undefined && now.length > before.length && begins(before, now);
}
