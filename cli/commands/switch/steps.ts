/** The steps of a switch, and the way back. */
import type { StorageMode } from "../../../model/storage.ts";
import { claimName } from "../../../model/names.ts";
import { type Message, render } from "../../../pods/database.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { countMessages } from "../../../preflight/text.ts";
import { TransientError, UserError } from "../../../system/errors.ts";
import { begins, join } from "../../messages.ts";
import {
    type OperationWork,
    type Procedure,
    type Step,
    complete,
    describe,
    postedPast,
    requireDead,
    requireShell,
    runningOperation,
    whenQuiet,
} from "../../operation.ts";

/** The journal of a switch: what it has done so far, with the copy of the messages. */
export interface Entries {
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
    readonly to: StorageMode;
    /** The copy of the messages. Undefined: the storage is unchanged. */
    readonly copy?: readonly Message[] | undefined;
    /** UID of the stack's claim if no pod mounted it when the copy was made: its messages are not in the copy. */
    readonly unreadClaim?: string | undefined;
    /** What the new volume must hold at the end: what it held at first, then the copy. */
    readonly wanted?: readonly Message[] | undefined;
    /** Whether all is done, and the api has only to be put back into its Service. */
    readonly complete?: boolean | undefined;
}

export interface SwitchWork extends OperationWork {
    readonly pulumi: {
        /** Sets storageMode in the config, if it is another one. */
        readonly setMode: (mode: StorageMode) => Promise<void>;
        /**
         * Runs `pulumi up`.
         *
         * @param discardClaim UID of the claim that the change gives up. Undefined: none.
         * @param isKept whether this run leaves that claim as it is.
         */
        readonly up: (discardClaim: string | undefined, isKept: boolean) => Promise<void>;
    };
}

/** Moves the messages to the other storage. Returns false if they were on it already. */
export async function runSwitch(work: SwitchWork, to: StorageMode): Promise<boolean> {
    const { api, pulumi, output, stack } = work;
    const earlier = await openJournal(work);
    if (!earlier && (await api.mode()) === to) {
        await pulumi.setMode(to);
        output.info(`The storage of stack ${stack.name} is ${to} already.`);
        return false;
    }
    const begun = earlier ? resume(work, earlier, to) : await begin(work, to);
    await complete(work, procedureOf(work, begun, earlier !== undefined));
    return true;
}

/** The journal of an earlier run that is not complete. Undefined: a new switch can begin. */
async function openJournal(work: SwitchWork): Promise<Entries | undefined> {
    const { api, disk, output, path } = work;
    const earlier = readJournal(work);
    if (!earlier) {
        const taken = await api.takenOut();
        output.refuse(taken && interrupted(taken));
        return undefined;
    }
    requireDead(output, "switch", earlier.pid);
    if (earlier.complete) {
        await api.putBackIntoService();
        disk.remove(path);
        return undefined;
    }
    return saveJournal(work, { ...earlier, pid: process.pid });
}

/** The journal. Undefined if there is none. @throws UserError if it is damaged. */
export function readJournal({ disk, path }: Pick<SwitchWork, "disk" | "path">): Entries | undefined {
    const text = disk.read(path);
    try {
        return text === undefined ? undefined : (JSON.parse(text) as Entries);
    } catch (error) {
        throw new UserError(
            `${path} is damaged: ${(error as Error).message}\n` +
                "It is the journal of a switch that was interrupted, and holds messages. Nothing was changed.\n" +
                `  Put it aside:  mv ${path} ${path}.damaged`,
        );
    }
}

/** Replaces the journal, and returns its entries when they are on the disk. */
function saveJournal({ disk, path }: SwitchWork, entries: Entries): Entries {
    disk.write(path, JSON.stringify(entries));
    return entries;
}

async function begin(work: SwitchWork, to: StorageMode): Promise<Entries> {
    const { disk, output, path } = work;
    await requireShell("switch", work);
    await work.backUp();
    const begun = { pid: process.pid, to };
    // Another run may have begun in the meantime. Its journal stays.
    const isFirst = disk.create(path, JSON.stringify(begun));
    output.refuse(!isFirst && runningOperation("switch", `copy in ${path}`));
    return begun;
}

/** Goes on from what an earlier run did, to the same mode or back. */
function resume(work: SwitchWork, earlier: Entries, to: StorageMode): Entries {
    const { wanted, to: before } = earlier;
    work.output.info(`Continuing a switch to ${before} storage that was interrupted.`);
    // On the way back, what the volume was to hold is what must be moved: all messages of the copy and the claim.
    const turned = to !== before && wanted ? { copy: wanted, wanted: undefined, unreadClaim: undefined } : {};
    return saveJournal(work, { ...earlier, to, ...turned });
}

