/**
 * `npm run switch -- persistent|ephemeral [STACK]`: changes the storage mode and moves the messages.
 *
 * The switch is a list of steps over a journal, a file on this machine that also holds the copy of the messages. If the
 * switch is killed at any step, the next run continues it, or goes back if it names the other mode.
 */
import { Backups } from "../../../kubernetes/backups";
import { ChatApi } from "../../../kubernetes/chat-api";
import { Client } from "../../../kubernetes/client";
import { inheritableVolumes } from "../../../kubernetes/volumes";
import { countMessages } from "../../../preflight/text";
import { inheritedVolume } from "../../../preflight/volumes";
import { dataFolder } from "../../../pulumi/login";
import { configText } from "../../../pulumi/project";
import { outputsIn } from "../../../pulumi/state";
import { UserError } from "../../../system/errors";
import { outputOf } from "../../../system/process";
import { type Call, UsageError } from "../../command";
import { type OpenStack, openStack, requireNamespace, settingsOf } from "../../stack";
import { Journal, type Mode, journalPath } from "./journal";
import { findAddress, waitForAnswer } from "./outside";
import { namespaceChange, protectedClaim, runningSwitch, switchElsewhere } from "./refusals";
import { type Work, refuse, setMode, steps, undo } from "./steps";

/** Runs the command. */
export async function switchStorage({ words, output }: Call): Promise<void> {
    const [mode, named] = words;
    const to = requireMode(mode);
    const open = await openStack(named, { mayStart: false, yes: false, output });
    const { stack, context, cluster } = open;
    const settings = settingsOf(open, { storageMode: to });
    const { namespaceName, apiUrl } = outputsIn(open.state, stack.name);
    refuse(open, namespaceChange(settings, namespaceName));
    const client = await Client.connect({ context, env: cluster.env });
    await requireNamespace(client, namespaceName, stack.name);
    const api = new ChatApi(client, namespaceName);
    const work: Work = { open, api, settings, configBefore: configText(stack.name) };
    const path = journalPath(dataFolder(stack.env), await api.installation());

    const earlier = Journal.read(path);
    if (!earlier) {
        refuse(open, switchElsewhere(namespaceName, await api.takenOutBy(), to));
        if ((await api.mode()) === to) {
            setMode(open, to);
            output.info(`The storage of stack ${stack.name} is ${to} already.`);
            return;
        }
    }
    refuse(open, protectedClaim(settings, await api.claim(), open.state));
    if (!earlier && to === "ephemeral") {
        await backUp(client, open, namespaceName);
    }
    const begun = earlier
        ? resume(work, earlier, to)
        : begin(open, path, to, await findAddress(client, namespaceName, settings.exposure.kind, apiUrl));
    onFailure(begun, stack.name);
    const { entries } = await runSteps(work, begun);
    begun.remove();
    if (entries.address !== undefined) {
        output.info(`    Waiting until it answers at ${entries.address} ...`);
        await waitForAnswer(settings.apiUrl, entries.address, stack.name);
    }
    output.info(`\nThe storage is ${to} now, and the api answers again.`);
    const volumes = await inheritableVolumes(client, [namespaceName], output.info);
    output.findings(volumes.map((volume) => inheritedVolume(volume, context)));
}

/** Before the claim goes, if the stack makes backups. */
async function backUp(client: Client, { output }: OpenStack, namespace: string): Promise<void> {
    const backups = await Backups.find(client, namespace);
    if (backups) {
        output.info("Making a backup first ...");
        const { name, messages } = await backups.make("before-switch");
        output.info(`${name}: ${countMessages(messages)}, proven.`);
    }
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

function begin({ output }: OpenStack, path: string, to: Mode, address: string | undefined): Journal {
    const begun = Journal.begin(path, { to, pid: process.pid, address });
    if (!begun) {
        throw new UserError(output.render([runningSwitch(undefined)]));
    }
    return begun;
}

/** Goes on from what an earlier run did, to the same mode or back. */
function resume({ open }: Work, earlier: Journal, to: Mode): Journal {
    const { pid, wanted, to: before } = earlier.entries;
    if (pid !== process.pid && isSwitch(pid)) {
        refuse(open, runningSwitch(pid));
    }
    open.output.info(`Continuing a switch to ${before} storage that was interrupted.`);
    // On the way back, what the volume was to hold is what must be moved: all messages of the copy and the claim.
    const turned = to !== before && wanted ? { copy: wanted, wanted: undefined, unreadClaim: undefined } : {};
    return earlier.with({ to, pid: process.pid, ...turned });
}

function isSwitch(pid: number): boolean {
    const command = outputOf("ps", ["-o", "command=", "-p", String(pid)], process.env);
    return command?.includes("switch") ?? false;
}

async function runSteps(work: Work, begun: Journal): Promise<Journal> {
    const { output } = work.open;
    let journal = begun;
    try {
        for (const [index, { title, run }] of steps.entries()) {
            output.info(`${index + 1}/${steps.length} ${title}`);
            journal = await run(work, journal);
        }
    } catch (error) {
        // An earlier run that has copied the messages may have changed the storage.
        if (begun.entries.copy === undefined && (await undo(work, journal))) {
            output.info(
                "\nThe storage was not changed, and the api is back in its Service with all messages.",
            );
        }
        throw error;
    }
    return journal;
}

/** Says where the messages are and how to go on, however the command ends. */
function onFailure({ path, entries: { to } }: Journal, stack: string): void {
    const other = to === "persistent" ? "ephemeral" : "persistent";
    process.on("exit", (status) => {
        const journal = status === 0 ? undefined : Journal.read(path);
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
