/** `npm run backups -- [STACK]`: lists the backups, the newest first. */
import { type PlacedBackup, listBackups } from "../../../kubernetes/backups.ts";
import { readNamespace } from "../../../kubernetes/snapshot.ts";
import { missingBackups, unreadableTarget } from "../../../preflight/backups.ts";
import { requireBackups } from "../../backups.ts";
import { defineCommand, stackWord } from "../../command.ts";
import { openLiveStack } from "../../session.ts";

export const command = defineCommand({
    summary: "Lists the backups: time, messages, size, reason, whether proven, places, and name.",
    words: [stackWord],
    options: {},
    details: [
        "A pod that mounts their claim reads them, so this takes some seconds. The newest backup is the first.",
        "The exit status is 1 if the last backup or its copy to backupTarget failed, if the newest scheduled one is overdue,",
        "or if the target cannot be read.",
    ],
    run: async ({ words: [named], output }) => {
        const session = await openLiveStack(output, named);
        const { stack, client, outputs, settings } = session;
        const { namespaceName } = outputs;
        const found = requireBackups(await listBackups(client, namespaceName), session);
        const { objects } = await readNamespace(client, namespaceName, "data");
        const missing = [...missingBackups(settings, { objects }), ...unreadableTarget(found)];
        process.exitCode = missing.length > 0 ? 1 : 0;
        output.findings(missing);
        const age = (time: string) => Math.round((Date.now() - Date.parse(time)) / 1000);
        output.result(found.backups.map((backup) => ({ ...backup, ageSeconds: age(backup.time) })));
        const [newest] = found.backups;
        const restore = `Restore one:  npm run restore -- ${newest?.name ?? ""} ${stack.name}`;
        output.info(newest ? `\n${table(found.backups)}\n\n${restore}` : "There are no backups yet.");
    },
});

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
