/**
 * `npm run restore -- NAME|FILE [STACK] [--messages N]`: replaces the api's messages by those of a backup or of a file, in
 * both storage modes.
 *
 * The restore is a list of steps over a journal, a file on this machine that also holds the new content. If the restore is
 * killed at any step, the next run continues it, or goes back if it names the copy of what was there.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { messagesIn } from "../../../kubernetes/messages-file.ts";
import { renderFindings } from "../../../model/finding.ts";
import { countMessages } from "../../../preflight/text.ts";
import { dataFolder } from "../../../pulumi/login.ts";
import { shortName } from "../../../pulumi/project.ts";
import { UserError } from "../../../system/errors.ts";
import { backupBefore } from "../../backups.ts";
import { UsageError, defineCommand, stackWord, yesFlag } from "../../command.ts";
import { Journal, journalFolder, journalPath } from "../../journal.ts";
import { begins } from "../../messages.ts";
import { beginJournal, refuse, requireDead, requireInService, runSteps } from "../../operation.ts";
import { findAddress, waitForAnswer } from "../../outside.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { confirm, isInteractive } from "../../terminal.ts";
import { interruptedRestore, noShell, restoreCommand } from "./refusals.ts";
import { type Source, messagesOf, readSource, sourceOf } from "./source.ts";
import { type Entries, type RestoreWork, steps, undo } from "./steps.ts";

export const command = defineCommand({
    summary: "Replaces the messages by those of a backup or a file.",
    words: ["NAME|FILE", stackWord],
    flags: { ...yesFlag, "no-backup": "make no backup of what is there before" },
    options: {
        messages: {
            value: "N",
            text: "the first N messages only: every earlier state of the chat is one",
        },
    },
    details: [
        "NAME is a backup as npm run backups lists it. FILE is a file on this machine, for example of npm run backup.",
        "",
        "The content is checked before anything changes. Then the api is out of its Service, so that nobody can post. What",
        "its file has is copied to this machine, and to a backup if the stack makes some. The file is replaced as a whole,",
        "the api runs on, and what it returns is compared. What was there stays on this machine, in a file that is named.",
        "",
        "If the command is killed, the same command continues, and a restore of that copy goes back. Without NAME and FILE,",
        "the command says what is to be done about a restore that was interrupted.",
    ],
    run: async ({ words: [word, named], flags: { yes, "no-backup": noBackup }, options, output }) => {
        if (word === undefined) {
            throw withoutSource();
        }
        const source = sourceOf(word, options.messages);
        if (!yes && !isInteractive()) {
            throw new UsageError(
                "npm run restore replaces the messages, and there is no terminal at which it could ask. Nothing was changed.\n" +
                    `  Restore without a question:  ${restoreCommand({ stack: named ?? "STACK" }, source)}`,
            );
        }
        await restore(await openLiveStack(output, named, { access: "read" }), source, { yes, noBackup });
    },
});

async function restore(
    open: LiveSession,
    source: Source,
    { yes, noBackup }: Pick<Choices, "yes" | "noBackup">,
): Promise<void> {
    const { stack, client, api, settings, output } = open;
    const { namespaceName, apiUrl } = open.outputs;
    const work: RestoreWork = { open, client, api, settings };
    const path = journalPath(dataFolder(stack.env), "restore", await api.installation());

    const address = () => findAddress(client, namespaceName, settings.exposure.kind, apiUrl);
    const earlier = await openJournal(work, path);
    const begun = earlier
        ? await resume(work, earlier, source)
        : await begin(work, path, source, { yes, noBackup, address });
    if (!begun) {
        return; // there is nothing to replace
    }
    onFailure(begun.path);
    const { entries } = await runOrUndo(work, begun);
    begun.remove();
    if (entries.address !== undefined) {
        output.info(`    Waiting until it answers at ${entries.address} ...`);
        await waitForAnswer(apiUrl, entries.address, stack.name);
    }
    output.info(
        entries.source.named === entries.copy
            ? "\nThe api has the messages from before the restore again."
            : `\nThe messages of ${entries.source.named} are restored, and the api answers again.\n` +
                  `What was there before is in ${entries.copy}`,
    );
}

/** Without a word, the command says what is to be done about a restore that was interrupted. */
function withoutSource(): Error {
    const folder = journalFolder(dataFolder(process.env), "restore");
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const journals = files
        .filter((file) => /^[0-9a-f]{8}-[0-9a-f-]{27}\.json$/.test(file))
        .flatMap((file) => Journal.read<Entries>(join(folder, file)) ?? []);
    const [first] = journals;
    return first
        ? new UserError(renderFindings(journals.map(({ entries }) => interruptedRestore(entries))))
        : new UsageError(
              "No backup and no file is given.\n" +
                  "  List the backups:  npm run backups\n" +
                  "  Restore one:       npm run restore -- NAME",
          );
}

