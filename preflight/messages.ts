/** Messages that a change would lose, or leave in a claim that nothing mounts. */
import type { Settings } from "../config/settings.ts";
import type { ApiState } from "../kubernetes/chat-api.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, type Fix, error, fix, warning } from "../model/finding.ts";
import type { Operation } from "../model/labels.ts";
import { mountedClaim } from "../model/storage.ts";
import { type Cause, type Fate, type FatedClaim, heldBy, isKept, requestedClass, stays } from "./fates.ts";
import { countMessages } from "./text.ts";

/** While the api is out of its Service, its messages are about to be moved or replaced. */
export function interrupted(operation: Operation, ...first: readonly Fix[]): Finding {
    return operation === "switch"
        ? error(
              "switch-interrupted",
              "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.",
              ...first,
              fix("Complete or undo it", "npm run switch -- persistent"),
              fix("Or", "npm run switch -- ephemeral"),
          )
        : error(
              "restore-interrupted",
              "A restore of the messages was interrupted: the api is out of its Service, and nobody can post.",
              ...first,
              fix("See how to complete or undo it, on the machine on which it began", "npm run restore"),
          );
}

/** A switch or a restore that was interrupted, after which nothing else can be done. */
export function interruptedOperations(snapshot: ClusterSnapshot): readonly Finding[] {
    const place = [snapshot, ...snapshot.abandoned].find(({ api }) => api?.outOfService);
    if (!place?.api?.outOfService) {
        return [];
    }
    const goBack = fix("First go back", `pulumi config set namespace ${place.name}`);
    return [interrupted(place.api.outOfService, ...(place === snapshot ? [] : [goBack]))];
}

/** Namespaces whose claims the user may not list, so that nobody knows what would become of their data. */
export function unlistedClaims({ namespace }: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    const unlisted = [snapshot, ...snapshot.abandoned].filter(({ claims }) => claims === undefined);
    const ask = "Ask who runs the cluster for the permission to list persistentvolumeclaims there.";
    return unlisted.flatMap((place) => {
        if (place === snapshot) {
            const reason = `You may not list the claims in namespace ${place.name}, so it is unknown what would become of their data.`;
            // Otherwise the missing permission is named with all others.
            return snapshot.permissions ? [] : error("claims-unlisted", `${reason}\n${ask}`);
        }
        const reason = `Namespace ${place.name} would be deleted, because namespace is ${JSON.stringify(namespace)}, and you may not list the claims in it.`;
        const keep = fix("Keep the namespace", `pulumi config set namespace ${place.name}`);
        return isKept(place) ? [] : error("claims-unlisted", `${reason}\n${ask}`, keep);
    });
}

/** Claims that would be deleted with messages or backups, unless discardClaim names them. */
export function claimsThatWouldBeDeleted(
    settings: Settings,
    claims: readonly FatedClaim[],
): readonly Finding[] {
    return claims.flatMap((live) => {
        const { claim, owned, fate } = live;
        const held = heldBy(live);
        const isDeleted = fate.kind === "deleted" || fate.kind === "replaced";
        if (!isDeleted || held === undefined || claim.metadata.uid === settings.discardClaim) {
            return [];
        }
        return owned
            ? claimWouldBeDeleted(live, fate, held, settings)
            : foreignClaimWouldBeDeleted(live, fate);
    });
}

type Deletion = Extract<Fate, { readonly kind: "deleted" | "replaced" }>;

function foreignClaimWouldBeDeleted({ claim }: FatedClaim, deletion: Deletion): Finding {
    const { name, namespace = "" } = claim.metadata;
    const { cause } = deletion;
    return error(
        "foreign-claim-would-be-deleted",
        `Claim ${name} would be deleted with its namespace ${namespace}, ${because(deletion)}. This stack does not own the claim.`,
        cause && keepWithNextUp(cause),
        fix("Delete the claim", `kubectl delete pvc ${name} --namespace ${namespace}`),
    );
}

function claimWouldBeDeleted(
    { claim, use }: FatedClaim,
    deletion: Deletion,
    held: string,
    { protectData }: Settings,
): Finding {
    const { name, namespace = "", uid } = claim.metadata;
    const { cause } = deletion;
    return error(
        "claim-would-be-deleted",
        `Claim ${name} in namespace ${namespace} would be deleted with ${held}, ${because(deletion)}.`,
        cause && moveMessages(cause),
        cause && keepClaim(cause),
        fix(
            use === "backups" ? "Delete the backups" : "Delete the messages",
            protectData && "pulumi config set protectData false",
            protectData && "pulumi up",
            `pulumi config set discardClaim ${uid}`,
        ),
    );
}

function because({ kind, cause }: Deletion): string {
    if (cause) {
        return `because ${cause.key} is ${JSON.stringify(cause.value)}`;
    }
    return kind === "replaced"
        ? "because the program changes a field of it that cannot be changed"
        : "because the program gives the api a claim of another name";
}

/** How the messages come along with a change of a key. Undefined: they cannot. */
function moveMessages({ key, value, before }: Cause): Fix | undefined {
    const run: Partial<Record<Cause["key"], readonly string[]>> = {
        storageMode: ["npm run switch -- ephemeral"],
        storageClass: [
            configCommand(key, before),
            "npm run switch -- ephemeral",
            configCommand(key, value),
            "npm run switch -- persistent",
        ],
    };
    return run[key] && fix("Move the messages", ...run[key]);
}

