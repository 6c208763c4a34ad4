/** The steps of a restore, and the way back. */
import type { Message } from "../../../pods/database.ts";
import { countMessages } from "../../../preflight/text.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { type Entries as BasicEntries, saveJournal } from "../../journal.ts";
import { begins, messagesOrProblem } from "../../messages.ts";
import {
    type OperationWork,
    type Procedure,
    beginJournal,
    complete,
    describe,
    openJournal,
    refuse,
    requireShell,
    undo,
    whenQuiet,
} from "../../operation.ts";
import { renderFindings } from "../../../model/finding.ts";
import { interruptedRestore, restoreCommand } from "../../refusals.ts";
import { type Source, messagesOf } from "./source.ts";

/** The entries of a restore's journal. */
export interface Entries extends BasicEntries {
    /** Name of the stack. */
    readonly stack: string;
    /** What the person asked for. */
    readonly source: Source;
    /** The text that the api's file must have at the end. */
    readonly wanted: string;
    /** Path of the file on this machine that gets what the api's file had before. */
    readonly copy: string;
    /** Whether that copy is complete: from now on, the api's file is the one or the other. */
    readonly replacing?: boolean | undefined;
}

/** What a restore works with. */
export interface RestoreWork extends OperationWork {
    /** Reads the text of a backup or a file. */
    readonly readSource: (source: Source) => Promise<string>;
    /** Whether the person agrees to what would become of the messages. */
    readonly confirm: (announcement: string) => Promise<boolean>;
    /** Path for the copy of what the api's file has before. */
    readonly copyPath: string;
}

const procedure: Procedure<RestoreWork, Entries> = {
    operation: "restore",
    steps: () => [
        { title: "Copy the api's file to this machine", run: copyFile },
        { title: "Replace the file, and compare what the api returns", run: replaceFile },
    ],
    undo: (_, entries) => Promise.resolve(!entries.replacing),
    unfinished: (_, entries) => renderFindings([interruptedRestore(entries)]),
};

/** Replaces the api's messages. Returns the entries of its journal. Undefined: nothing had to be replaced. */
export async function runRestore(work: RestoreWork, source: Source): Promise<Entries | undefined> {
    const { api, stack } = work;
    const earlier = await openJournal<Entries>("restore", work, restoreCommand({ stack }, source));
    let begun: Entries | undefined;
    if (earlier && (await api.takenOut()) !== undefined) {
        begun = await resume(work, earlier, source);
    } else {
        // It was killed before its first step, or somebody has put the api back.
        if (earlier) {
            work.disk.remove(work.path);
        }
        begun = await begin(work, source);
    }
    return begun && complete(procedure, work, begun);
}

/** Begins a restore after a question. Undefined: there is nothing to do. */
async function begin(work: RestoreWork, source: Source): Promise<Entries | undefined> {
    const { api, output, stack, copyPath } = work;
    const wanted = await work.readSource(source);
    await requireShell("restore", work);
    const before = await api.readFile();
    if (before === wanted) {
        output.info(`The api has exactly the messages of ${source.named} already. Nothing was changed.`);
        return undefined;
    }
    if (!(await work.confirm(announcement(source, before, wanted)))) {
        throw new UserError("Nothing was changed.");
    }
    // A torn file cannot become a backup. The copy on this machine has what is left of it.
    if (typeof messagesOrProblem(before) !== "string") {
        await work.backUp();
    }
    return beginJournal<Entries>("restore", work, { stack, source, wanted, copy: copyPath });
}

/** What would become of the messages. */
function announcement({ named }: Source, before: string, wanted: string): string {
    const messages = messagesOf(named, wanted);
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

/** Goes on from what an earlier run did, or back. Undefined: the api is back, and its file was not replaced. */
async function resume(work: RestoreWork, earlier: Entries, source: Source): Promise<Entries | undefined> {
    const { output, disk } = work;
    if (source.named === earlier.copy) {
        output.info(`Going back to what a restore of ${earlier.source.named} was to replace.`);
        if (await undo(procedure, work, earlier)) {
            output.info("The messages were not changed, and the api is back in its Service.");
            return undefined;
        }
        const wanted = disk.read(earlier.copy) ?? "";
        messagesOf(earlier.copy, wanted);
        return saveJournal(work, { ...earlier, source, wanted });
    }
    if (source.named !== earlier.source.named || source.first !== earlier.source.first) {
        refuse(output, interruptedRestore(earlier));
    }
    output.info(`Continuing a restore of ${earlier.source.named} that was interrupted.`);
    return earlier;
}

/** The file itself, torn or not: of a torn file, the api returns an error. */
async function copyFile(work: RestoreWork, entries: Entries): Promise<Entries> {
    const { api, clock, disk, output } = work;
    const { copy, replacing } = entries;
    if (replacing) {
        output.info(`    An earlier run has copied it, to ${copy}`);
        return entries;
    }
    const text = await whenQuiet(
        clock,
        () => api.readFile(),
        (one, other) => one === other,
    );
    disk.write(copy, text);
    const messages = messagesOrProblem(text);
    output.info(`    ${typeof messages === "string" ? "the torn file" : describe(messages)}, in ${copy}`);
    return saveJournal(work, { ...entries, replacing: true });
}

async function replaceFile(work: RestoreWork, entries: Entries): Promise<Entries> {
    const { api, disk, output } = work;
    const { wanted, source, copy } = entries;
    const messages = messagesOf("The journal", wanted);
    const current = await api.readFile();
    if (current !== wanted) {
        if (source.named !== copy && hasLateMessages(disk.read(copy) ?? "", current, messages)) {
            disk.write(copy, current);
        }
        await api.replaceFile(wanted);
    }
    const found = await api.read();
    if (found.length !== messages.length || !begins(messages, found)) {
        // The pod may have been replaced meanwhile.
        throw new TransientError(
            `The api does not return the messages of ${source.named}. Somebody may post without the Service.\n` +
                `  See the api's log:  kubectl logs deployment/synergychat-api --namespace ${api.namespace}`,
        );
    }
    output.info(`    ${describe(found)}, from ${source.named}`);
    return entries;
}

/**
 * Whether the file that is about to be replaced has all that the copy has, and more: somebody has reached the pod past the
 * Service since.
 *
 * @param wanted what the file has after it was replaced, to which somebody may have added as well.
 */
export function hasLateMessages(copy: string, current: string, wanted: readonly Message[]): boolean {
    const [before, now] = [messagesOrProblem(copy), messagesOrProblem(current)];
    if (typeof before === "string" || typeof now === "string") {
        return false;
    }
    const isReplaced = wanted.length > before.length && begins(wanted, now);
    return now.length > before.length && begins(before, now) && !isReplaced;
}
