/**
 * `npm run restore -- NAME|FILE [STACK] [--messages N]`: replaces the api's messages by those of a backup or of a file, in
 * both storage modes.
 *
 * The restore is a list of steps, and the Service says where the copy of what was there is. If the restore is killed at any
 * step, the next run continues it, or goes back if it names that copy.
 */
import { join } from "node:path";
import { listBackups, readBackup } from "../../../kubernetes/backups.ts";
import { fix } from "../../../model/finding.ts";
import { unreadableTarget } from "../../../preflight/backups.ts";
import { dataFolder } from "../../../pulumi/login.ts";
import { shortName } from "../../../pulumi/project.ts";
import { UserError } from "../../../system/errors.ts";
import type { Environment } from "../../../system/process.ts";
import { waitForAnswer } from "../../addresses.ts";
import { requireBackups } from "../../backups.ts";
import { UsageError, defineCommand, stackWord, yesOption } from "../../command.ts";
import { workOf } from "../../operation.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";
import { confirm, requireAnswer } from "../../terminal.ts";
import {
    type RestoreWork,
    type Source,
    newest,
    readSource,
    restoreCommand,
    runRestore,
    sourceOf,
} from "./steps.ts";

export const command = defineCommand({
    summary: "Replaces the messages by those of a backup or a file.",
    words: ["NAME|FILE", stackWord],
    options: {
        ...yesOption,
        "no-backup": { type: "boolean", text: "make no backup of what is there before" },
        messages: {
            type: "string",
            value: "N",
            text: "the first N messages only: every earlier state of the chat is one",
        },
    },
    details: [
        "NAME is a backup as npm run backups lists it, or the word newest: the newest proven one that has messages. FILE is a",
        "file on this machine, for example of npm run backup.",
        "",
        "The content is checked before anything changes. Then the api is out of its Service, so that nobody can post. What",
        "its file has is copied to this machine, and to a backup if the stack makes some. The file is replaced as a whole,",
        "the api runs on, and what it returns is compared. What was there stays on this machine, in a file that is named.",
        "",
        "If the command is killed, the same command continues, and a restore of that copy goes back.",
    ],
    run: async ({ words: [word, named], options, output }) => {
        if (word === undefined) {
            throw new UsageError(
                "No backup and no file is given.\n" +
                    "  List the backups:                  npm run backups\n" +
                    `  List what restores have replaced:  ls ${copiesFolder(process.env)}\n` +
                    "  Restore one:                       npm run restore -- NAME|FILE",
            );
        }
        const { yes = false, "no-backup": noBackup = false, messages } = options;
        const wanted = sourceOf(word, messages);
        const without = `Restore without a question:  ${restoreCommand(wanted, named)}`;
        requireAnswer(yes, "npm run restore replaces the messages", without);
        const open = await openLiveStack(output, named);
        const source = wanted.named === newest ? { ...wanted, named: await newestOf(open) } : wanted;
        const copy = await runRestore(restoreWork(open, source, yes, noBackup), source);
        output.result({ stack: open.stack.name, source: source.named, copy: copy ?? null });
        if (copy === undefined) {
            return;
        }
        await waitForAnswer(open);
        const restored =
            `The messages of ${source.named} are restored, and the api is back in its Service.\n` +
            `What was there before is in ${copy}`;
        const isBack = source.named === copy;
        output.info(`\n${isBack ? "The api has the messages from before the restore again." : restored}`);
    },
});

/** Name of the newest proven backup that has messages. A new stack soon has one without. */
async function newestOf(open: LiveSession): Promise<string> {
    const { client, outputs, output } = open;
    output.info("Listing the backups ...");
    const found = requireBackups(await listBackups(client, outputs.namespaceName), open);
    output.findings(unreadableTarget(found));
    const first = found.backups.find(({ proven, messages }) => proven && messages > 0);
    if (!first) {
        throw new UserError("There is no proven backup with messages. Nothing was changed.");
    }
    return first.name;
}

function restoreWork(open: LiveSession, source: Source, yes: boolean, noBackup: boolean): RestoreWork {
    const { stack, client, output, outputs } = open;
    const again = `${restoreCommand(source, stack.name)} --no-backup`;
    const without = fix("Restore without a backup of what is there", again);
    const time = new Date().toISOString().replace(/[-:]/g, "");
    const copy = join(copiesFolder(stack.env), `${shortName(stack.name)}-${time}.json`);
    return {
        ...workOf(open, "restore", copy, !noBackup && without),
        readSource: (wanted) =>
            readSource(wanted, async (name) => {
                output.info(`Reading backup ${name} ...`);
                return requireBackups(await readBackup(client, outputs.namespaceName, name), open);
            }),
        confirm: async (announcement) => {
            output.info(`\n${announcement}`);
            return yes || (await confirm("Replace the messages?"));
        },
    };
}

function copiesFolder(env: Environment): string {
    return join(dataFolder(env), "restores");
}
