/**
 * What a switch and a restore share: steps while the api is out of its Service. A step that is run again, after a kill or a
 * failure that passes, finds what it did the first time and goes on from there.
 */
import { hostname } from "node:os";
import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../config/settings.ts";
import type { TakenOut } from "../kubernetes/chat-api.ts";
import { type Clock, poll, systemClock } from "../kubernetes/poll.ts";
import { type Finding, type Fix, error } from "../model/finding.ts";
import type { Operation } from "../model/labels.ts";
import type { Message } from "../pods/database.ts";
import { interrupted, noShell } from "../preflight/messages.ts";
import { countMessages } from "../preflight/text.ts";
import { type Disk, localDisk } from "../system/files.ts";
import { outputOf } from "../system/process.ts";
import { makeProvenBackup } from "./backups.ts";
import { fingerprint } from "./messages.ts";
import type { Output } from "./output.ts";
import type { LiveSession } from "./session.ts";

/** What an operation works with. Tests replace all of it. */
export interface OperationWork extends Pick<LiveSession, "api" | "output"> {
    readonly stack: Pick<LiveSession["stack"], "name">;
    readonly settings: Pick<Settings, "images" | "retainData">;
    readonly clock: Clock;
    readonly disk: Disk;
    /** Path of the file on this machine that has the messages: the journal of a switch, the copy of a restore. */
    readonly path: string;
    /** Makes a backup of what is there, if the stack makes backups. */
    readonly backUp: () => Promise<unknown>;
    /** Registers what is done if the command ends with a failure. */
    readonly atFailure: (say: () => unknown) => unknown;
}

/** What a switch and a restore work with on a live stack. `without` is the way on if the backup fails. False: make none. */
export function workOf(
    session: LiveSession,
    operation: Operation,
    path: string,
    without: Fix | false,
): OperationWork {
    const { namespaceName } = session.outputs;
    return {
        ...session,
        clock: systemClock,
        disk: localDisk,
        path,
        backUp: async () =>
            without && makeProvenBackup(session, namespaceName, `before-${operation}`, without),
        atFailure: (say) => process.on("exit", (status) => status !== 0 && say()),
    };
}

export interface Step {
    readonly title: string;
    readonly run: () => Promise<unknown>;
}

export interface Procedure {
    readonly operation: Operation;
    /** Whether it continues an earlier run, which may have taken the api out. */
    readonly resumed: boolean;
    /** What is done while the api is out of its Service. */
    readonly steps: readonly Step[];
    /** Makes everything what it was, the Service excepted. Returns false if it is too late for that. */
    readonly undo: () => Promise<boolean>;
    /** What completes a restore. */
    readonly again?: string;
    /** Is called when all is done, before people can post again. */
    readonly settle?: () => unknown;
    /** Is called when the api is back in its Service. */
    readonly forget?: () => unknown;
}

/** Takes the api out of its Service, runs all steps, and puts the api back. Undoes everything if that fails early. */
export async function complete(work: OperationWork, procedure: Procedure): Promise<void> {
    const { api, output } = work;
    const { operation, undo, again, forget } = procedure;
    const steps = allSteps(work, procedure);
    let isOpen = true;
    work.atFailure(() => {
        if (isOpen) {
            const taken = { by: operation, namespace: api.namespace, journal: journalOf(work) };
            console.error(`\n${output.render([interrupted(taken, again)])}`);
        }
    });
    const goBack = async () => {
        if (await undo()) {
            if (isOwn(await api.takenOut(), work, procedure)) {
                await api.undoTakeOut();
            }
            forget?.();
            isOpen = false;
        }
    };
    try {
        for (const [index, { title, run }] of steps.entries()) {
            output.info(`${index + 1}/${steps.length} ${title}`);
            await persevere(work, run);
        }
        isOpen = false;
    } catch (error) {
        try {
            await persevere(work, goBack);
            if (!isOpen) {
                const look = `kubectl get pods,events --namespace ${api.namespace}`;
                const state = (await api.isReady())
                    ? "with all messages."
                    : `but it has no ready pod:\n  ${look}`;
                output.info(`\nNothing was changed, and the api is back in its Service ${state}`);
            }
        } catch (failure) {
            output.info(`\nThe way back failed as well: ${(failure as Error).message}`);
        }
        throw error;
    }
}

