/**
 * The destroy plan: what the cluster has of the stack, what of it would be deleted or kept, and why the stack must not be
 * destroyed now. Pulumi deletes by its state, not by the config: if the two disagree, a destroy would do something else than
 * the config says.
 */
import type { Settings } from "../../../config/settings.ts";
import type { Client } from "../../../kubernetes/client.ts";
import {
    type Claim,
    type LiveObject,
    type Pod,
    type Volume,
    podsThatMount,
} from "../../../kubernetes/objects.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import { earlierVolumes, volumesPath } from "../../../kubernetes/volumes.ts";
import { type Finding, error, fix } from "../../../model/finding.ts";
import { kindOf } from "../../../model/kinds.ts";
import { backupsClaimName, claimName } from "../../../model/names.ts";
import { type Owners, isOwned, isRetained } from "../../../model/ownership.ts";
import { type LiveClaim, heldBy, liveClaims } from "../../../preflight/fates.ts";
import { interrupted, unprotect } from "../../../preflight/messages.ts";
import { listNames } from "../../../preflight/text.ts";
import {
    type StateResource,
    guardedTypes,
    isClaim,
    knownOutputs,
    recordedIn,
} from "../../../pulumi/state.ts";
import type { Session } from "../../session.ts";

/** The namespace of a stack, and all volumes of its cluster. */
export type Look = NamespaceSnapshot & { readonly volumes: readonly Volume[] };

export interface DestroyPlan {
    readonly session: Session;
    readonly place: Look;
    /** Every claim in the namespace, with whether a destroy leaves it in the cluster. */
    readonly claims: readonly PlannedClaim[];
    /** What is looked for after the destroy: claims, their volumes and earlier ones, and the namespace if the stack owns it. */
    readonly items: readonly Item[];
    /** What the stack owns and its state does not have: a killed command made it. */
    readonly unrecorded: readonly LiveObject[];
}

export type PlannedClaim = LiveClaim & {
    readonly kept: boolean;
    /** Whether the state has it: the program declares it, and it may be one of its user's own. */
    readonly recorded: boolean;
};

interface Item {
    readonly kind: string;
    readonly name: string;
    readonly uid: string;
    readonly kept: boolean;
    /** The folder of a volume on its node. */
    readonly folder: string | undefined;
    /** The data of a claim. */
    readonly held?: string;
}

export async function planDestroy(session: Session): Promise<DestroyPlan> {
    const { state, client, settings, owners } = session;
    const name = recordedIn(state).namespace ?? settings.namespace;
    const place = ownPart(await lookAt(client, name), session);
    const { volumes } = place;
    const claims = liveClaims(place, owners).map((live) => plannedClaim(live, session));
    const bound = claims.flatMap(({ claim: { spec }, kept }) =>
        volumes
            .filter(({ metadata }) => metadata.name === spec?.volumeName)
            .map((one) => itemOf("volume", one, kept)),
    );
    const earlier = earlierVolumes(volumes, [place]).map((one) =>
        itemOf("volume", one, settings.retainData || one.spec?.persistentVolumeReclaimPolicy === "Retain"),
    );
    const keepData = knownOutputs(state)?.retainsData ?? settings.retainData;
    return {
        session,
        place,
        claims,
        items: [
            ...claims.map((live) => ({ ...itemOf("claim", live.claim, live.kept), held: dataIn(live) })),
            ...bound,
            ...earlier,
            ...namespaceItem(place, session),
        ],
        unrecorded: unrecorded(place, owners, keepData, state),
    };
}

export async function lookAt(client: Client, namespace: string): Promise<Look> {
    const volumes = await client.list<Volume>(volumesPath);
    return { ...(await readNamespace(client, namespace, "data")), volumes };
}

/** Nothing, if the namespace is another stack's: the config of a stack that was never up can name any. */
function ownPart(look: Look, session: Session): Look {
    const { namespace, objects } = look;
    const isOwn =
        namespace === undefined ||
        recordedNamespace(look, session) !== undefined ||
        [namespace, ...objects].some((object) => isOwned(object, session.owners));
    return isOwn
        ? look
        : { ...look, namespace: undefined, api: undefined, claims: [], objects: [], pods: [], volumes: [] };
}

