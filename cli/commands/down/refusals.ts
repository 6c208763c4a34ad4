/**
 * Why a stack must not be destroyed now. Pulumi deletes by its state, not by the config: if the two disagree, a destroy
 * would do something else than the config says. Pure: every finding has a unit test.
 */
import type { Finding, Fix } from "../../../model/finding.ts";
import { claimName } from "../../../model/names.ts";
import { isOwned, isRetained } from "../../../model/ownership.ts";
import { type Claim, type Pod, podsThatMount } from "../../../kubernetes/objects.ts";
import { listNames } from "../../../preflight/text.ts";
import { interrupted } from "../../../preflight/messages.ts";
import { type StateResource, guardedTypes, isKeptByState } from "../../../pulumi/state.ts";
import { type DestroyPlan, type Place, keepsNamespace } from "./plan.ts";

/** Everything that speaks against the destroy. */
export function refusals(plan: DestroyPlan): readonly Finding[] {
    const { places, open } = plan;
    const operation = places.map(({ api }) => api?.outOfService).find((one) => one !== undefined);
    if (operation) {
        return [interrupted(operation)];
    }
    const claims = places.flatMap((place) => place.claims);
    return [
        ...guardRefusals(plan, open.state, claims),
        ...places.flatMap((place) => [...foreignClaims(place, plan), ...foreignPods(place, plan)]),
    ];
}

/**
 * retainData and protectData as the state has them, against the config.
 *
 * @param live the claims of the stack's namespaces.
 */
export function guardRefusals(
    config: Pick<DestroyPlan, "retainData" | "protectData">,
    state: readonly StateResource[],
    live: readonly Claim[],
): readonly Finding[] {
    // The claim has its own guard if there is one. The namespace may be kept for other reasons as well.
    const guarded =
        state.find(({ type }) => type === guardedTypes.claim) ??
        state.find(({ type }) => type === guardedTypes.namespace);
    const protects = state.some(({ protect }) => protect === true);
    const retains = guarded
        ? guarded.retainOnDelete === true
        : (isKeptByEarlierDestroy(live) ?? config.retainData);
    if (retains !== config.retainData) {
        const effect = `A destroy would ${retains ? "keep" : "delete"} the messages.`;
        return [disagreement("retainData", config.retainData, effect)];
    }
    if (guarded && protects !== config.protectData) {
        const effect = protects ? "Pulumi refuses to destroy it." : "A destroy would delete it.";
        return [disagreement("protectData", config.protectData, effect)];
    }
    // Whatever a killed first `up` got to record.
    return protects || (config.protectData && state.length > 0) ? [protectedData] : [];
}

const protectedData: Finding = {
    code: "data-protected",
    severity: "error",
    subject: { key: "protectData", value: "true" },
    reason: "protectData is true. Claim and namespace must not be deleted.",
    fixes: [
        {
            to: "Destroy the stack anyway",
            run: ["pulumi config set protectData false", "npm run up", "npm run down"],
        },
    ],
};

/** A claim that an earlier destroy kept is in no state any more, but it has the annotation. */
function isKeptByEarlierDestroy(live: readonly Claim[]): boolean | undefined {
    const own = live.find(({ metadata }) => metadata.name === claimName);
    return own && isRetained(own);
}

function disagreement(key: string, configured: boolean, effect: string): Finding {
    return {
        code: "config-not-applied",
        severity: "error",
        subject: { key, value: String(configured) },
        reason: `${key} is ${configured} in the config, but the last up recorded ${!configured}. ${effect}`,
        fixes: [{ to: "Apply the config first", run: ["npm run up", "npm run down"] }],
    };
}

/** Claims that the stack does not own, and that would be deleted with their namespace. */
function foreignClaims({ namespace, claims }: Place, plan: DestroyPlan): readonly Finding[] {
    if (keepsNamespace(plan)) {
        return [];
    }
    return claims
        .filter((claim) => !isOwned(claim, plan.open.owners))
        .map(({ metadata: { name } }) => ({
            code: "foreign-claim-would-be-deleted",
            severity: "error",
            subject: { kind: "PersistentVolumeClaim", name, namespace },
            reason: `Claim ${name} would be deleted with its namespace ${namespace}. This stack does not own the claim.`,
            fixes: [
                { to: "Keep the claim", run: ["pulumi config set retainData true", "npm run up"] },
                { to: "Delete the claim", run: [`kubectl delete pvc ${name} --namespace ${namespace}`] },
            ],
        }));
}

/** Pods that the stack does not own, and that keep its claim from being deleted. */
function foreignPods({ namespace, pods }: Place, plan: DestroyPlan): readonly Finding[] {
    if (plan.retainData || isKeptByState(plan.open.state, guardedTypes.claim)) {
        return [];
    }
    // A pod that is being deleted releases the claim by itself.
    const foreign = pods.filter(
        (pod) => !isOwned(pod, plan.open.owners) && pod.metadata.deletionTimestamp === undefined,
    );
    const mounting = podsThatMount(claimName, foreign);
    return mounting.length === 0
        ? []
        : [
              {
                  code: "claim-mounted-by-foreign-pod",
                  severity: "error",
                  subject: { kind: "PersistentVolumeClaim", name: claimName, namespace },
                  reason: `Claim ${claimName} is mounted by pods that this stack does not own: ${listNames(mounting)}. The claim cannot be deleted while they run.`,
                  fixes: stopPods(mounting),
              },
          ];
}

/** How these pods are stopped. Several pods of one controller are stopped together. */
export function stopPods(pods: readonly Pod[]): readonly Fix[] {
    const fixes = new Map(pods.map(stopPod).map((fix) => [fix.to, fix]));
    return [...fixes.values()];
}

/** How a pod is stopped: if a controller owns it, deleting the pod alone brings a new one. */
export function stopPod({ metadata }: Pod): Fix {
    const { name, namespace = "", ownerReferences = [] } = metadata;
    const owner = ownerReferences[0];
    if (owner?.kind === "ReplicaSet") {
        // A Deployment names its ReplicaSets <deployment>-<hash>.
        const deployment = (owner.name ?? "").replace(/-[^-]+$/, "");
        return {
            to: `Stop Deployment ${deployment}, which owns it`,
            run: [`kubectl scale deployment ${deployment} --replicas 0 --namespace ${namespace}`],
        };
    }
    return owner
        ? {
              to: `Delete ${owner.kind ?? ""} ${owner.name ?? ""}, which owns it`,
              run: [
                  `kubectl delete ${(owner.kind ?? "").toLowerCase()} ${owner.name ?? ""} --namespace ${namespace}`,
              ],
          }
        : { to: `Delete pod ${name}`, run: [`kubectl delete pod ${name} --namespace ${namespace}`] };
}
