/** `npm run backup`: a backup now, on the claim of the backups, or as a file of this machine in both storage modes. */
import { existsSync } from "node:fs";
import { Backups } from "../../../kubernetes/backups";
import { ChatApi } from "../../../kubernetes/chat-api";
import { Client } from "../../../kubernetes/client";
import { countMessages } from "../../../preflight/text";
import { outputsIn } from "../../../pulumi/state";
import { UserError } from "../../../system/errors";
import { writePrivately } from "../../../system/files";
import type { Call } from "../../command";
import { openStack, requireNamespace } from "../../stack";

/** Runs the command. */
export async function backup({ words, values, output }: Call): Promise<void> {
    const open = await openStack(words[0], { mayStart: false, yes: false, output });
    const { stack, context, cluster, state } = open;
    const { namespaceName, storageMode } = outputsIn(state, stack.name);
    const client = await Client.connect({ context, env: cluster.env });
    await requireNamespace(client, namespaceName, stack.name);
    const file = values.get("file");
    if (file !== undefined) {
        const count = await saveToFile(new ChatApi(client, namespaceName), file);
        output.info(`${countMessages(count)} saved in ${file}.`);
        return;
    }
    const backups = storageMode === "persistent" ? await Backups.find(client, namespaceName) : undefined;
    if (!backups) {
        throw new UserError(
            `Stack ${stack.name} makes no backups: ${storageMode === "persistent" ? "backupSchedule is not set" : "its storage is ephemeral"}.\n` +
                `  Save the messages in a file:  npm run backup -- ${stack.name} --file PATH\n` +
                "  Make backups from now on:     pulumi config set backupSchedule @daily",
        );
    }
    output.info("Copying the messages, and starting the api on the copy to prove it ...");
    const { name, messages } = await backups.make("manual");
    output.info(`${name}: ${countMessages(messages)}, proven.`);
}

/** Never over another file. */
async function saveToFile(api: ChatApi, file: string): Promise<number> {
    if (existsSync(file)) {
        throw new UserError(`There is a file ${file} already. Name another one.`);
    }
    const messages = await api.read();
    writePrivately(file, JSON.stringify(messages, undefined, 2));
    return messages.length;
}