/** The namespace as the state has it. Users may have declared others. */
function recordedNamespace(
    { name }: Pick<NamespaceSnapshot, "name">,
    { state }: Session,
): StateResource | undefined {
    return state.find(({ type, id }) => type === guardedTypes.namespace && id === name);
}

function itemOf(kind: string, { metadata, spec }: Pick<Volume, "metadata" | "spec">, kept: boolean): Item {
    const { name, uid } = metadata;
    return { kind, name, uid, kept, folder: spec?.hostPath?.path };
}

function dataIn(live: LiveClaim): string {
    return live.use === "other" ? "data that cannot be counted" : (heldBy(live) ?? "no messages");
}

/** None if the stack does not own the namespace. One that an earlier destroy kept is in no state any more. */
function namespaceItem(place: NamespaceSnapshot, session: Session): readonly Item[] {
    const { namespace } = place;
    const isRecorded = recordedNamespace(place, session) !== undefined;
    if (!namespace || !(isRecorded || isOwned(namespace, session.owners))) {
        return [];
    }
    const kept = isNamespaceKept(place, session) || (isRetained(namespace) && !isRecorded);
    return [itemOf("namespace", namespace, kept)];
}

/** Whether the namespace stays, and with it the claims in it that the stack does not own. */
function isNamespaceKept(place: NamespaceSnapshot, session: Session): boolean {
    return session.settings.retainData || recordedNamespace(place, session)?.retainOnDelete === true;
}

/** Pulumi deletes what it has in its state, and the namespace with everything in it. */
function plannedClaim(live: LiveClaim, session: Session): PlannedClaim {
    const { settings, state } = session;
    const { name, namespace = "", deletionTimestamp } = live.claim.metadata;
    const id = `${namespace}/${name}`;
    const recorded = state.find((one) => one.type === guardedTypes.claim && one.id === id);
    const stays = recorded ? recorded.retainOnDelete === true : !live.owned || settings.retainData;
    const kept = deletionTimestamp === undefined && isNamespaceKept(live.place, session) && stays;
    return { ...live, kept, recorded: recorded !== undefined };
}

/** What the stack owns and its state does not have, except for data that is kept, in the order in which it can be deleted. */
export function unrecorded(
    { objects, namespace }: Pick<NamespaceSnapshot, "objects" | "namespace">,
    owners: Owners,
    keepData: boolean,
    state: readonly StateResource[],
): readonly LiveObject[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    const idOf = ({ kind = "", metadata: { name, namespace } }: LiveObject) =>
        `${kind} ${namespace ? `${namespace}/${name}` : name}`;
    return [...objects, ...(namespace ? [namespace] : [])]
        .filter((object) => isOwned(object, owners) && !recorded.has(idOf(object)))
        .filter(({ kind }) => kind !== "Job") // they end by themselves, and are deleted with their owner
        .filter((object) => !kindOf(object.kind ?? "").holdsData || !(keepData || isRetained(object)));
}

/** Why the stack must not be destroyed now. */
export function refusals({ place, claims, session }: DestroyPlan): readonly Finding[] {
    if (place.api?.outOfService) {
        return [interrupted(place.api.outOfService)];
    }
    const { settings, state, owners } = session;
    const live = claims.map(({ claim }) => claim);
    const own = state.filter(({ type, id }) => type !== guardedTypes.namespace || id === place.name);
    return [
        ...protectionRefusals(settings, own, live),
        ...claims
            .filter(({ kept, owned, recorded }) => !kept && (owned || !recorded))
            .flatMap((one) => claimRefusals(one, owners)),
    ];
}

