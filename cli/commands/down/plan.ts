/** The destroy plan: what the cluster has of the stack, and what of it would be deleted or kept. */
import type { Client } from "../../../kubernetes/client.ts";
import type { LiveObject, Volume } from "../../../kubernetes/objects.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import { earlierVolumes, volumesPath } from "../../../kubernetes/volumes.ts";
import { isOwned, isRetained } from "../../../model/ownership.ts";
import { type Fate, type FatedClaim, type LiveClaim, liveClaims } from "../../../preflight/fates.ts";
import { guardedTypes, isKeptByState, recordedIn } from "../../../pulumi/state.ts";
import type { Session } from "../../session.ts";

/** What the cluster holds of a stack at one moment. */
export interface Look {
    /** The stack's namespace. */
    readonly places: readonly NamespaceSnapshot[];
    /** All volumes of the cluster. */
    readonly volumes: readonly Volume[];
}

/** What a destroy would do. */
export interface DestroyPlan {
    readonly session: Session;
    readonly places: readonly NamespaceSnapshot[];
    /** Every claim in the stack's namespaces, with what a destroy makes of it. */
    readonly claims: readonly FatedClaim[];
    /** The volumes of these claims and of earlier ones. */
    readonly volumes: readonly PlannedVolume[];
    /** The namespaces that the stack owns. */
    readonly namespaces: readonly { readonly namespace: LiveObject; readonly kept: boolean }[];
}

export interface PlannedVolume {
    readonly volume: Volume;
    readonly kept: boolean;
    /** Whether its claim is gone already. */
    readonly earlier: boolean;
}

/** Makes the plan. Nothing changes. */
export async function planDestroy(session: Session): Promise<DestroyPlan> {
    const { state, client, settings, owners } = session;
    const namespace = recordedIn(state).namespace ?? settings.namespace;
    const { places, volumes } = await lookAt(client, [namespace]);
    const claims = places
        .flatMap((place) => liveClaims(place, owners))
        .map((live) => ({ ...live, fate: fateOnDestroy(live, session) }));
    const bound = claims.flatMap((live) =>
        volumes
            .filter(({ metadata }) => metadata.name === live.claim.spec?.volumeName)
            .map((volume) => ({ volume, kept: isKept(live), earlier: false })),
    );
    const earlier = earlierVolumes(volumes, places).map((volume) => ({
        volume,
        kept: settings.retainData || volume.spec?.persistentVolumeReclaimPolicy === "Retain",
        earlier: true,
    }));
    const namespaces = places.flatMap(({ name, namespace: found }) => {
        const isRecorded = state.some(({ type, id }) => type === guardedTypes.namespace && id === name);
        // One that an earlier destroy kept is in no state any more.
        return found && (isRecorded || isOwned(found, owners))
            ? [{ namespace: found, kept: keepsNamespace(session) || (isRetained(found) && !isRecorded) }]
            : [];
    });
    return { session, places, claims, volumes: [...bound, ...earlier], namespaces };
}

/** What the cluster holds now of what the plan had. */
export function lookAgain({ session, places }: DestroyPlan): Promise<Look> {
    return lookAt(
        session.client,
        places.map(({ name }) => name),
    );
}

async function lookAt(client: Client, namespaces: readonly string[]): Promise<Look> {
    const [volumes, ...places] = await Promise.all([
        client.list<Volume>(volumesPath),
        ...namespaces.map((name) => readNamespace(client, name, "data")),
    ]);
    return { places, volumes };
}

/** Pulumi deletes what it has in its state, and the namespace with everything in it. */
function fateOnDestroy({ claim, owned }: LiveClaim, session: Session): Fate {
    const { name, namespace = "", deletionTimestamp } = claim.metadata;
    if (deletionTimestamp) {
        return { kind: "terminating" };
    }
    if (!keepsNamespace(session)) {
        return { kind: "deleted", cause: undefined };
    }
    const recorded = session.state.find(
        ({ type, id }) => type === guardedTypes.claim && id === `${namespace}/${name}`,
    );
    if (!recorded && !owned) {
        return { kind: "foreign" };
    }
    const isRetainedClaim = recorded ? recorded.retainOnDelete === true : session.settings.retainData;
    return isRetainedClaim ? { kind: "kept" } : { kind: "deleted", cause: undefined };
}

/** Whether the namespace stays, and with it the claims in it that the stack does not own. */
function keepsNamespace({ settings, state }: Session): boolean {
    return settings.retainData || isKeptByState(state, guardedTypes.namespace);
}

/** Whether a destroy leaves a claim in the cluster. */
export function isKept({ fate }: FatedClaim): boolean {
    return fate.kind === "kept" || fate.kind === "foreign";
}