function procedureOf(work: SwitchWork, begun: Entries, resumed: boolean): Procedure {
    const { pulumi, disk, path } = work;
    const { to } = begun;
    const step = (title: string, run: (work: SwitchWork, entries: Entries) => Promise<unknown>): Step => ({
        title,
        run: () => run(work, readJournal(work) ?? begun),
    });
    return {
        operation: "switch",
        resumed,
        steps: [
            step("Copy the messages to this machine", copyMessages),
            step("Change the storage: pulumi up", changeStorage),
            step("Write the messages into the new volume, and compare", fillVolume),
            ...(to === "ephemeral" ? [step("Delete the claim: pulumi up", deleteClaim)] : []),
        ],
        undo: async () => {
            // Without a journal, all is done.
            const entries = readJournal(work) ?? { ...begun, complete: true };
            const isUnchanged = !entries.complete && (await hasStillItsStorage(work, entries));
            if (isUnchanged) {
                await pulumi.setMode(to === "persistent" ? "ephemeral" : "persistent");
            }
            return isUnchanged;
        },
        // From here on people can post, so that the copy in the journal is no longer what the api must have.
        settle: () => saveJournal(work, { ...begun, ...readJournal(work), complete: true }),
        forget: () => disk.remove(path),
    };
}

/** Whether the api still has the storage that it had, with all messages, and no claim was made. */
async function hasStillItsStorage({ api }: SwitchWork, { to, copy, unreadClaim }: Entries): Promise<boolean> {
    return (
        copy === undefined ||
        ((await api.mode()) !== to &&
            (to === "ephemeral" || (await api.ownClaimUid()) === unreadClaim) &&
            (await api.isReady()) &&
            begins(copy, await api.read()))
    );
}

async function copyMessages(work: SwitchWork, entries: Entries): Promise<void> {
    const { copy = [] } = await gather(work, entries);
    work.output.info(`    ${describe(copy)}, in ${work.path}`);
}

/** All that must be moved: what an earlier run has copied, and what the api has. */
async function gather(work: SwitchWork, entries: Entries): Promise<Entries> {
    const { api, output } = work;
    const { copy, unreadClaim, to } = entries;
    if (copy && (await api.mode()) === to) {
        return entries;
    }
    if (copy && !(await api.isReady())) {
        // On the way back from a volume that no pod can use. Nobody has posted since the copy was made.
        output.info("    The api has no ready pod: the copy of the earlier run is complete.");
        return entries;
    }
    const messages = copy ? join(copy, await api.read()) : await lastMessages(work);
    const isMounted = (await api.claim()) === claimName;
    // A claim that exists before a pod mounts it was kept by an earlier change, and has messages of its own.
    const unread = copy ? unreadClaim : await api.ownClaimUid();
    return saveJournal(work, { ...entries, copy: messages, unreadClaim: isMounted ? undefined : unread });
}

/** Whoever is connected to the pod can still post. It can be replaced, unless its data would go with it: then only time helps. */
async function lastMessages({ api, clock }: SwitchWork): Promise<readonly Message[]> {
    if ((await api.mode()) === "ephemeral" || (await api.isClaimTerminating())) {
        return whenQuiet(clock, () => api.read());
    }
    await api.restart();
    return api.read();
}

/** The claim stays for now: until the new volume is filled, the journal is the only other place with the messages. */
async function changeStorage(work: SwitchWork, entries: Entries): Promise<void> {
    const { api, pulumi } = work;
    const { to, copy = [] } = entries;
    await pulumi.setMode(to);
    const discarded = await claimToDelete(work, entries);
    const mayHaveMore = (await api.mode()) !== to && (await api.isReady());
    if (mayHaveMore && (await api.read()).length > copy.length) {
        throw new UserError(`The api has more messages than the copy. ${postedPast}`);
    }
    await pulumi.up(discarded, true);
}

/** UID of the stack's claim if the switch gives it up, and if all its messages are in the copy. */
async function claimToDelete(work: SwitchWork, { to, unreadClaim }: Entries): Promise<string | undefined> {
    if (to === "persistent" || work.settings.retainData) {
        return undefined;
    }
    const uid = await work.api.ownClaimUid();
    return uid === unreadClaim ? undefined : uid;
}

/** A kept claim holds messages already. They stay, and the copy follows them. */
async function fillVolume(work: SwitchWork, entries: Entries): Promise<void> {
    const { api, output } = work;
    const before = await api.read();
    const { copy = [], wanted = join(before, copy) } = entries;
    saveJournal(work, { ...entries, wanted });
    output.info(`    ${countMessages(before.length)} in the new volume`);
    if (!begins(wanted, before)) {
        if (!begins(before, wanted)) {
            throw new UserError(`The new volume holds other messages than the copy. ${postedPast}`);
        }
        await api.replaceFile(render(wanted));
    }
    const after = await api.read();
    output.info(`    before  ${describe(wanted)}\n    after   ${describe(after)}`);
    if (!begins(wanted, after)) {
        throw new TransientError(
            "The new volume does not hold all messages: the api's pod may have been replaced meanwhile.",
        );
    }
}

async function deleteClaim(work: SwitchWork, entries: Entries): Promise<void> {
    const discarded = await claimToDelete(work, entries);
    if (discarded === undefined) {
        work.output.info("    There is none that the switch deletes.");
        return;
    }
    await work.pulumi.up(discarded, false);
    // The pod may have been replaced, and the new volume with it.
    await fillVolume(work, entries);
}