interface Choices {
    readonly yes: boolean;
    readonly noBackup: boolean;
    /** Finds an address at which the api answers this machine. */
    readonly address: () => Promise<string | undefined>;
}

/** Begins a restore after a question. Undefined: there is nothing to do. */
async function begin(
    work: RestoreWork,
    path: string,
    source: Source,
    { yes, noBackup, address }: Choices,
): Promise<Journal<Entries> | undefined> {
    const { open, client, api, settings } = work;
    const { output, stack } = open;
    await requireInService(output, api, "restore", restoreCommand({ stack: stack.name }, source));
    const wanted = await readSource(work, source);
    if (!(await api.hasShell())) {
        refuse(output, noShell(settings.images.api, await api.mode(), api.namespace));
    }
    const before = await api.readFile();
    if (before === wanted) {
        output.info(`The api has exactly the messages of ${source.named} already. Nothing was changed.`);
        return undefined;
    }
    output.info(`\n${announcement(source, before, wanted)}`);
    if (!yes && !(await confirm("Replace the messages?"))) {
        throw new UserError("Nothing was changed.");
    }
    // A torn file cannot become a backup. The copy on this machine has what is left of it.
    if (!noBackup && typeof messagesIn(before) !== "string") {
        await backupBefore(output, client, api.namespace, "before-restore", {
            to: "Restore without a backup of what is there",
            run: [`${restoreCommand({ stack: stack.name }, source)} --no-backup`],
        });
    }
    const time = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
    const copy = join(
        journalFolder(dataFolder(stack.env), "restore"),
        `${shortName(stack.name)}-${time}Z.json`,
    );
    const entries = { pid: process.pid, stack: stack.name, source, wanted, copy, address: await address() };
    return beginJournal<Entries>(output, "restore", path, entries);
}

/** What would become of the messages. */
function announcement({ named }: Source, before: string, wanted: string): string {
    const messages = messagesOf(named, wanted);
    const current = messagesIn(before);
    if (typeof current === "string") {
        return `The api's file ${current}\nIt is replaced by ${countMessages(messages.length)} of ${named}.`;
    }
    const replaced = `The api's ${countMessages(current.length)} are replaced by ${countMessages(messages.length)} of ${named}.`;
    if (begins(messages, current)) {
        return `${replaced} The last ${current.length - messages.length} of the api's are not among them.`;
    }
    return begins(current, messages)
        ? `${replaced} All of the api's are among them.`
        : `${replaced} They are those of another chat, or of another course of this one.`;
}

/** The journal of a restore that is not complete. */
async function openJournal({ open, api }: RestoreWork, path: string): Promise<Journal<Entries> | undefined> {
    const earlier = Journal.read<Entries>(path);
    if (!earlier) {
        return undefined;
    }
    requireDead(open.output, "restore", earlier.entries);
    if ((await api.takenOut()) === undefined) {
        // It was killed before its first step or after its last one, or somebody has put the api back.
        earlier.remove();
        return undefined;
    }
    return earlier;
}

/** Goes on from what an earlier run did, or back. Undefined: the api is back, and its file was not replaced. */
async function resume(
    work: RestoreWork,
    earlier: Journal<Entries>,
    source: Source,
): Promise<Journal<Entries> | undefined> {
    const { output } = work.open;
    const { entries } = earlier;
    if (source.named === entries.copy) {
        output.info(`Going back to what a restore of ${entries.source.named} was to replace.`);
        if (await undo(work, earlier)) {
            output.info("The messages were not changed, and the api is back in its Service.");
            return undefined;
        }
        const wanted = readFileSync(entries.copy, "utf8");
        messagesOf(entries.copy, wanted);
        return earlier.with({ pid: process.pid, source, wanted });
    }
    if (source.named !== entries.source.named || source.first !== entries.source.first) {
        refuse(output, interruptedRestore(entries));
    }
    output.info(`Continuing a restore of ${entries.source.named} that was interrupted.`);
    return earlier.with({ pid: process.pid });
}

async function runOrUndo(work: RestoreWork, begun: Journal<Entries>): Promise<Journal<Entries>> {
    const { output } = work.open;
    try {
        return await runSteps(output, steps, work, begun);
    } catch (error) {
        if (await undo(work, Journal.read<Entries>(begun.path) ?? begun)) {
            output.info("\nThe messages were not changed, and the api is back in its Service.");
        }
        throw error;
    }
}

/** Says how to go on, however the command ends. */
function onFailure(path: string): void {
    process.on("exit", (status) => {
        const journal = status === 0 ? undefined : Journal.read<Entries>(path);
        if (journal) {
            console.error(`\n${renderFindings([interruptedRestore(journal.entries)])}`);
        }
    });
}
