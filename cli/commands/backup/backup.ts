/**
 * `npm run backup -- [STACK] [--file PATH]`: a backup now. Without --file, a Job makes it on the claim of the backups and
 * proves it. With --file, this command writes what the api returns to a file on this machine, in both storage modes.
 */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { findCronJob, makeBackup } from "../../../kubernetes/backups.ts";
import { ChatApi } from "../../../kubernetes/chat-api.ts";
import { Client } from "../../../kubernetes/client.ts";
import { textOf } from "../../../kubernetes/messages-file.ts";
import { outputsIn } from "../../../pulumi/state.ts";
import { UserError } from "../../../system/errors.ts";
import { createDurably } from "../../../system/files.ts";
import { backupNotMade, backupsOff, describeBackup } from "../../backups.ts";
import type { Call } from "../../command.ts";
import { describe } from "../../operation.ts";
import type { Output } from "../../output.ts";
import { callersPath } from "../../paths.ts";
import { openStack, requireNamespace, settingsOf } from "../../stack.ts";

/** Runs the command. */
export async function backup({ words, options, output }: Call): Promise<void> {
    const file = options.file === undefined ? undefined : callersPath(options.file);
    if (file !== undefined) {
        requireNewFile(file);
    }
    const open = await openStack(words[0], { mayStart: false, yes: false, output });
    const { stack, context, cluster, state } = open;
    const { namespaceName } = outputsIn(state, stack.name);
    const client = await Client.connect({ context, env: cluster.env });
    await requireNamespace(client, namespaceName, stack.name);
    if (file !== undefined) {
        await writeFile(new ChatApi(client, namespaceName), file, output);
        return;
    }
    const cronJob = await findCronJob(client, namespaceName);
    if (!cronJob) {
        throw new UserError(output.render([backupsOff(settingsOf(open))]));
    }
    output.info("Making a backup, and proving it: the api's own image starts on a copy of it ...");
    const end = await makeBackup(client, cronJob, "manual");
    if (!end.ok) {
        const failed = { ...end, namespace: namespaceName };
        throw new UserError(output.render([backupNotMade("manual", failed, [])]));
    }
    output.info(describeBackup(end.backup));
}

async function writeFile(api: ChatApi, file: string, output: Output): Promise<void> {
    const messages = await api.read();
    if (!createDurably(file, textOf(messages))) {
        throw existing(file);
    }
    output.info(`${describe(messages)}, in ${file}`);
}

/** Before anything else: a backup never replaces a file, which may be an earlier backup. */
function requireNewFile(file: string): void {
    if (existsSync(file)) {
        throw existing(file);
    }
    const folder = dirname(file);
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
        throw new UserError(`There is no folder ${folder} for the file of --file. Nothing was written.`);
    }
}

function existing(file: string): UserError {
    return new UserError(`${file} exists already, and --file never replaces a file. Name another one.`);
}
