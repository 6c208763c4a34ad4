/**
 * Why a stack must not be destroyed now. Pulumi deletes by its state, not by the config: if the two disagree, a destroy
 * would do something else than the config says. And what holds what should be gone afterwards. Pure: every finding has a
 * unit test.
 */
import type { Settings } from "../../../config/settings.ts";
import { type Claim, type Pod, type Volume, podsThatMount } from "../../../kubernetes/objects.ts";
import { provisionerOf } from "../../../kubernetes/volumes.ts";
import { type Finding, type Fix, type Found, error, fix } from "../../../model/finding.ts";
import { backupsClaimName, claimName } from "../../../model/names.ts";
import { type Owners, isOwned, isRetained } from "../../../model/ownership.ts";
import type { FatedClaim } from "../../../preflight/fates.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { listNames } from "../../../preflight/text.ts";
import { deleteVolume } from "../../../preflight/volumes.ts";
import { type StateResource, guardedTypes } from "../../../pulumi/state.ts";
import type { DestroyPlan } from "./plan.ts";

export function refusals({ place, claims, session }: DestroyPlan): readonly Finding[] {
    if (place.api?.outOfService) {
        return [interrupted(place.api.outOfService)];
    }
    const live = claims.map(({ claim }) => claim);
    const deleted = claims.filter(({ fate }) => fate.kind === "deleted");
    return [
        ...protectionRefusals(session.settings, session.state, live),
        ...deleted.filter(({ owned }) => !owned).map(foreignClaim),
        ...deleted.filter(({ owned }) => owned).flatMap((one) => foreignPods(one, session.owners)),
    ];
}

/** retainData and protectData as the state and the live claims have them, against the config. */
export function protectionRefusals(
    config: Pick<Settings, "retainData" | "protectData">,
    state: readonly StateResource[],
    live: readonly Claim[],
): readonly Finding[] {
    // A claim has the options of its own. The namespace may be kept for other reasons as well.
    const guarded = [
        ...state.filter(isStackClaim),
        ...state.filter(({ type }) => type === guardedTypes.namespace),
    ];
    const [first] = guarded;
    // A claim that an earlier destroy kept is in no state any more, but it has the annotation.
    const kept = live.find(({ metadata }) => stackClaims.includes(metadata.name));
    const protects = guarded.some(({ protect }) => protect === true);
    const retains = first ? first.retainOnDelete === true : kept ? isRetained(kept) : config.retainData;
    if (retains !== config.retainData) {
        const effect = `A destroy would ${retains ? "keep" : "delete"} the messages.`;
        return [disagreement("retainData", config.retainData, effect)];
    }
    if (first && protects !== config.protectData) {
        const effect = protects ? "Pulumi refuses to destroy it." : "A destroy would delete it.";
        return [disagreement("protectData", config.protectData, effect)];
    }
    // Whatever a killed first `up` got to record.
    if (!protects && !(config.protectData && state.length > 0)) {
        return [];
    }
    const ways = ["pulumi config set protectData false", "npm run up", "npm run down"];
    return [
        error(
            "data-protected",
            "protectData is true. Claim and namespace must not be deleted.",
            fix("Destroy the stack anyway", ...ways),
        ),
    ];
}

const stackClaims: readonly string[] = [claimName, backupsClaimName];

/** Whether a resource is a claim that the stack makes. Users may have declared others. */
function isStackClaim({ type, id = "" }: StateResource): boolean {
    return type === guardedTypes.claim && stackClaims.some((name) => id.endsWith(`/${name}`));
}

function disagreement(key: string, configured: boolean, effect: string): Finding {
    return error(
        "config-not-applied",
        `${key} is ${configured} in the config, but the last up recorded ${!configured}. ${effect}`,
        fix("Apply the config first", "npm run up", "npm run down"),
    );
}

/** A claim that the stack does not own, and that would be deleted with its namespace. */
function foreignClaim({ claim }: FatedClaim): Finding {
    const { name, namespace = "" } = claim.metadata;
    return error(
        "foreign-claim-would-be-deleted",
        `Claim ${name} would be deleted with its namespace ${namespace}. This stack does not own the claim.`,
        fix("Keep the claim", "pulumi config set retainData true", "npm run up"),
        fix("Delete the claim", `kubectl delete pvc ${name} --namespace ${namespace}`),
    );
}

