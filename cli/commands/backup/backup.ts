/** `npm run backup -- [STACK] [--file PATH]`: a backup now, by a Job on the claim of the backups or in a file. */
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { render } from "../../../pods/database.ts";
import { UserError } from "../../../system/errors.ts";
import { createDurably } from "../../../system/files.ts";
import { makeProvenBackup, requireBackups } from "../../backups.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { describe } from "../../operation.ts";
import { callersPath } from "../../shell.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";

export const command = defineCommand({
    summary: "Makes a backup of the messages now.",
    words: [stackWord],
    options: {
        file: { type: "string", value: "PATH", text: "write a new file here instead, in both storage modes" },
    },
    details: [
        "Without --file, the backup is on the claim of the stack's backups, which needs backupSchedule. It is proven:",
        "the api's own image starts on a copy of it and must return as many messages. Of these backups, the newest 20 are",
        "kept. With --file, it is what the api returns, in the layout of the api's own file.",
        "A file that exists is never replaced.",
    ],
    run: async ({ words, options, output }) => {
        const file = options.file && callersPath(options.file);
        if (file) {
            requireNewFile(file);
        }
        const session = await openLiveStack(output, words[0]);
        const { namespaceName } = session.outputs;
        const made = file
            ? await writeFile(session, file)
            : requireBackups(await makeProvenBackup(session, namespaceName, "manual"), session);
        output.result(made);
    },
});

async function writeFile({ api, output }: LiveSession, file: string): Promise<object> {
    const messages = await api.read();
    if (!createDurably(file, render(messages))) {
        throw existing(file);
    }
    output.info(`${describe(messages)}, in ${file}`);
    return { file, messages: messages.length };
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
