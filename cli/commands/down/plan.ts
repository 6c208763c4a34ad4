/** The destroy plan: what the cluster has of the stack, and what of it would be deleted or kept. */
import type { Client } from "../../../kubernetes/client.ts";
import type { Volume } from "../../../kubernetes/objects.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import { earlierVolumes, volumesPath } from "../../../kubernetes/volumes.ts";
import { isOwned, isRetained } from "../../../model/ownership.ts";
import { type Fate, type FatedClaim, type LiveClaim, liveClaims } from "../../../preflight/fates.ts";
import { guardedTypes, isKeptByState, recordedIn } from "../../../pulumi/state.ts";
import type { Session } from "../../session.ts";

/** What the cluster holds of a stack at one moment. */
export interface Look {
    readonly place: NamespaceSnapshot;
    readonly volumes: readonly Volume[];
}

export interface DestroyPlan {
    readonly session: Session;
    readonly place: NamespaceSnapshot;
    /** Every claim in the namespace, with what a destroy makes of it. */
    readonly claims: readonly FatedClaim[];
    /** The volumes of these claims and of earlier ones. */
    readonly volumes: readonly PlannedVolume[];
    /** Whether a destroy keeps the namespace. Undefined: the stack does not own it. */
    readonly keepsNamespace: boolean | undefined;
}

export interface PlannedVolume {
    readonly volume: Volume;
    readonly kept: boolean;
    /** Whether its claim is gone already. */
    readonly earlier: boolean;
}

export async function planDestroy(session: Session): Promise<DestroyPlan> {
    const { state, client, settings, owners } = session;
    const name = recordedIn(state).namespace ?? settings.namespace;
    const { place, volumes } = await lookAt(client, name);
    const claims = liveClaims(place, owners).map((live) => ({ ...live, fate: fateOnDestroy(live, session) }));
    const bound = claims.flatMap((live) =>
        volumes
            .filter(({ metadata }) => metadata.name === live.claim.spec?.volumeName)
            .map((volume) => ({ volume, kept: isKept(live), earlier: false })),
    );
    const earlier = earlierVolumes(volumes, [place]).map((volume) => ({
        volume,
        kept: settings.retainData || volume.spec?.persistentVolumeReclaimPolicy === "Retain",
        earlier: true,
    }));
    const { namespace } = place;
    const isRecorded = state.some(({ type, id }) => type === guardedTypes.namespace && id === name);
    // One that an earlier destroy kept is in no state any more.
    const keepsNamespace =
        namespace && (isRecorded || isOwned(namespace, owners))
            ? isKeptNamespace(session) || (isRetained(namespace) && !isRecorded)
            : undefined;
    return { session, place, claims, volumes: [...bound, ...earlier], keepsNamespace };
}

/** What the cluster holds now of the namespace and of all volumes. */
export async function lookAt(client: Client, namespace: string): Promise<Look> {
    const [volumes, place] = await Promise.all([
        client.list<Volume>(volumesPath),
        readNamespace(client, namespace, "data"),
    ]);
    return { place, volumes };
}

/** Pulumi deletes what it has in its state, and the namespace with everything in it. */
function fateOnDestroy({ claim, owned }: LiveClaim, session: Session): Fate {
    const { name, namespace = "", deletionTimestamp } = claim.metadata;
    if (deletionTimestamp) {
        return { kind: "terminating" };
    }
    if (!isKeptNamespace(session)) {
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
function isKeptNamespace({ settings, state }: Session): boolean {
    return settings.retainData || isKeptByState(state, guardedTypes.namespace);
}

/** Whether a destroy leaves a claim in the cluster. */
export function isKept({ fate }: FatedClaim): boolean {
    return fate.kind === "kept" || fate.kind === "foreign";
}
