/** Messages that a change would lose, or leave in a claim that nothing mounts. */
import type { Settings } from "../config/settings.ts";
import type { TakenOut } from "../kubernetes/chat-api.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, type Fix, error, fix, warning } from "../model/finding.ts";
import { type Operation, outOfServiceLabel, protectAnnotation, retainAnnotation } from "../model/labels.ts";
import { claimName, serviceName } from "../model/names.ts";
import { type StorageMode, mountedClaim } from "../model/storage.ts";
import { type StateResource, ownClaim } from "../pulumi/state.ts";
import { type Cause, type Fate, type FatedClaim, heldBy, requestedClass, stays } from "./fates.ts";
import { countMessages } from "./text.ts";

/**
 * While the api is out of its Service, its messages are about to be moved or replaced.
 *
 * @param again what completes a restore, if that is known.
 */
export function interrupted({ by, namespace, journal }: TakenOut, again?: string): Finding {
    const copy = journal.replace(/^[^:]*:(.*) \(process \d+\)$/, "$1");
    const patch = JSON.stringify({ spec: { selector: { [outOfServiceLabel]: null } } });
    const ways =
        by === "switch"
            ? [
                  fix("Go on with persistent storage", "npm run switch -- persistent"),
                  fix("Go on with ephemeral storage", "npm run switch -- ephemeral"),
              ]
            : [
                  fix(
                      again === undefined ? "Complete it, with the same NAME or FILE" : "Complete it",
                      again ?? "npm run restore -- NAME",
                  ),
                  fix("Go back to what it replaces", `npm run restore -- '${copy}'`),
              ];
    return error(
        `${by}-interrupted`,
        `A ${by} was interrupted: the api is out of its Service, and nobody can post.\n` +
            `Go on with it on the machine that has the copy of the messages: ${journal}`,
        ...ways,
        fix(
            "If that copy is lost, put the api back",
            `kubectl patch service ${serviceName("api")} --namespace ${namespace} --type=merge --patch='${patch}'`,
        ),
    );
}

/** A claim that would be deleted with messages or backups, unless discardClaim names it. */
export function claimWouldBeDeleted(live: FatedClaim, { discardClaim, protectData }: Settings): Found {
    const { claim, use, fate } = live;
    const { name, namespace = "", uid } = claim.metadata;
    const held = heldBy(live);
    const isDeleted = fate.kind === "deleted" || fate.kind === "replaced";
    if (!isDeleted || held === undefined || uid === discardClaim) {
        return [];
    }
    return error(
        "claim-would-be-deleted",
        `Claim ${name} in namespace ${namespace} would be deleted with ${held}, ${because(fate)}.`,
        ...(fate.cause ? waysToKeep(fate.cause) : []),
        fix(
            use === "backups" ? "Delete the backups" : "Delete the messages",
            ...(protectData ? unprotect : []),
            `pulumi config set discardClaim ${uid}`,
        ),
    );
}

/** An up alone would be refused as well, and Pulumi deletes nothing that its state protects. The next up protects the rest again. */
export const unprotect = [
    "pulumi config set protectData false",
    "pulumi state unprotect --all --yes",
] as const;

/** The claim that the api mounts is protected, in the config or in the state, and a switch to ephemeral deletes it. */
export function protectedClaim(
    { storage, protectData, retainData }: Pick<Settings, "storage" | "protectData" | "retainData">,
    mounted: string | undefined,
    state: readonly StateResource[],
): Finding | undefined {
    const isProtected = protectData || ownClaim(state)?.protect === true;
    if (storage.mode === "persistent" || mounted !== claimName || retainData || !isProtected) {
        return undefined;
    }
    const again = "npm run switch -- ephemeral";
    return error(
        "data-protected",
        `Claim ${claimName} is protected (protectData), and a switch to ephemeral storage deletes the claim after it has copied the messages.`,
        fix("Keep the claim", "pulumi config set retainData true", again),
        fix("Delete the claim", ...unprotect, again),
    );
}

/** A switch or a restore reads and replaces the api's file through the shell of the image. */
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

function because({ kind, cause }: Extract<Fate, { readonly kind: "deleted" | "replaced" }>): string {
    if (cause) {
        return `because ${cause.key} is ${JSON.stringify(cause.value)}`;
    }
    return kind === "replaced"
        ? "because the program changes a field of it that cannot be changed"
        : "because the program gives the api a claim of another name";
}

/** The ways to keep what the claim holds. */
function waysToKeep({ key, value, before }: Cause): readonly Fix[] {
    const [back, again] = [configCommand(key, before), configCommand(key, value)];
    const retain = "pulumi config set retainData true";
    const [move, keep] = ["Move the messages", "Keep the claim"];
    const stay = fix("Leave the claim as it is", back);
    const through = fix(move, back, "npm run switch -- ephemeral", again, "npm run switch -- persistent");
    return {
        storageMode: [stay, fix(move, "npm run switch -- ephemeral"), fix(keep, retain)],
        // A claim that is kept keeps its name, so no other claim could take its place.
        storageClass: [stay, through],
        accessMode: [stay, through],
        backupSchedule: [fix(keep, back, "pulumi config set backupSuspend true")],
        existingClaim: [stay, fix(keep, back, retain, "pulumi up", again)],
    }[key];
}

