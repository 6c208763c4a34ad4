/** `npm run backups`: every backup of the stack, the newest first. */
import { Backups } from "../../../kubernetes/backups";
import { Client } from "../../../kubernetes/client";
import { outputsIn } from "../../../pulumi/state";
import { UserError } from "../../../system/errors";
import type { Call } from "../../command";
import { openStack, requireNamespace } from "../../stack";

/** Runs the command. */
export async function listBackups({ words, flags, output }: Call): Promise<void> {
    const { stack, context, cluster, state } = await openStack(words[0], {
        mayStart: false,
        yes: false,
        output,
    });
    const { namespaceName } = outputsIn(state, stack.name);
    const client = await Client.connect({ context, env: cluster.env });
    await requireNamespace(client, namespaceName, stack.name);
    const backups = await Backups.find(client, namespaceName);
    if (!backups) {
        throw new UserError(
            `Stack ${stack.name} makes no backups: backupSchedule is not set.\n` +
                "  Make backups from now on:  pulumi config set backupSchedule @daily",
        );
    }
    const all = await backups.list();
    if (flags.has("json")) {
        output.result(all);
        return;
    }
    const rows = all.map(({ time, size, messages, reason, proven, name }) => [
        time,
        `${size} B`,
        String(messages),
        reason,
        proven ? "proven" : "not proven",
        name,
    ]);
    output.table(["time", "size", "messages", "reason", "proof", "name"], rows);
    output.info(
        all.length === 0
            ? "\nThere is no backup yet."
            : `\nRestore one:  npm run restore -- NAME ${stack.name}`,
    );
}