/** What is said on the Service: where the file with the messages is, and which process writes it. */
function journalOf({ path }: OperationWork): string {
    return `${hostname()}:${path} (process ${process.pid})`;
}

function allSteps(work: OperationWork, procedure: Procedure): readonly Step[] {
    const { api, output } = work;
    const { operation, steps, settle, forget } = procedure;
    const takeOut = async () => {
        const taken = await api.takenOut();
        // Another operation may have begun since this one looked.
        const isOther = taken && !isOwn(taken, work, procedure);
        output.refuse(isOther && runningOperation(taken.by, `copy in ${taken.journal}`));
        await api.takeOutOfService(operation, journalOf(work));
    };
    const putBack = async () => {
        settle?.();
        await api.putBackIntoService();
        forget?.();
    };
    return [
        { title: "Take the api out of its Service, so that nobody can post", run: takeOut },
        ...steps,
        { title: "Put the api back into its Service", run: putBack },
    ];
}

/**
 * Whether it is this operation, or the earlier run that it continues, that has taken the api out of its Service. A path alone
 * does not tell: two containers can have the same home folder.
 */
function isOwn(taken: TakenOut | undefined, work: OperationWork, { resumed }: Procedure): boolean {
    return (
        taken?.journal === journalOf(work) || (resumed && taken?.journal.includes(`:${work.path} `) === true)
    );
}

const patienceSeconds = 120; // for a restart of the API server, and for a pod that is replaced

/** Runs an action again after a failure that may pass by itself. */
async function persevere({ clock, output }: OperationWork, action: () => Promise<unknown>): Promise<void> {
    const onFailure = ({ message }: Error) => output.info(`    ${message}\n    Trying again ...`);
    const isDone = async () => {
        await action();
        return true;
    };
    await poll(isDone, { seconds: patienceSeconds, inVain: "", clock, onFailure });
}

/** Refuses if the image has no shell: through it, the api's file is read and replaced. */
export async function requireShell(operation: Operation, work: OperationWork): Promise<void> {
    const { api, settings, output } = work;
    if (!(await api.hasShell())) {
        output.refuse(noShell(operation, settings.images.api, await api.mode()));
    }
}

/** Refuses if the process of the last run is still running. */
export function requireDead(output: Output, operation: Operation, pid: number): void {
    const commandOf = (id: number) => outputOf("ps", ["-o", "command=", "-p", String(id)], process.env);
    const isRunning = pid !== process.pid && commandOf(pid)?.includes(operation);
    output.refuse(isRunning && runningOperation(operation, `process ${pid}`));
}

export function runningOperation(operation: Operation, where: string): Finding {
    const reason = `Another ${operation} of this stack is running (${where}). Wait until it has ended.`;
    return error(`${operation}-running`, reason);
}

export const postedPast =
    "Somebody posts without the Service, for example through kubectl port-forward or a connection that was open before. " +
    "End that, then run the command again.";

/**
 * How long nothing may change for a copy to be complete, in ms. The api answers /stats by itself within 5 s.
 *
 * Source: https://github.com/bootdotdev/synergychat/blob/main/cmd/api/slash.go
 */
const quietTime = 6000;

const quietSeconds = 120;

/** What is read once it no longer changes: whoever is connected to the pod can still post. */
export function whenQuiet<T>(clock: Clock, read: () => Promise<T>): Promise<T> {
    let found: T | undefined;
    const unchanged = async () => {
        const before = found;
        found = await read();
        return isDeepStrictEqual(before, found) && found;
    };
    return poll(unchanged, { seconds: quietSeconds, interval: quietTime, inVain: postedPast, clock });
}

/** Messages in words, with their checksum. */
export function describe(messages: readonly Message[]): string {
    return `${countMessages(messages.length)} (${fingerprint(messages)})`;
}
