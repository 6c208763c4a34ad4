/** The steps of a restore, and the way back. */
import { readFileSync } from "node:fs";
import type { Settings } from "../../../config/settings.ts";
import type { ChatApi, Message } from "../../../kubernetes/chat-api.ts";
import type { Client } from "../../../kubernetes/client.ts";
import { messagesIn } from "../../../kubernetes/messages-file.ts";
import { systemClock } from "../../../kubernetes/poll.ts";
import { UserError } from "../../../system/errors.ts";
import { writeDurably } from "../../../system/files.ts";
import type { Journal } from "../../journal.ts";
import { begins } from "../../messages.ts";
import { type Step, describe, takeOut, whenQuiet } from "../../operation.ts";
import type { Session } from "../../session.ts";
import { type Source, messagesOf } from "./source.ts";

/** What a restore works on. */
export interface RestoreWork {
    readonly open: Session;
    readonly client: Client;
    readonly api: ChatApi;
    readonly settings: Settings;
}

/** The entries of a restore's journal. */
export interface Entries {
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
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
    /** Address at which the api answered this machine before the restore. Undefined: it answered at none. */
    readonly address?: string | undefined;
}

type RestoreJournal = Journal<Entries>;

/** All steps in their order. */
export const steps: readonly Step<RestoreWork, Entries>[] = [
    { title: "Take the api out of its Service, so that nobody can post", run: stopPosts },
    { title: "Copy the api's file to this machine", run: copyFile },
    { title: "Replace the file, and compare what the api returns", run: replaceFile },
    { title: "Put the api back into its Service", run: putBack },
];

const writeAttempts = 3; // the pod may be replaced while it is written to

async function stopPosts({ api }: RestoreWork, journal: RestoreJournal): Promise<RestoreJournal> {
    await takeOut(api, "restore", journal);
    return journal;
}

/** The file itself, torn or not: of a torn file, the api returns an error. */
async function copyFile({ api, open }: RestoreWork, journal: RestoreJournal): Promise<RestoreJournal> {
    const { copy, replacing } = journal.entries;
    if (replacing) {
        open.output.info(`    An earlier run has copied it, to ${copy}`);
        return journal;
    }
    const text = await whenQuiet(
        () => api.readFile(),
        (one, other) => one === other,
        systemClock,
    );
    writeDurably(copy, text);
    const messages = messagesIn(text);
    const content = typeof messages === "string" ? "the torn file" : describe(messages);
    open.output.info(`    ${content}, in ${copy}`);
    return journal.with({ replacing: true });
}

async function replaceFile(work: RestoreWork, journal: RestoreJournal): Promise<RestoreJournal> {
    const { api, open } = work;
    const { wanted, source, copy } = journal.entries;
    const messages = messagesOf("The journal", wanted);
    for (let attempt = 1; attempt <= writeAttempts; attempt++) {
        const current = await api.readFile();
        if (current !== wanted) {
            if (source.named !== copy && hasLateMessages(readFileSync(copy, "utf8"), current, messages)) {
                writeDurably(copy, current);
            }
            await api.replaceFile(wanted);
        }
        const found = await api.read();
        if (found.length === messages.length && begins(messages, found)) {
            open.output.info(`    ${describe(found)}, from ${source.named}`);
            return journal;
        }
    }
    throw new UserError(
        `The api does not return the messages of ${source.named} after ${writeAttempts} attempts. Somebody may post without the Service.\n` +
            `  See the api's log:  kubectl logs deployment/synergychat-api --namespace ${api.namespace}`,
    );
}

/**
 * Whether the file that is about to be replaced has all that the copy has, and more: somebody has reached the pod past the
 * Service since.
 *
 * @param wanted what the file has after it was replaced, to which somebody may have added as well.
 */
export function hasLateMessages(copy: string, current: string, wanted: readonly Message[]): boolean {
    const [before, now] = [messagesIn(copy), messagesIn(current)];
    if (typeof before === "string" || typeof now === "string") {
        return false;
    }
    const isReplaced = wanted.length > before.length && begins(wanted, now);
    return now.length > before.length && begins(before, now) && !isReplaced;
}

async function putBack({ api }: RestoreWork, journal: RestoreJournal): Promise<RestoreJournal> {
    await api.putBackIntoService();
    return journal;
}

/**
 * Puts the api back into its Service if its file was not replaced.
 *
 * @returns whether it did.
 */
export async function undo({ api }: RestoreWork, journal: RestoreJournal): Promise<boolean> {
    if (journal.entries.replacing) {
        return false;
    }
    if ((await api.takenOut()) !== undefined) {
        await api.undoTakeOut();
    }
    journal.remove();
    return true;
}
