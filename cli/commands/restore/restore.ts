/**
 * `npm run restore -- NAME|FILE [STACK] [--messages N]`: replaces the api's messages by those of a backup or of a file, in
 * both storage modes.
 *
 * The restore is a list of steps over a journal, a file on this machine that also holds the new content. If the restore is
 * killed at any step, the next run continues it, or goes back if it names the copy of what was there.
 */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { readBackup } from "../../../kubernetes/backups.ts";
import { fix, renderFindings } from "../../../model/finding.ts";
import { dataFolder } from "../../../pulumi/login.ts";
import { shortName } from "../../../pulumi/project.ts";
import { UserError } from "../../../system/errors.ts";
import { localDisk } from "../../../system/files.ts";
import { waitForAnswer } from "../../addresses.ts";
import { backupsOff } from "../../backups.ts";
import { UsageError, defineCommand, stackWord, yesFlag } from "../../command.ts";
import { journalFolder, readJournal } from "../../journal.ts";
import { workOf } from "../../operation.ts";
import { interruptedRestore, restoreCommand } from "../../refusals.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { confirm, requireAnswer } from "../../terminal.ts";
import { type Source, readSource, sourceOf } from "./source.ts";
import { type Entries, type RestoreWork, runRestore } from "./steps.ts";

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
        const without = `Restore without a question:  ${restoreCommand({ stack: named }, source)}`;
        requireAnswer(yes, "npm run restore replaces the messages", without);
        await restore(await openLiveStack(output, named, { access: "read" }), source, yes, noBackup);
    },
});

async function restore(open: LiveSession, source: Source, yes: boolean, noBackup: boolean): Promise<void> {
    const { stack, output, outputs } = open;
    const entries = await runRestore(await restoreWork(open, source, yes, noBackup), source);
    if (!entries) {
        return;
    }
    await waitForAnswer(output, outputs.apiUrl, entries.address, stack.name);
    output.info(
        entries.source.named === entries.copy
            ? "\nThe api has the messages from before the restore again."
            : `\nThe messages of ${entries.source.named} are restored, and the api answers again.\n` +
                  `What was there before is in ${entries.copy}`,
    );
}

async function restoreWork(
    open: LiveSession,
    source: Source,
    yes: boolean,
    noBackup: boolean,
): Promise<RestoreWork> {
    const { stack, client, settings, output } = open;
    const { namespaceName } = open.outputs;
    const again = `${restoreCommand({ stack: stack.name }, source)} --no-backup`;
    const without = fix("Restore without a backup of what is there", again);
    const work = await workOf(open, "restore", noBackup ? undefined : without);
    const time = new Date().toISOString().replace(/[-:]/g, "").slice(0, 15);
    return {
        ...work,
        readSource: (wanted) =>
            readSource(wanted, async (name) => {
                output.info(`Reading backup ${name} ...`);
                const text = await readBackup(client, namespaceName, name);
                if (text === undefined) {
                    throw new UserError(output.render([backupsOff(settings)]));
                }
                return text;
            }),
        confirm: async (announcement) => {
            output.info(`\n${announcement}`);
            return yes || (await confirm("Replace the messages?"));
        },
        copyPath: join(dirname(work.path), `${shortName(stack.name)}-${time}Z.json`),
    };
}

/** Without a word, the command says what is to be done about a restore that was interrupted. */
function withoutSource(): Error {
    const folder = journalFolder(dataFolder(process.env), "restore");
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const journals = files
        .filter((file) => /^[0-9a-f]{8}-[0-9a-f-]{27}\.json$/.test(file))
        .map((file) => readJournal({ disk: localDisk, path: join(folder, file) }) as Entries | undefined)
        .filter((entries) => entries !== undefined);
    const [first] = journals;
    return first
        ? new UserError(renderFindings(journals.map(interruptedRestore)))
        : new UsageError(
              "No backup and no file is given.\n" +
                  "  List the backups:  npm run backups\n" +
                  "  Restore one:       npm run restore -- NAME",
          );
}
