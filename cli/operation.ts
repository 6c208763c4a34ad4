/**
 * What a switch and a restore share: steps over a journal, while the api is out of its Service. A step that is run again,
 * after a kill, finds what it did the first time and goes on from there.
 */
import { hostname } from "node:os";
import type { ChatApi, Message } from "../kubernetes/chat-api.ts";
import { type Clock, poll } from "../kubernetes/poll.ts";
import type { Finding } from "../model/finding.ts";
import type { Operation } from "../model/labels.ts";
import { interrupted } from "../preflight/messages.ts";
import { countMessages } from "../preflight/text.ts";
import { UserError } from "../system/errors.ts";
import { outputOf } from "../system/process.ts";
import { type Entries, Journal } from "./journal.ts";
import { fingerprint } from "./messages.ts";
import type { Output } from "./output.ts";
import { begunElsewhere, runningOperation } from "./refusals.ts";

/** A step of an operation. It returns the journal, changed and on the disk. */
export interface Step<Work, E extends Entries> {
    readonly title: string;
    readonly run: (work: Work, journal: Journal<E>) => Promise<Journal<E>>;
}

/** Runs all steps, and says what it does. */
export async function runSteps<Work, E extends Entries>(
    { info }: Output,
    steps: readonly Step<Work, E>[],
    work: Work,
    begun: Journal<E>,
): Promise<Journal<E>> {
    let journal = begun;
    for (const [index, { title, run }] of steps.entries()) {
        info(`${index + 1}/${steps.length} ${title}`);
        journal = await run(work, journal);
    }
    return journal;
}

/** Stops the operation if there is a finding. */
export function refuse(output: Output, finding: Finding | undefined): void {
    if (finding) {
        throw new UserError(output.render([finding]));
    }
}

/**
 * Checks that no other operation has taken the api out of its Service. Only for a run that has no journal.
 *
 * @param again the command that completes the same operation on the machine on which it began.
 */
export async function requireInService(
    output: Output,
    api: ChatApi,
    operation: Operation,
    again: string,
): Promise<void> {
    const taken = await api.takenOut();
    if (taken) {
        const { by, journal } = taken;
        const elsewhere = { namespace: api.namespace, journal, again };
        refuse(output, by === operation ? begunElsewhere(operation, elsewhere) : interrupted(by));
    }
}

/** The first journal of an operation. Refuses if another run has begun in the meantime. */
export function beginJournal<E extends Entries>(
    output: Output,
    operation: Operation,
    path: string,
    entries: E,
): Journal<E> {
    const begun = Journal.begin(path, entries);
    if (!begun) {
        throw new UserError(output.render([runningOperation(operation, undefined)]));
    }
    return begun;
}

/** Refuses if the run that last wrote the journal is still running. */
export function requireDead(output: Output, operation: Operation, { pid }: Entries): void {
    const command = outputOf("ps", ["-o", "command=", "-p", String(pid)], process.env);
    if (pid !== process.pid && command?.includes(operation)) {
        refuse(output, runningOperation(operation, pid));
    }
}

/** Takes the api out of its Service, which then names the journal. */
export function takeOut(
    api: ChatApi,
    operation: Operation,
    { path }: { readonly path: string },
): Promise<void> {
    return api.takeOutOfService(operation, `${hostname()}:${path}`);
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
    read: () => Promise<T>,
    isSame: (one: T, other: T) => boolean,
    clock: Clock,
): Promise<T> {
    let before: { readonly found: T } | undefined;
    return poll(
        async () => {
            const found = await read();
            const isQuiet = before !== undefined && isSame(before.found, found);
            before = { found };
            return isQuiet ? found : undefined;
        },
        {
            seconds: quietSeconds,
            interval: quietTime,
            clock,
            inVain: `Messages still arrive after ${quietSeconds} s, although the api is out of its Service. Somebody posts without the Service, for example through kubectl port-forward. End that, then run the command again.`,
        },
    );
}

/** Messages in words, with their checksum. */
export function describe(messages: readonly Message[]): string {
    return `${countMessages(messages.length)} (${fingerprint(messages)})`;
}