/** retainData and protectData as the state and the live claims have them, against the config. */
export function protectionRefusals(
    { retainData, protectData }: Pick<Settings, "retainData" | "protectData">,
    state: readonly StateResource[],
    live: readonly Claim[],
): readonly Finding[] {
    const guarded = state.filter((one) => isStackClaim(one) || one.type === guardedTypes.namespace);
    // A claim that an earlier destroy kept is in no state any more, but it has the annotation.
    const kept = live.find(({ metadata }) => stackClaims.includes(metadata.name));
    const retains = recordedRetainData(state) ?? (kept ? isRetained(kept) : retainData);
    if (retains !== retainData) {
        const reason = `retainData is ${retainData} in the config, but the last up recorded ${retains}. A destroy would ${retains ? "keep" : "delete"} the messages.`;
        const apply = fix("Apply the config first", "npm run up", "npm run down");
        return [error("config-not-applied", reason, apply)];
    }
    // A killed first up may have recorded neither claim nor namespace.
    const isProtected = guarded.some(({ protect }) => protect === true) || (protectData && state.length > 0);
    const reason =
        "protectData is true, in the config or in what the last up recorded. Claim and namespace must not be deleted.";
    return isProtected
        ? [error("data-protected", reason, fix("Destroy the stack anyway", ...unprotect, "npm run down"))]
        : [];
}

/** What retainData was in the last up. Undefined: the state has neither claim nor namespace. */
function recordedRetainData(state: readonly StateResource[]): boolean | undefined {
    const first = state.find(isStackClaim) ?? state.find(({ type }) => type === guardedTypes.namespace);
    if (!first) {
        return undefined;
    }
    // The namespace is kept for an existing claim as well, and the outputs say whether that is the reason.
    const known = isStackClaim(first) ? undefined : knownOutputs(state)?.retainsData;
    return known ?? first.retainOnDelete === true;
}

const stackClaims: readonly string[] = [claimName, backupsClaimName];

function isStackClaim(resource: StateResource): boolean {
    return isClaim(resource, stackClaims);
}

/** A claim that somebody else made and that would be deleted, or whose pods keep it from being deleted. */
function claimRefusals({ claim, owned, place }: LiveClaim, owners: Owners): readonly Finding[] {
    const { name, namespace = "", deletionTimestamp } = claim.metadata;
    if (owned) {
        // A pod that is being deleted releases the claim by itself.
        const foreign = place.pods.filter((pod) => !isOwned(pod, owners) && !pod.metadata.deletionTimestamp);
        return mountedClaims(claim, foreign);
    }
    const deleted = error(
        "foreign-claim-would-be-deleted",
        `Claim ${name} would be deleted with its namespace ${namespace}. This stack does not own the claim.`,
        fix("Keep the claim", "pulumi config set retainData true", "npm run up"),
        fix("Delete the claim", `kubectl delete pvc ${name} --namespace ${namespace}`),
    );
    return deletionTimestamp ? [] : [deleted];
}

/** A claim that cannot be deleted, because some of these pods mount it. */
export function mountedClaims({ metadata: { name } }: Claim, pods: readonly Pod[]): readonly Finding[] {
    const mounting = podsThatMount(name, pods);
    const reason = `Claim ${name} cannot be deleted while these pods mount it: ${listNames(mounting)}.`;
    const stop = fix("Stop the pods, and what would start them again", ...new Set(mounting.map(stopPod)));
    return mounting.length > 0 ? [error("claim-mounted", reason, stop)] : [];
}

/** How a pod is stopped: if a controller owns it, deleting the pod alone brings a new one. */
function stopPod({ metadata }: Pod): string {
    const { namespace = "", ownerReferences = [] } = metadata;
    const { kind = "Pod", name = metadata.name } = ownerReferences[0] ?? {};
    // A Deployment names its ReplicaSets <deployment>-<hash>.
    const command =
        kind === "ReplicaSet"
            ? `kubectl scale deployment ${name.replace(/-[^-]+$/, "")} --replicas 0`
            : `kubectl delete ${kind.toLowerCase()} ${name}`;
    return `${command} --namespace ${namespace}`;
}
