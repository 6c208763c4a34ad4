/**
 * What a switch and a restore share: steps over a journal, while the api is out of its Service. A step that is run again,
 * after a kill or a failure that passes, finds what it did the first time and goes on from there.
 */
import { hostname } from "node:os";
import type { ChatApi } from "../kubernetes/chat-api.ts";
import { type Clock, poll, systemClock } from "../kubernetes/poll.ts";
import type { Finding, Fix } from "../model/finding.ts";
import type { Operation } from "../model/labels.ts";
import type { Message } from "../pods/database.ts";
import { interrupted } from "../preflight/messages.ts";
import { countMessages } from "../preflight/text.ts";
import { dataFolder } from "../pulumi/login.ts";
import { UserError } from "../system/errors.ts";
import { localDisk } from "../system/files.ts";
import { outputOf } from "../system/process.ts";
import {
    type Entries,
    type JournalFile,
    createJournal,
    journalPath,
    readJournal,
    saveJournal,
} from "./journal.ts";
import { findAddress } from "./addresses.ts";
import { makeProvenBackup } from "./backups.ts";
import { fingerprint } from "./messages.ts";
import type { Output } from "./output.ts";
import { begunElsewhere, noShell, runningOperation } from "./refusals.ts";
import type { LiveSession } from "./session.ts";

/** What an operation works with. Tests replace all of it. */
export interface OperationWork extends JournalFile {
    readonly api: Omit<
        ChatApi,
        | "state"
        | "installation"
        | "messagesAt"
        | "waitForMessages"
        | "postTo"
        | "serviceProxy"
        | "podProxy"
        | "runningPod"
        | "pods"
    >;
    /** Image of the api. */
    readonly image: string;
    readonly output: Pick<Output, "info" | "render">;
    readonly clock: Clock;
    /** Name of the stack. */
    readonly stack: string;
    /** Makes a backup of what is there, if the stack makes backups. */
    readonly backUp: () => Promise<unknown>;
    /** Finds an address at which the api answers this machine. */
    readonly findAddress: () => Promise<string | undefined>;
    /** Registers what is said if the command ends before the operation is complete. */
    readonly atFailure: (say: () => void) => void;
}

/**
 * What a switch and a restore work with on a live stack.
 *
 * @param without how to go on without a backup. Undefined: none is made.
 */
export async function workOf(
    session: LiveSession,
    operation: Operation,
    without: Fix | undefined,
): Promise<OperationWork> {
    const { stack, api, client, output, settings } = session;
    return {
        api,
        image: settings.images.api,
        output,
        clock: systemClock,
        disk: localDisk,
        stack: stack.name,
        path: journalPath(dataFolder(stack.env), operation, await api.installation()),
        backUp: async () =>
            without && makeProvenBackup(output, client, api.namespace, `before-${operation}`, without),
        findAddress: () => findAddress(session),
        atFailure: (say) => {
            process.on("exit", (status) => {
                if (status !== 0) {
                    say();
                }
            });
        },
    };
}

/** A step of an operation. It returns the entries of the journal, changed and on the disk. */
export interface Step<W, E extends Entries> {
    readonly title: string;
    readonly run: (work: W, entries: E) => Promise<E>;
}

/** A switch or a restore. */
export interface Procedure<W extends OperationWork, E extends Entries> {
    readonly operation: Operation;
    /** What is done while the api is out of its Service. */
    readonly steps: (entries: E) => readonly Step<W, E>[];
    /** Makes everything what it was, the Service excepted. Returns false if it is too late for that. */
    readonly undo: (work: W, entries: E) => Promise<boolean>;
    /** What is said if the command ends before the operation is complete. */
    readonly unfinished: (work: W, entries: E) => string;
}

/**
 * The journal of an earlier run that is not complete. Undefined: a new operation can begin.
 *
 * @param again the command that completes the same operation on the machine on which it began.
 * @throws UserError if another run has not ended, or began elsewhere.
 */
export async function openJournal<E extends Entries>(
    operation: Operation,
    work: OperationWork,
    again: string,
): Promise<E | undefined> {
    const { api, disk, output, path } = work;
    const earlier = readJournal(work) as E | undefined;
    if (!earlier) {
        const taken = await api.takenOut();
        if (taken) {
            const elsewhere = { namespace: api.namespace, journal: taken.journal, again };
            const isSame = taken.by === operation;
            refuse(output, isSame ? begunElsewhere(operation, elsewhere) : interrupted(taken.by));
        }
        return undefined;
    }
    requireDead(output, operation, earlier);
    if (earlier.complete) {
        await api.putBackIntoService();
        disk.remove(path);
        return undefined;
    }
    return saveJournal(work, { ...earlier, pid: process.pid });
}

/** The first journal of an operation. Refuses if another run has begun in the meantime. */
export async function beginJournal<E extends Entries>(
    operation: Operation,
    work: OperationWork,
    entries: Omit<E, keyof Entries>,
): Promise<E> {
    const common = { pid: process.pid, address: await work.findAddress() };
    const begun = { ...entries, ...common } as unknown as E;
    refuse(work.output, createJournal(work, begun) ? undefined : runningOperation(operation, undefined));
    return begun;
}

