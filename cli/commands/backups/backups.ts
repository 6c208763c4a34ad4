/** `npm run backups -- [STACK] [--json]`: lists the backups, the newest first. */
import { listBackups } from "../../../kubernetes/backups.ts";
import { readNamespace } from "../../../kubernetes/snapshot.ts";
import type { Backup } from "../../../pods/backups.ts";
import { missingBackups } from "../../../preflight/backups.ts";
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
        "The exit status is 1 if the last backup failed, or if the newest scheduled one is overdue.",
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
    const missing = missingBackups(settings, await readNamespace(client, namespaceName, "data"));
    process.exitCode = missing.length > 0 ? 1 : 0;
    output.findings(missing);
    if (json) {
        const age = (time: string) => Math.round((Date.now() - Date.parse(time)) / 1000);
        output.result(found.map((backup) => ({ ...backup, ageSeconds: age(backup.time) })));
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
