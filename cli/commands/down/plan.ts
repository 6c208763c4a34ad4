/** The destroy plan: the stack's namespaces, and the data that would be deleted or kept with them. */
import type { Client } from "../../../kubernetes/client.ts";
import type { Volume } from "../../../kubernetes/objects.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import { earlierVolumes, volumesPath } from "../../../kubernetes/volumes.ts";
import { type Fate, type FatedClaim, type LiveClaim, liveClaims } from "../../../preflight/fates.ts";
import { guardedTypes, isKeptByState, knownOutputs, recordedIn } from "../../../pulumi/state.ts";
import type { Session } from "../../session.ts";

/** What the cluster holds of a stack at one moment. */
export interface Look {
    /** The stack's namespaces: one, or more after a run that was killed on the way from one to another. */
    readonly places: readonly NamespaceSnapshot[];
    /** All volumes of the cluster. */
    readonly volumes: readonly Volume[];
}

/** What a destroy would do. */
export interface DestroyPlan extends Look {
    readonly session: Session;
    /** Every claim in the stack's namespaces, with what a destroy makes of it. */
    readonly claims: readonly FatedClaim[];
    /** The volumes of earlier claims. */
    readonly earlier: readonly Volume[];
}

/** Makes the plan. Nothing changes. */
export async function planDestroy(session: Session): Promise<DestroyPlan> {
    const { state, client, settings, owners } = session;
    const namespace = knownOutputs(state)?.namespaceName ?? settings.namespace;
    const look = await lookAt(client, [...new Set([namespace, ...recordedIn(state).namespaces])]);
    const claims = look.places
        .flatMap((place) => liveClaims(place, owners))
        .map((live) => ({ ...live, fate: fateOnDestroy(live, session) }));
    return { ...look, session, claims, earlier: earlierVolumes(look.volumes, look.places) };
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

type Recorded = Pick<Session, "state" | "settings">;

/** Pulumi deletes what it has in its state, and the namespace with everything in it. */
function fateOnDestroy({ claim, owned }: LiveClaim, session: Recorded): Fate {
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
    const isKept = recorded ? recorded.retainOnDelete === true : session.settings.retainData;
    return isKept ? { kind: "kept" } : { kind: "deleted", cause: undefined };
}

/** Whether the namespace stays, and with it the claims in it that the stack does not own. */
export function keepsNamespace({ settings, state }: Recorded): boolean {
    return settings.retainData || isKeptByState(state, guardedTypes.namespace);
}

/** Whether a destroy leaves a claim in the cluster. */
export function isKept({ fate }: FatedClaim): boolean {
    return fate.kind === "kept" || fate.kind === "foreign";
}