/** Takes the api out of its Service, runs all steps, and puts the api back. Undoes everything if that fails early. */
export async function complete<W extends OperationWork, E extends Entries>(
    procedure: Procedure<W, E>,
    work: W,
    begun: E,
): Promise<E> {
    const { output } = work;
    work.atFailure(() => {
        const entries = readJournal(work) as E | undefined;
        if (entries) {
            console.error(`\n${procedure.unfinished(work, entries)}`);
        }
    });
    try {
        return await runSteps(procedure, work, begun);
    } catch (error) {
        try {
            if (await undo(procedure, work, (readJournal(work) as E | undefined) ?? begun)) {
                output.info("\nNothing was changed, and the api is back in its Service with all messages.");
            }
        } catch (failure) {
            output.info(`\nThe way back failed as well: ${(failure as Error).message}`);
        }
        throw error;
    }
}

/** Makes everything what it was before the operation, and puts the api back. Returns false if it is too late for that. */
export function undo<W extends OperationWork, E extends Entries>(
    procedure: Procedure<W, E>,
    work: W,
    entries: E,
): Promise<boolean> {
    return persevere(work, async () => {
        if (entries.complete || !(await procedure.undo(work, entries))) {
            return false;
        }
        if ((await work.api.takenOut()) !== undefined) {
            await work.api.undoTakeOut();
        }
        work.disk.remove(work.path);
        return true;
    });
}

async function runSteps<W extends OperationWork, E extends Entries>(
    { operation, steps }: Procedure<W, E>,
    work: W,
    begun: E,
): Promise<E> {
    const all: readonly Step<W, E>[] = [
        {
            title: "Take the api out of its Service, so that nobody can post",
            run: async ({ api, path }, entries) => {
                await api.takeOutOfService(operation, `${hostname()}:${path}`);
                return entries;
            },
        },
        ...steps(begun),
        {
            title: "Put the api back into its Service",
            run: async ({ api, disk, path }, entries) => {
                // From here on people can post, so that the copy in the journal is no longer what the api must have.
                const completed = saveJournal(work, { ...entries, complete: true });
                await api.putBackIntoService();
                disk.remove(path);
                return completed;
            },
        },
    ];
    let entries = begun;
    for (const [index, { title, run }] of all.entries()) {
        work.output.info(`${index + 1}/${all.length} ${title}`);
        entries = await persevere(work, () => run(work, (readJournal(work) as E | undefined) ?? entries));
    }
    return entries;
}

const patienceSeconds = 120; // for a restart of the API server, and for a pod that is replaced

/** Runs an action again after a failure that may pass by itself. */
async function persevere<T>({ clock, output }: OperationWork, action: () => Promise<T>): Promise<T> {
    const { value } = await poll(async () => ({ value: await action() }), {
        seconds: patienceSeconds,
        inVain: "",
        clock,
        onFailure: ({ message }) => {
            output.info(`    ${message}\n    Trying again ...`);
        },
    });
    return value;
}

/** Stops the operation if there is a finding. */
export function refuse(output: Pick<Output, "render">, finding: Finding | undefined): void {
    if (finding) {
        throw new UserError(output.render([finding]));
    }
}

/** Refuses if the image has no shell: through it, the api's file is read and replaced. */
export async function requireShell(
    operation: Operation,
    { api, image, output }: Pick<OperationWork, "api" | "image" | "output">,
): Promise<void> {
    if (!(await api.hasShell())) {
        refuse(output, noShell(operation, image, await api.mode()));
    }
}

/** Refuses if the run that last wrote the journal is still running. */
function requireDead(output: Pick<Output, "render">, operation: Operation, { pid }: Entries): void {
    if (pid === process.pid) {
        return;
    }
    const command = outputOf("ps", ["-o", "command=", "-p", String(pid)], process.env);
    if (command?.includes(operation)) {
        refuse(output, runningOperation(operation, pid));
    }
}

/**
 * How long nothing may change for a copy to be complete, in ms. The api answers /stats by itself within 5 s.
 *
 * Source: https://github.com/bootdotdev/synergychat/blob/main/cmd/api/slash.go
 */
const quietTime = 6000;

const quietSeconds = 120;

/** What is read once it no longer changes: whoever is connected to the pod can still post. */
export function whenQuiet<T>(
    clock: Clock,
    read: () => Promise<T>,
    isSame: (one: T, other: T) => boolean,
): Promise<T> {
    let before: { readonly found: T } | undefined;
    const unchanged = async (): Promise<T | undefined> => {
        const found = await read();
        const isQuiet = before !== undefined && isSame(before.found, found);
        before = { found };
        return isQuiet ? found : undefined;
    };
    const inVain =
        `Messages still arrive after ${quietSeconds} s, although the api is out of its Service. ` +
        "Somebody posts without the Service, for example through kubectl port-forward. End that, then run the command again.";
    return poll(unchanged, { seconds: quietSeconds, interval: quietTime, inVain, clock });
}

/** Messages in words, with their checksum. */
export function describe(messages: readonly Message[]): string {
    return `${countMessages(messages.length)} (${fingerprint(messages)})`;
}
