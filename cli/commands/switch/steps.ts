/** The steps of a switch, and the way back. */
import { rmSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import type { Settings } from "../../../config/settings.ts";
import type { ChatApi, Message } from "../../../kubernetes/chat-api.ts";
import { textOf } from "../../../kubernetes/messages-file.ts";
import { systemClock } from "../../../kubernetes/poll.ts";
import { claimName } from "../../../model/names.ts";
import type { StorageMode as Mode } from "../../../model/storage.ts";
import { switchVariable } from "../../../preflight/preflight.ts";
import { countMessages } from "../../../preflight/text.ts";
import { configDocument, projectName, restoreConfig } from "../../../pulumi/project.ts";
import { UserError } from "../../../system/errors.ts";
import type { Journal } from "../../journal.ts";
import { begins, join } from "../../messages.ts";
import { type Step, describe, refuse, takeOut, whenQuiet } from "../../operation.ts";
import { lateMessages } from "../../refusals.ts";
import type { Session } from "../../session.ts";
import { answeredMessages } from "./refusals.ts";

export type { Mode };

/** The entries of a switch's journal. */
export interface Entries {
    /** The storage mode that the switch leads to. */
    readonly to: Mode;
    /** Process ID of the command that last wrote the journal. */
    readonly pid: number;
    /** Address at which the api answered this machine before the switch. Undefined: it answered at none. */
    readonly address?: string | undefined;
    /** The copy of the messages. Undefined: the storage is unchanged. */
    readonly copy?: readonly Message[] | undefined;
    /** UID of the stack's claim if no pod mounted it when the copy was made: its messages are not in the copy. */
    readonly unreadClaim?: string | undefined;
    /** What the new volume must hold at the end: what it held at first, then the copy. */
    readonly wanted?: readonly Message[] | undefined;
}

type SwitchJournal = Journal<Entries>;

/** What a switch works on. */
export interface Work {
    readonly open: Session;
    readonly api: ChatApi;
    /** The stack's settings with the storage mode that the switch leads to. */
    readonly settings: Settings;
    /** Text of the stack's config file before the switch. Undefined: there was none. */
    readonly configBefore: string | undefined;
}

/** All steps in their order. */
export const steps: readonly Step<Work, Entries>[] = [
    { title: "Take the api out of its Service, so that nobody can post", run: stopPosts },
    { title: "Copy the messages to this machine", run: copyMessages },
    { title: "Change the storage: pulumi up", run: changeStorage },
    { title: "Read what the new volume holds", run: planVolume },
    { title: "Write the messages into the new volume, and compare", run: fillVolume },
    { title: "Put the api back into its Service", run: putBack },
];

const writeAttempts = 3; // the pod may be replaced while it is written to

async function stopPosts({ api }: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    await takeOut(api, "switch", journal);
    return journal;
}

async function copyMessages(work: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    const { copy, to } = journal.entries;
    const isChanged = copy !== undefined && (await work.api.mode()) === to;
    const copied = isChanged ? journal : await gather(work, journal);
    work.open.output.info(`    ${describe(copied.entries.copy ?? [])}, in ${copied.path}`);
    return copied;
}

/** All that must be moved: what an earlier run has copied, and what the api has. */
async function gather(work: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    const { api } = work;
    const { copy, unreadClaim } = journal.entries;
    if (copy && !(await api.isReady())) {
        // On the way back from a volume that no pod can use. Nobody has posted since the copy was made.
        work.open.output.info("    The api has no ready pod: the copy of the earlier run is complete.");
        return journal;
    }
    const messages = copy ? join(copy, await api.read()) : await lastMessages(api);
    const unmovable = answeredMessages(messages, await api.mode());
    if (unmovable && !(await api.hasShell())) {
        refuse(work.open.output, unmovable);
    }
    const isMounted = (await api.claim()) === claimName;
    // A claim that exists before a pod mounts it was kept by an earlier change, and has messages of its own.
    const unread = copy ? unreadClaim : await api.ownClaimUid();
    return journal.with({ copy: messages, unreadClaim: isMounted ? undefined : unread });
}

/** Whoever is connected to the pod can still post. With a claim, the pod can be replaced. Without one, only time helps. */
async function lastMessages(api: ChatApi): Promise<readonly Message[]> {
    if ((await api.mode()) === "ephemeral") {
        return whenQuiet(
            () => api.read(),
            (one, other) => one.length === other.length,
            systemClock,
        );
    }
    await api.restart();
    return api.read();
}

/** The claim may be deleted, since the copy is on the disk. */
async function changeStorage(work: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    const { stack, output } = work.open;
    setMode(work.open, journal.entries.to);
    const discarded = await claimToDiscard(work, journal);
    await refuseLate(work, journal);
    const config = journal.path.replace(/json$/, "yaml");
    if (discarded !== undefined) {
        output.info(`    discardClaim: ${discarded}, for this pulumi up only`);
        writeConfig(config, stack.name, discarded);
    }
    const configFlag = discarded === undefined ? [] : ["--config-file", config];
    try {
        stack.run(["up", "--yes", "--skip-preview", ...configFlag], { [switchVariable]: "1" });
    } finally {
        rmSync(config, { force: true });
    }
    return journal;
}

/** UID of the stack's claim if `pulumi up` may delete it. All its messages are in the copy. */
async function claimToDiscard({ api, settings }: Work, journal: SwitchJournal): Promise<string | undefined> {
    const { to, unreadClaim } = journal.entries;
    if (to === "persistent" || settings.retainData) {
        return undefined;
    }
    const uid = await api.ownClaimUid();
    return uid === unreadClaim ? undefined : uid;
}

/** Whoever was connected to the pod when the copy was made may have posted since. */
async function refuseLate({ open, api }: Work, { entries: { to, copy = [] } }: SwitchJournal): Promise<void> {
    if ((await api.mode()) !== to && (await api.isReady())) {
        refuse(open.output, lateMessages(copy.length, (await api.read()).length, api.namespace));
    }
}

/** A config file for one `pulumi up`: in the stack's own file, discardClaim would apply to a later change as well. */
function writeConfig(file: string, stack: string, discardClaim: string): void {
    const document = configDocument(stack);
    const config = { ...document.config, [`${projectName()}:discardClaim`]: discardClaim };
    writeFileSync(file, stringify({ ...document, config }), { mode: 0o600 });
}

/** A kept claim holds messages already. They stay, and the copy follows them. */
async function planVolume({ api, open }: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    const { copy = [], wanted } = journal.entries;
    const current = await api.read();
    open.output.info(`    ${countMessages(current.length)}`);
    return journal.with({ wanted: wanted ?? join(current, copy) });
}

async function fillVolume(work: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    const { wanted = [] } = journal.entries;
    let current = await work.api.read();
    for (let attempt = 1; attempt <= writeAttempts && !begins(wanted, current); attempt++) {
        if (!begins(current, wanted)) {
            throw new UserError(
                "The new volume holds other messages than the copy. Somebody posts without the Service.\n" +
                    `  See the messages:  kubectl logs deployment/synergychat-api --namespace ${work.api.namespace}`,
            );
        }
        await write(work, wanted, current.length);
        current = await work.api.read();
    }
    work.open.output.info(`    before  ${describe(wanted)}\n    after   ${describe(current)}`);
    if (!begins(wanted, current)) {
        throw new UserError(
            `The new volume does not hold all messages after ${writeAttempts} attempts.\n` +
                `  See the api's pod:  kubectl describe pod --selector app=synergychat-api --namespace ${work.api.namespace}`,
        );
    }
    return journal;
}

/** As the file itself if the image has a shell, which keeps every field. Otherwise by posts. */
async function write({ api, open }: Work, wanted: readonly Message[], done: number): Promise<void> {
    try {
        if (await api.hasShell()) {
            await api.replaceFile(textOf(wanted));
            return;
        }
        refuse(open.output, answeredMessages(wanted.slice(done), await api.mode()));
        await api.post(wanted.slice(done), (posted) => {
            if (posted % 100 === 0) {
                open.output.info(`    ${done + posted} of ${wanted.length}`);
            }
        });
    } catch (error) {
        // The pod may have been replaced. The next attempt reads what it has now, and writes the rest.
        if (!(error instanceof UserError)) {
            throw error;
        }
        open.output.info(`    ${error.message}`);
    }
}

async function putBack({ api }: Work, journal: SwitchJournal): Promise<SwitchJournal> {
    await api.putBackIntoService();
    return journal;
}

/**
 * Puts everything back as it was before the switch, unless the storage has changed.
 *
 * @returns whether it did.
 */
export async function undo({ open, api, configBefore }: Work, journal: SwitchJournal): Promise<boolean> {
    if (!(await isUnchanged(api, journal))) {
        return false;
    }
    restoreConfig(open.stack.name, configBefore);
    if ((await api.takenOut()) !== undefined) {
        await api.undoTakeOut();
    }
    journal.remove();
    return true;
}

/** Whether the api still has the storage that it had, with all messages. */
async function isUnchanged(api: ChatApi, { entries: { to, copy } }: SwitchJournal): Promise<boolean> {
    if (copy === undefined) {
        return true;
    }
    return (await api.mode()) !== to && (await api.isReady()) && begins(copy, await api.read());
}

/** Sets storageMode in the stack's config, if it is another one. */
export function setMode({ stack, output }: Session, mode: Mode): void {
    if (stack.config()?.[`${projectName()}:storageMode`] !== mode) {
        output.info(`    pulumi config set storageMode ${mode}`);
        stack.setConfig("storageMode", mode);
    }
}
