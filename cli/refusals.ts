/** Why a switch or a restore must not begin, or must not go on. Pure: every finding has a unit test. */
import type { Settings } from "../config/settings.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { type Operation, outOfServiceLabel } from "../model/labels.ts";
import { claimName, serviceName } from "../model/names.ts";
import type { StorageMode } from "../model/storage.ts";
import { countMessages } from "../preflight/text.ts";
import { type StateResource, guardedTypes } from "../pulumi/state.ts";
import type { Source } from "./commands/restore/source.ts";
import { shellWord } from "./shell.ts";

/** @param pid process ID of the other run. Undefined: it is not known yet. */
export function runningOperation(operation: Operation, pid: number | undefined): Finding {
    const process = pid === undefined ? "" : ` (process ${pid})`;
    return error(
        `${operation}-running`,
        `Another ${operation} of this stack is running${process}. Wait until it has ended.`,
    );
}

/** A switch or a restore whose file with the messages is elsewhere. `again` completes it there. */
export function begunElsewhere(
    operation: Operation,
    elsewhere: { readonly namespace: string; readonly journal: string; readonly again: string },
): Finding {
    const { namespace, journal, again } = elsewhere;
    const service = serviceName("api");
    const selector = outOfServiceLabel.replace("/", "~1");
    const patch = `[{"op":"remove","path":"/spec/selector/${selector}"}]`;
    return error(
        `${operation}-begun-elsewhere`,
        `A ${operation} of this stack that began elsewhere is not complete. Until then, nobody can post.\n` +
            `The file with the messages: ${journal}`,
        fix("Complete it, on that machine", again),
        fix(
            "If that file is lost",
            `kubectl patch service ${service} --namespace ${namespace} --type=json --patch='${patch}'`,
            again,
        ),
    );
}

/** Messages that were posted after the copy was made: the api has more than the copy. */
export function lateMessages(copied: number, now: number): Finding | undefined {
    return now <= copied
        ? undefined
        : error(
              "messages-posted-past-service",
              `The api has ${countMessages(now)}, and the copy has ${copied}: somebody posts without the Service, ` +
                  "for example through kubectl port-forward or a connection that was open before. End that, then run the command again.",
          );
}

/** The claim that the api mounts is protected, in the config or in the state, and a switch to ephemeral deletes it. */
export function protectedClaim(
    { storage, protectData, retainData }: Pick<Settings, "storage" | "protectData" | "retainData">,
    mounted: string | undefined,
    state: readonly StateResource[],
): Finding | undefined {
    const isDeleted = storage.mode === "ephemeral" && mounted === claimName && !retainData;
    const isRecorded = state.some(({ type, protect }) => type === guardedTypes.claim && protect === true);
    if (!isDeleted || (!protectData && !isRecorded)) {
        return undefined;
    }
    const again = "npm run switch -- ephemeral";
    return error(
        "data-protected",
        `Claim ${claimName} is protected (protectData), and a switch to ephemeral storage deletes the claim after it has copied the messages.`,
        fix("Keep the claim", "pulumi config set retainData true", again),
        fix("Delete the claim", "pulumi config set protectData false", "npm run up", again),
    );
}

/** The command that restores this, whatever is selected, without a question. */
export function restoreCommand(
    { stack }: { readonly stack: string | undefined },
    { named, first }: Source,
): string {
    const messages = first === undefined ? [] : ["--messages", first];
    return [
        "npm run restore --",
        shellWord(named),
        ...(stack === undefined ? [] : [stack]),
        ...messages,
        "--yes",
    ].join(" ");
}

export function interruptedRestore(entries: {
    readonly stack: string;
    readonly source: Source;
    readonly copy: string;
}): Finding {
    const { stack, source, copy } = entries;
    return error(
        "restore-interrupted",
        `A restore of stack ${stack} was interrupted, and nobody can post until it is complete. It restores ${source.named}.`,
        fix("Complete it", restoreCommand(entries, source)),
        fix("Go back to what it replaces", restoreCommand(entries, { named: copy })),
    );
}

/** An api whose file nothing can read and replace. */
export function noShell(operation: Operation, image: string, mode: StorageMode): Finding {
    // A change of the image replaces the pod, and ephemeral storage is deleted with it.
    const isLost = mode === "ephemeral";
    return error(
        `${operation}-needs-shell`,
        `Image ${image} has no shell, and a ${operation} replaces the api's file through the shell of the image. Nothing was changed.`,
        fix(
            "Use an image with a shell",
            isLost && "npm run backup -- --file messages.json",
            "pulumi config set --path images.api bootdotdev/synergychat-api:latest",
            "npm run up",
            isLost && "npm run restore -- messages.json",
        ),
    );
}
