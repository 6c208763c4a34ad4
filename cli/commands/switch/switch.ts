/**
 * `npm run switch -- persistent|ephemeral [STACK]`: changes the storage mode and moves the messages.
 *
 * The switch is a list of steps over a journal, a file on this machine that also holds the copy of the messages. If the
 * switch is killed at any step, the next run continues it, or goes back if it names the other mode.
 */
import { inheritableVolumes } from "../../../kubernetes/volumes.ts";
import { countMessages } from "../../../preflight/text.ts";
import { inheritedVolume } from "../../../preflight/volumes.ts";
import { dataFolder } from "../../../pulumi/login.ts";
import { configText } from "../../../pulumi/project.ts";
import { UsageError, defineCommand, stackWord } from "../../command.ts";
import { backupBefore } from "../../backups.ts";
import { Journal, journalPath } from "../../journal.ts";
import { beginJournal, refuse, requireDead, requireInService, runSteps } from "../../operation.ts";
import { findAddress, waitForAnswer } from "../../outside.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { namespaceChange, protectedClaim } from "./refusals.ts";
import { type Entries, type Mode, type Work, setMode, steps, undo } from "./steps.ts";

export const command = defineCommand({
    summary: "Changes the storage mode and takes the messages along.",
    words: ["persistent|ephemeral", stackWord],
    flags: { "no-backup": "make no backup before a switch to ephemeral" },
    details: [
        "The api is out of its Service meanwhile, so that nobody can post. If the command is killed, the same command",
        "continues, and the one with the other mode goes back. A stack with backups makes one before it leaves its claim.",
    ],
    run: async ({ words: [mode, named], flags, output }) => {
        const to = requireMode(mode);
        const open = await openLiveStack(output, named, { access: "change", changes: { storageMode: to } });
        await switchStorage(open, to, flags["no-backup"]);
    },
});

async function switchStorage(open: LiveSession, to: Mode, noBackup: boolean): Promise<void> {
    const { stack, context, client, api, settings, output } = open;
    const { namespaceName, apiUrl } = open.outputs;
    refuse(output, namespaceChange(settings, namespaceName));
    const work: Work = { open, api, settings, configBefore: configText(stack.name) };
    const path = journalPath(dataFolder(stack.env), "switch", await api.installation());

    const earlier = Journal.read<Entries>(path);
    if (!earlier) {
        await requireInService(output, api, "switch", `npm run switch -- ${to}`);
        if ((await api.mode()) === to) {
            setMode(open, to);
            output.info(`The storage of stack ${stack.name} is ${to} already.`);
            return;
        }
    }
    refuse(output, protectedClaim(settings, await api.claim(), open.state));
    if (!earlier && to === "ephemeral" && !noBackup) {
        await backupBefore(output, client, namespaceName, "before-switch", {
            to: "Switch without a backup",
            run: ["npm run switch -- ephemeral --no-backup"],
        });
    }
    const address = () => findAddress(client, namespaceName, settings.exposure.kind, apiUrl);
    const begun = earlier
        ? resume(work, earlier, to)
        : beginJournal<Entries>(output, "switch", path, { to, pid: process.pid, address: await address() });
    onFailure(begun, stack.name);
    const { entries } = await runOrUndo(work, begun);
    begun.remove();
    if (entries.address !== undefined) {
        output.info(`    Waiting until it answers at ${entries.address} ...`);
        await waitForAnswer(settings.apiUrl, entries.address, stack.name);
    }
    output.info(`\nThe storage is ${to} now, and the api answers again.`);
    const volumes = await inheritableVolumes(client, [namespaceName], output.info);
    output.findings(volumes.map((volume) => inheritedVolume(volume, context)));
}

function requireMode(mode: string | undefined): Mode {
    if (mode === "persistent" || mode === "ephemeral") {
        return mode;
    }
    const problem =
        mode === undefined ? "No storage mode is given." : `The storage mode is ${JSON.stringify(mode)}.`;
    throw new UsageError(
        `${problem} It must be persistent or ephemeral.\n` +
            "  Move the messages to a claim:              npm run switch -- persistent\n" +
            "  Move the messages to an ephemeral volume:  npm run switch -- ephemeral",
    );
}

/** Goes on from what an earlier run did, to the same mode or back. */
function resume({ open }: Work, earlier: Journal<Entries>, to: Mode): Journal<Entries> {
    const { wanted, to: before } = earlier.entries;
    requireDead(open.output, "switch", earlier.entries);
    open.output.info(`Continuing a switch to ${before} storage that was interrupted.`);
    // On the way back, what the volume was to hold is what must be moved: all messages of the copy and the claim.
    const turned = to !== before && wanted ? { copy: wanted, wanted: undefined, unreadClaim: undefined } : {};
    return earlier.with({ to, pid: process.pid, ...turned });
}

async function runOrUndo(work: Work, begun: Journal<Entries>): Promise<Journal<Entries>> {
    const { output } = work.open;
    try {
        return await runSteps(output, steps, work, begun);
    } catch (error) {
        // An earlier run that has copied the messages may have changed the storage.
        const journal = Journal.read<Entries>(begun.path) ?? begun;
        if (begun.entries.copy === undefined && (await undo(work, journal))) {
            output.info(
                "\nThe storage was not changed, and the api is back in its Service with all messages.",
            );
        }
        throw error;
    }
}

/** Says where the messages are and how to go on, however the command ends. */
function onFailure({ path, entries: { to } }: Journal<Entries>, stack: string): void {
    const other = to === "persistent" ? "ephemeral" : "persistent";
    process.on("exit", (status) => {
        const journal = status === 0 ? undefined : Journal.read<Entries>(path);
        if (journal) {
            const { copy } = journal.entries;
            const where = copy
                ? `The copy of the messages (${countMessages(copy.length)}) is in ${path}.`
                : "The storage was not changed, and the api has all messages.";
            console.error(
                "\nThe switch is not complete: the api is out of its Service, and nobody can post.\n" +
                    `${where}\n` +
                    `  Complete the switch:  npm run switch -- ${to} ${stack}\n` +
                    `  Go back:              npm run switch -- ${other} ${stack}`,
            );
        }
    });
}
