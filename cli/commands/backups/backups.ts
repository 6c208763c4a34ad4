/** `npm run backups -- [STACK] [--json]`: lists the backups, the newest first. */
import { listBackups } from "../../../kubernetes/backups.ts";
import type { Backup } from "../../../pods/backups.ts";
import { UserError } from "../../../system/errors.ts";
import { backupsOff } from "../../backups.ts";
import { defineCommand, jsonFlag, stackWord } from "../../command.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";

export const command = defineCommand({
    summary: "Lists the backups: time, messages, size, reason, whether proven, and name.",
    words: [stackWord],
    flags: jsonFlag,
    details: [
        "A pod that mounts their claim reads them, so this takes some seconds. The newest backup is the first.",
    ],
    run: async ({ words, flags, output }) => {
        await backups(await openLiveStack(output, words[0], { access: "read" }), flags.json);
    },
});

async function backups(session: LiveSession, json: boolean): Promise<void> {
    const { stack, client, outputs, settings, output } = session;
    const { namespaceName } = outputs;
    const found = await listBackups(client, namespaceName);
    if (!found) {
        throw new UserError(output.render([backupsOff(settings)]));
    }
    if (json) {
        output.result(found);
    } else if (found.length === 0) {
        output.info("There are no backups yet.");
    } else {
        output.info(`\n${table(found)}\n`);
        output.info(`Restore one:  npm run restore -- ${found[0]?.name ?? ""} ${stack.name}`);
    }
}

/** A line for each backup, in columns. */
function table(backups: readonly Backup[]): string {
    const rows = [
        ["TIME", "MESSAGES", "SIZE", "REASON", "PROVEN", "NAME"],
        ...backups.map(({ name, time, size, messages, reason, proven }) => [
            time,
            String(messages),
            `${(size / 1024).toFixed(1)} KiB`,
            reason,
            proven ? "yes" : "no",
            name,
        ]),
    ];
    const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
    const padded = (cell: string, column: number) => cell.padEnd(width(column));
    return rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}
