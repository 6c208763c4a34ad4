/** `npm run backups -- [STACK]`: lists the backups, the newest first. */
import { type PlacedBackup, listBackups } from "../../../kubernetes/backups.ts";
import { readNamespace } from "../../../kubernetes/snapshot.ts";
import { missingBackups } from "../../../preflight/backups.ts";
import { requireBackups, unreadableTarget } from "../../backups.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { type LiveSession, openLiveStack } from "../../session.ts";

export const command = defineCommand({
    summary: "Lists the backups: time, messages, size, reason, whether proven, places, and name.",
    words: [stackWord],
    options: {},
    details: [
        "A pod that mounts their claim reads them, so this takes some seconds. The newest backup is the first.",
        "The exit status is 1 if the last backup or its copy to backupTarget failed, if the newest scheduled one is overdue,",
        "or if the target cannot be read.",
    ],
    run: async ({ words, output }) => {
        await backups(await openLiveStack(output, words[0], { access: "read" }));
    },
});

async function backups(session: LiveSession): Promise<void> {
    const { stack, client, outputs, settings, output } = session;
    const { namespaceName } = outputs;
    const found = requireBackups(await listBackups(client, namespaceName), session);
    const { backups: listed } = found;
    const missing = [
        ...missingBackups(settings, await readNamespace(client, namespaceName, "data")),
        ...unreadableTarget(found),
    ];
    process.exitCode = missing.length > 0 ? 1 : 0;
    output.findings(missing);
    const age = (time: string) => Math.round((Date.now() - Date.parse(time)) / 1000);
    output.result(listed.map((backup) => ({ ...backup, ageSeconds: age(backup.time) })));
    if (listed.length === 0) {
        output.info("There are no backups yet.");
    } else {
        output.info(`\n${table(listed)}\n`);
        output.info(`Restore one:  npm run restore -- ${listed[0]?.name ?? ""} ${stack.name}`);
    }
}

/** A line for each backup, in columns. */
function table(backups: readonly PlacedBackup[]): string {
    const rows = [
        ["TIME", "MESSAGES", "SIZE", "REASON", "PROVEN", "PLACES", "NAME"],
        ...backups.map(({ name, time, size, messages, reason, proven, places }) => [
            time,
            String(messages),
            `${(size / 1024).toFixed(1)} KiB`,
            reason,
            proven ? "yes" : "no",
            places.join(", "),
            name,
        ]),
    ];
    const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
    const padded = (cell: string, column: number) => cell.padEnd(width(column));
    return rows.map((row) => row.map(padded).join("  ").trimEnd()).join("\n");
}