/** How a claim stays. Undefined: it cannot. */
function keepClaim(cause: Cause): Fix | undefined {
    switch (cause.key) {
        case "storageClass":
            return undefined; // a claim that is kept keeps its name, so no claim of another class could take its place
        case "storageMode":
            return fix("Keep the claim", "pulumi config set retainData true");
        case "backupSchedule":
            return fix(
                "Keep the claim",
                configCommand(cause.key, cause.before),
                "pulumi config set backupSuspend true",
            );
        default:
            return keepWithNextUp(cause);
    }
}

function keepWithNextUp({ key, value, before }: Cause): Fix {
    return fix(
        "Keep the claim",
        configCommand(key, before),
        "pulumi config set retainData true",
        "pulumi up",
        configCommand(key, value),
    );
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
): readonly Finding[] {
    return [...snapshot.abandoned, snapshot].flatMap((place) => {
        const isHere = place === snapshot;
        const held =
            place.api?.claim === undefined ? messagesOf(place.api, " on ephemeral storage") : undefined;
        const loss = isHere
            ? lossHere(settings, snapshot, claims)
            : `in namespace ${place.name} would be lost: the stack moves to namespace ${settings.namespace}.`;
        if (held === undefined || loss === undefined) {
            return [];
        }
        return warning(
            "ephemeral-messages-would-be-lost",
            `${held} ${loss}`,
            isHere
                ? fix("Move them to a claim", "npm run switch -- persistent")
                : fix("Keep them", `pulumi config set namespace ${place.name}`),
        );
    });
}

/** How messages on the pod's volume would be lost, as the rest of a sentence. Undefined: the pod stays. */
function lossHere(
    { storage }: Settings,
    snapshot: ClusterSnapshot,
    claims: readonly FatedClaim[],
): string | undefined {
    const mounted = mountedClaim(storage);
    if (mounted !== undefined) {
        const isThere = claims.some(
            (one) =>
                one.place === snapshot &&
                one.claim.metadata.name === mounted &&
                (stays(one) || "existingClaim" in storage),
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

/** Claims that stay with messages, while the api no longer mounts them. */
export function keptClaimsNotMounted(settings: Settings, claims: readonly FatedClaim[]): readonly Finding[] {
    return claims.flatMap(({ claim, place, fate, mounted }) => {
        const { name } = claim.metadata;
        const isHere = place.name === settings.namespace;
        const isMountedAgain = isHere && name === mountedClaim(settings.storage);
        const remains =
            fate.kind === "declared" || fate.kind === "foreign" || (fate.kind === "kept" && !isHere);
        const held = messagesOf(place.api);
        if (!mounted || !remains || held === undefined || isMountedAgain) {
            return [];
        }
        // The namespace was kept for this claim as long as existingClaim named it.
        const isDeletedLater = isHere && fate.kind === "foreign" && !settings.retainNamespace;
        const existing = fate.kind === "foreign" ? `set existingClaim ${name}` : "rm existingClaim";
        return warning(
            "kept-claim-not-mounted",
            `${held} stay in claim ${name}, which the api does not mount any more.` +
                (isDeletedLater ? " From now on, a destroy deletes the claim with its namespace." : ""),
            isHere
                ? fix(
                      "Mount it again",
                      "pulumi config set storageMode persistent",
                      `pulumi config ${existing}`,
                  )
                : fix("Mount it again", `pulumi config set namespace ${place.name}`),
            isDeletedLater && keepOnDestroy,
        );
    });
}

const keepOnDestroy = fix("Keep it on destroy", "pulumi config set retainData true");

/** A discardClaim that was meant for one change and would apply to the next one as well. */
export function staleDiscardClaim({ discardClaim }: Settings, claims: readonly FatedClaim[]): Found {
    const named = claims.find(({ claim }) => claim.metadata.uid === discardClaim);
    if (!named || !stays(named)) {
        return [];
    }
    return warning(
        "discard-claim-stale",
        `discardClaim names claim ${named.claim.metadata.name}, which stays. A later change would delete its messages without a question.`,
        fix("Remove it", "pulumi config rm discardClaim"),
    );
}

/** Claims with messages that are kept (retainData) and that the config no longer declares. */
export function undeclaredClaims(
    { namespace, storage, retainNamespace }: Settings,
    claims: readonly FatedClaim[],
): readonly Finding[] {
    return claims.flatMap((live) => {
        const { claim, place, use, fate } = live;
        const { name } = claim.metadata;
        const held = heldBy(live);
        const isKeptHere = place.name === namespace && fate.kind === "kept" && name !== mountedClaim(storage);
        if (!isKeptHere || use !== "messages" || held === undefined) {
            return [];
        }
        return warning(
            "kept-claim-undeclared",
            `Claim ${name} stays in namespace ${namespace} with ${held}, and the stack no longer manages it. ` +
                (retainNamespace ? "Only you can delete it." : "A destroy deletes it with the namespace."),
            fix(
                "Mount it again",
                "pulumi config set storageMode persistent",
                "pulumi config rm existingClaim",
                configCommand("storageClass", requestedClass(claim)),
            ),
            !retainNamespace && keepOnDestroy,
        );
    });
}

/** What an api has, as the subject of a sentence. Undefined: nothing. */
function messagesOf(api: ApiState | undefined, where = ""): string | undefined {
    if (!api || api.messages === 0) {
        return undefined;
    }
    return api.messages === undefined
        ? `Messages${where} that cannot be counted, because the api does not answer,`
        : `The api's ${countMessages(api.messages)}${where}`;
}
