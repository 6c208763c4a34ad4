/** `npm run backups -- [STACK] [--json]`: lists the backups, the newest first. */
import { type Backup, hasBackups, listBackups } from "../../../kubernetes/backups.ts";
import { Client } from "../../../kubernetes/client.ts";
import { outputsIn } from "../../../pulumi/state.ts";
import { UserError } from "../../../system/errors.ts";
import { backupsOff } from "../../backups.ts";
import type { Call } from "../../command.ts";
import { openStack, requireNamespace, settingsOf } from "../../stack.ts";

/** Runs the command. */
export async function backups({ words, flags, output }: Call): Promise<void> {
    const open = await openStack(words[0], { mayStart: false, yes: false, output });
    const { stack, context, cluster, state } = open;
    const { namespaceName } = outputsIn(state, stack.name);
    const settings = settingsOf(open);
    const client = await Client.connect({ context, env: cluster.env });
    await requireNamespace(client, namespaceName, stack.name);
    if (!(await hasBackups(client, namespaceName))) {
        throw new UserError(output.render([backupsOff(settings)]));
    }
    const found = await listBackups(client, namespaceName, settings.images.tools);
    if (flags.has("json")) {
        output.result(found);
    } else if (found.length === 0) {
        output.info("There are no backups yet.");
    } else {
        output.info(`\n${table(found)}\n`);
        output.info(`Restore one:  npm run restore -- ${found[0]?.name ?? ""} ${stack.name}`);
    }
}

/** A line for each backup, in columns. */
export function table(backups: readonly Backup[]): string {
    const rows = [
        ["TIME", "MESSAGES", "SIZE", "REASON", "PROVEN", "NAME"],
        ...backups.map(({ name, time, size, messages, reason, proven }) => [
            time,
            String(messages),
            sizeOf(size),
            reason,
            proven ? "yes" : "no",
            name,
        ]),
    ];
    const widths = (rows[0] ?? []).map((_, column) =>
        Math.max(...rows.map((row) => (row[column] ?? "").length)),
    );
    return rows
        .map((row) =>
            row
                .map((cell, column) => cell.padEnd(widths[column] ?? 0))
                .join("  ")
                .trimEnd(),
        )
        .join("\n");
}

function sizeOf(bytes: number): string {
    return bytes < 1024
        ? `${bytes} B`
        : bytes < 1024 ** 2
          ? `${(bytes / 1024).toFixed(1)} KiB`
          : `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
}
