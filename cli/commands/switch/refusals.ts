/** Why a switch must not begin, or must not go on. Pure: every finding has a unit test. */
import type { Settings } from "../../../config/settings.ts";
import { type Finding, error, fix } from "../../../model/finding.ts";
import { claimName } from "../../../model/names.ts";
import type { StorageMode } from "../../../model/storage.ts";
import type { Message } from "../../../pods/database.ts";
import { countMessages } from "../../../preflight/text.ts";
import { type StateResource, guardedTypes } from "../../../pulumi/state.ts";
import { answered } from "../../messages.ts";
import { useImageWithShell } from "../../refusals.ts";

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

/** Messages that cannot be posted again, for an api whose file cannot be written instead. */
export function answeredMessages(messages: readonly Message[], mode: StorageMode): Finding | undefined {
    const found = answered(messages);
    const [first] = found;
    return (
        first &&
        error(
            "messages-answered",
            `${countMessages(found.length)} with the command /stats cannot be moved, for example ${JSON.stringify(first.Text)}. ` +
                "The api answers such a message with a message of its own, so posting it again would add a message, " +
                "and the api's image has no shell through which its file could be written instead.",
            mode === "persistent" &&
                fix("Use an image with a shell", ...useImageWithShell, "npm run switch -- ephemeral"),
        )
    );
}
