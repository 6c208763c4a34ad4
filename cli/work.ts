/** What a switch and a restore work with on a live stack. */
import { systemClock } from "../kubernetes/poll.ts";
import type { Operation } from "../model/labels.ts";
import { dataFolder } from "../pulumi/login.ts";
import { localDisk } from "../system/files.ts";
import { findAddress } from "./addresses.ts";
import { journalPath } from "./journal.ts";
import type { OperationWork } from "./operation.ts";
import type { LiveSession } from "./session.ts";

/** @param backUp makes a backup of what is there. */
export async function workOf(
    session: LiveSession,
    operation: Operation,
    backUp: OperationWork["backUp"],
): Promise<OperationWork> {
    const { stack, api, output } = session;
    return {
        api,
        output,
        clock: systemClock,
        disk: localDisk,
        stack: stack.name,
        path: journalPath(dataFolder(stack.env), operation, await api.installation()),
        backUp,
        findAddress: () => findAddress(session),
        atFailure: (say) => {
            process.on("exit", (status) => {
                if (status !== 0) {
                    say();
                }
            });
        },
    };
}
