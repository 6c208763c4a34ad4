/** What becomes of each live claim with the next update. That is decided here, once, and every rule reads it. */
import type { Settings } from "../config/settings.ts";
import { isSame } from "../kubernetes/dry-run.ts";
import type { Claim } from "../kubernetes/objects.ts";
import type { ClusterSnapshot, NamespaceSnapshot } from "../kubernetes/snapshot.ts";
import { classAnnotation } from "../model/labels.ts";
import { backupsClaimName, claimName } from "../model/names.ts";
import { type Owners, isOwned, isRetained } from "../model/ownership.ts";
import { type ClaimArgs, declaredClaim, mountedClaim } from "../model/storage.ts";
import { cronJobIn } from "./backups.ts";
import { countMessages } from "./text.ts";

/** A claim in a namespace of the stack. */
export interface LiveClaim {
    readonly claim: Claim;
    /** The namespace that it is in. */
    readonly place: NamespaceSnapshot;
    readonly owned: boolean;
    /** What the stack uses it for. */
    readonly use: Use | "other";
    /** Whether the api of its namespace mounts it. */
    readonly mounted: boolean;
}

/** What the stack makes claims for. */
export type Use = "messages" | "backups";

export type FatedClaim = LiveClaim & { readonly fate: Fate };

export type Fate =
    /** The stack declares it like this, and the api mounts it. */
    | { readonly kind: "mounted"; readonly args: ClaimArgs }
    /** The stack declares it like this, and the api does not mount it: it holds the backups, or it is only kept. */
    | { readonly kind: "declared"; readonly args: ClaimArgs }
    /** The stack no longer declares it, and it stays (retainData). */
    | { readonly kind: "kept" }
    /** It stays (retainData), and has the name of the claim of another class or access mode that the stack declares. */
    | { readonly kind: "in-the-way"; readonly cause: Cause }
    /** It is deleted, and a new claim takes its place. Undefined: the program changes a field that cannot be changed. */
    | { readonly kind: "replaced"; readonly cause: Cause | undefined }
    /** It is deleted. Undefined: no config key says why. */
    | { readonly kind: "deleted"; readonly cause: Cause | undefined }
    /** Somebody has deleted it: it is gone as soon as no pod mounts it. */
    | { readonly kind: "terminating" }
    /** The stack does not make it, and leaves it alone. */
    | { readonly kind: "foreign" };

/** A change of a config key. Empty: its default. */
export interface Cause {
    readonly key: "backupSchedule" | "storageMode" | "existingClaim" | "storageClass" | "accessMode";
    readonly value: string;
    /** What the key said while the claim was declared. */
    readonly before: string;
}

/** Every claim in the stack's namespace. */
export function fatesOf(
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): readonly FatedClaim[] {
    return liveClaims(snapshot, owners).map((live) => ({ ...live, fate: fateOf(live, settings, snapshot) }));
}

export function liveClaims(place: NamespaceSnapshot, owners: Owners): readonly LiveClaim[] {
    return (place.claims ?? []).map((claim) => {
        const { name } = claim.metadata;
        const owned = isOwned(claim, owners);
        const mounted = place.api?.claim === name;
        // A claim that the api mounts holds its messages, also if it has a name that the stack no longer gives.
        const holdsMessages = name === claimName || (owned && mounted);
        const use = name === backupsClaimName ? "backups" : holdsMessages ? "messages" : "other";
        return { claim, place, owned, mounted, use };
    });
}

function fateOf({ claim, owned, use }: LiveClaim, settings: Settings, snapshot: ClusterSnapshot): Fate {
    if (claim.metadata.deletionTimestamp) {
        return { kind: "terminating" };
    }
    if (!owned || use === "other") {
        return { kind: "foreign" };
    }
    const { name } = claim.metadata;
    const args = argsFor(use, settings);
    const declared = name === claimName || use === "backups" ? args : undefined;
    // The claim of the backups keeps the class that it was made with.
    const cause = declared && use === "messages" ? changeOf(claim, declared) : undefined;
    if (declared && !cause) {
        if (isReplaced(claim, snapshot)) {
            return { kind: "replaced", cause: undefined };
        }
        const isMounted = use === "messages" && mountedClaim(settings.storage) === name;
        return { kind: isMounted ? "mounted" : "declared", args: declared };
    }
    if (isRetained(claim)) {
        return cause ? { kind: "in-the-way", cause } : { kind: "kept" };
    }
    if (cause) {
        return { kind: "replaced", cause };
    }
    return { kind: "deleted", cause: args ? undefined : undeclared(use, settings, snapshot) };
}

/** The key whose change makes a new claim. Undefined: the claim can become what is declared. */
function changeOf(
    claim: Claim,
    { storageClass = "", accessMode = "ReadWriteOnce" }: ClaimArgs,
): Cause | undefined {
    const [mode = accessMode] = claim.spec?.accessModes ?? [];
    const keys: readonly Cause[] = [
        { key: "storageClass", value: storageClass, before: requestedClass(claim) },
        { key: "accessMode", value: accessMode, before: mode },
    ];
    return keys.find(({ value, before }) => value !== before);
}

/** Whether the API server refuses to change the claim to what the program declares. A new size may be refused for less. */
function isReplaced(claim: Claim, { rejections }: ClusterSnapshot): boolean {
    return rejections.some(
        ({ object, message, replaced }) =>
            replaced && isSame(claim, object) && message.includes("spec is immutable"),
    );
}

/** The config key that gives up a claim of this use. */
function undeclared(use: Use, { storage }: Settings, { objects }: ClusterSnapshot): Cause {
    if (use === "backups") {
        return { key: "backupSchedule", value: "", before: cronJobIn(objects)?.spec?.schedule ?? "@daily" };
    }
    return "existingClaim" in storage
        ? { key: "existingClaim", value: storage.existingClaim, before: "" }
        : { key: "storageMode", value: storage.mode, before: "persistent" };
}

/** The claims that the next update makes. */
export function newClaims(
    settings: Settings,
    claims: readonly FatedClaim[],
): readonly { readonly use: Use; readonly args: ClaimArgs }[] {
    return (["messages", "backups"] as const).flatMap((use) => {
        const args = argsFor(use, settings);
        return args && !claims.some((one) => one.use === use && stays(one)) ? [{ use, args }] : [];
    });
}

/** Whether the stack goes on declaring this very claim. */
export function stays({ fate }: FatedClaim): boolean {
    return fate.kind === "mounted" || fate.kind === "declared";
}

function argsFor(use: Use, { storage, backups }: Settings): ClaimArgs | undefined {
    return use === "backups" ? backups?.claim : declaredClaim(storage);
}

/** The storage class that the config asked for when the claim was made. Empty: the cluster's default class. */
export function requestedClass({ metadata }: Claim): string {
    return metadata.annotations?.[classAnnotation] ?? "";
}

/** What a claim holds. Undefined: nothing. A claim whose messages cannot be counted counts as full. */
export function heldBy({ claim, place, use, mounted }: LiveClaim): string | undefined {
    const messages = mounted ? place.api?.messages : undefined;
    if (claim.spec?.volumeName === undefined || messages === 0) {
        return undefined;
    }
    if (use === "backups") {
        return "all backups";
    }
    return messages === undefined
        ? "messages that cannot be counted (the api does not answer, or does not mount the claim)"
        : countMessages(messages);
}