function configCommand(key: string, value: string): string {
    const word = value.includes(" ") ? `'${value}'` : value;
    return value === "" ? `pulumi config rm ${key}` : `pulumi config set ${key} ${word}`;
}

/** Ephemeral messages that would be lost. */
export function ephemeralMessages(
    settings: Settings,
    snapshot: ClusterSnapshot,
    claims: readonly FatedClaim[],
): Found {
    const { api } = snapshot;
    const loss = lossOf(settings, snapshot, claims);
    if (!api || api.claim !== undefined || api.messages === 0 || loss === undefined) {
        return [];
    }
    const held =
        api.messages === undefined
            ? "Messages on ephemeral storage that cannot be counted, because the api does not answer,"
            : `The api's ${countMessages(api.messages)} on ephemeral storage`;
    return warning(
        "ephemeral-messages-would-be-lost",
        `${held} ${loss}`,
        fix("Move them to a claim", "npm run switch -- persistent"),
    );
}

/** How messages on the pod's volume would be lost, as the rest of a sentence. Undefined: the pod stays. */
function lossOf(
    { storage }: Settings,
    snapshot: ClusterSnapshot,
    claims: readonly FatedClaim[],
): string | undefined {
    const mounted = mountedClaim(storage);
    if (mounted !== undefined) {
        const isThere = claims.some(
            (one) => one.claim.metadata.name === mounted && (stays(one) || "existingClaim" in storage),
        );
        return isThere
            ? `would be lost: the api mounts claim ${mounted}, with what that holds.`
            : "would be lost: persistent storage starts empty.";
    }
    const { apiPodChanges: changes } = snapshot;
    if (changes === undefined) {
        return "may be lost: the cluster does not tell whether the api's pod is replaced.";
    }
    const shown = changes.map((field) => field.replace(/^template\./, "")).slice(0, 3);
    const more = changes.length > shown.length ? ", ..." : "";
    return changes.length === 0
        ? undefined
        : `would be lost: the api's pod is replaced, because its template changes (${shown.join(", ")}${more}).`;
}

/** A claim that stays with messages while the api does not mount it. */
export function claimNotMounted(live: FatedClaim, { storage, retainNamespace }: Settings): Found {
    const { claim, fate, use, mounted } = live;
    const { name } = claim.metadata;
    const held = heldBy(live);
    // A claim that the stack still declares, or that somebody else made, is named once: when the api leaves it.
    const isLeft =
        fate.kind === "kept"
            ? use === "messages"
            : mounted && (fate.kind === "declared" || fate.kind === "foreign");
    if (!isLeft || held === undefined || name === mountedClaim(storage)) {
        return [];
    }
    return warning(
        "kept-claim-not-mounted",
        `Claim ${name} stays with ${held}, and the api does not mount it.` +
            (retainNamespace ? "" : " A destroy deletes it with the namespace."),
        fix(
            "Mount it again",
            "pulumi config set storageMode persistent",
            `pulumi config ${fate.kind === "foreign" ? `set existingClaim ${name}` : "rm existingClaim"}`,
            fate.kind === "kept" && configCommand("storageClass", requestedClass(claim)),
        ),
        !retainNamespace && fix("Keep it on destroy", "pulumi config set retainData true"),
    );
}

/** A discardClaim that was meant for one change and would apply to the next one as well. */
export function staleDiscardClaim(live: FatedClaim, { discardClaim }: Settings): Found {
    const { name, uid } = live.claim.metadata;
    if (uid !== discardClaim || !stays(live)) {
        return [];
    }
    return warning(
        "discard-claim-stale",
        `discardClaim names claim ${name}, which stays. A later change would delete its messages without a question.`,
        fix("Remove it", "pulumi config rm discardClaim"),
    );
}

/** Keys that have kept a claim with messages so far, and that the config no longer sets: a fresh clone does not have them. */
export function removedProtection(live: FatedClaim, settings: Settings): readonly Finding[] {
    const { name, annotations = {} } = live.claim.metadata;
    const held = stays(live) ? heldBy(live) : undefined;
    return protections
        .filter(([key, annotation]) => held && annotations[annotation] === "true" && !settings[key])
        .map(([key, , effect]) =>
            warning(
                "protection-removed",
                `${key} is false, and it has been true for claim ${name} with ${held ?? ""}. From this update on, ${effect}.`,
                fix("Keep it as it was", `pulumi config set ${key} true`),
            ),
        );
}

const protections = [
    ["retainData", retainAnnotation, "a destroy deletes the claim"],
    ["protectData", protectAnnotation, "Pulumi no longer refuses to delete the claim"],
] as const;