/** Pods that the stack does not own, and that keep its claim from being deleted. */
function foreignPods({ claim, place }: FatedClaim, owners: Owners): Found {
    const { name } = claim.metadata;
    // A pod that is being deleted releases the claim by itself.
    const foreign = podsThatMount(name, place.pods).filter(
        (pod) => !isOwned(pod, owners) && pod.metadata.deletionTimestamp === undefined,
    );
    return foreign.length === 0
        ? []
        : error(
              "claim-mounted-by-foreign-pod",
              `Claim ${name} is mounted by pods that this stack does not own: ${listNames(foreign)}. The claim cannot be deleted while they run.`,
              ...stopPods(foreign),
          );
}

/** Kubernetes keeps a claim while a pod uses it. */
const inUseFinalizer = "kubernetes.io/pvc-protection";

/** What holds a claim that should be gone. */
export function claimBlocker(claim: Claim, pods: readonly Pod[]): Finding {
    const { name, namespace = "", deletionTimestamp, finalizers = [] } = claim.metadata;
    if (deletionTimestamp === undefined) {
        return error(
            "claim-not-deleted",
            `Claim ${name} was not deleted.`,
            fix("Delete it", `kubectl delete pvc ${name} --namespace ${namespace}`),
        );
    }
    const mounting = podsThatMount(name, pods);
    if (mounting.length > 0) {
        return error(
            "claim-mounted",
            `Claim ${name} is Terminating until no pod mounts it. It is mounted by: ${listNames(mounting)}.`,
            ...stopPods(mounting),
        );
    }
    const others = finalizers.filter((finalizer) => finalizer !== inUseFinalizer);
    return error(
        "claim-held-by-finalizer",
        `Claim ${name} is Terminating. The finalizer ${others.join(", ") || inUseFinalizer} holds it, and whoever set the finalizer must remove it.`,
        fix("See the claim", `kubectl describe pvc ${name} --namespace ${namespace}`),
    );
}

/** What holds a volume that should be gone. */
export function volumeBlocker(volume: Volume, context: string): Finding {
    const { metadata, spec, status } = volume;
    const { name, finalizers = [] } = metadata;
    const phase = status?.phase ?? "unknown";
    if (spec?.persistentVolumeReclaimPolicy === "Retain") {
        return error(
            "volume-retained",
            `Volume ${name} is ${phase}. Its reclaim policy is Retain, so it stays with its data until somebody deletes both.`,
            fix("Delete the volume, but not its data", `kubectl delete pv ${name}`),
        );
    }
    if (isLeftByMinikube(volume)) {
        return error(
            "volume-ignored-by-minikube",
            `Volume ${name} is Released, and minikube does not delete it: its provisioner ignores volumes that it made before its last start. ` +
                `A new claim of the same name would get the old data in ${spec?.hostPath?.path ?? "FOLDER"}.`,
            deleteVolume(volume, context),
        );
    }
    const why = status?.message ?? (finalizers.length > 0 ? `held by ${finalizers.join(", ")}` : "");
    return error(
        "volume-not-deleted",
        `Volume ${name} is ${phase}${why && `: ${why}`}. Its provisioner ${provisionerOf(volume) || "(unknown)"} must delete it.`,
        fix("See the volume", `kubectl describe pv ${name}`),
    );
}

/** Whether minikube's provisioner ignores a volume, or has not deleted it yet. */
export function isLeftByMinikube(volume: Volume): boolean {
    const { spec, status } = volume;
    return (
        status?.phase === "Released" &&
        spec?.persistentVolumeReclaimPolicy !== "Retain" &&
        provisionerOf(volume).includes("minikube-hostpath")
    );
}

/** How these pods are stopped. Several pods of one controller are stopped together. */
export function stopPods(pods: readonly Pod[]): readonly Fix[] {
    const fixes = new Map(pods.map(stopPod).map((one) => [one.to, one]));
    return [...fixes.values()];
}

/** How a pod is stopped: if a controller owns it, deleting the pod alone brings a new one. */
export function stopPod({ metadata }: Pod): Fix {
    const { namespace = "", ownerReferences = [] } = metadata;
    const { kind = "Pod", name = metadata.name } = ownerReferences[0] ?? {};
    if (kind === "ReplicaSet") {
        // A Deployment names its ReplicaSets <deployment>-<hash>.
        const deployment = name.replace(/-[^-]+$/, "");
        return fix(
            `Stop Deployment ${deployment}, which owns it`,
            `kubectl scale deployment ${deployment} --replicas 0 --namespace ${namespace}`,
        );
    }
    return fix(
        kind === "Pod" ? `Delete pod ${name}` : `Delete ${kind} ${name}, which owns it`,
        `kubectl delete ${kind.toLowerCase()} ${name} --namespace ${namespace}`,
    );
}
