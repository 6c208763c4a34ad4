/** What the stack's state says about the cluster: where the stack is, and which claims it has. */
import type { Settings } from "../config/settings.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, error, fix, warning } from "../model/finding.ts";
import type { RecordedState } from "../pulumi/state.ts";

/** A stack whose objects are in one cluster must not go to another one: everything in the first would be deleted. */
export function otherCluster(context: string, { context: recorded }: RecordedState): readonly Finding[] {
    if (recorded === undefined || recorded === context) {
        return [];
    }
    const goBack = `pulumi config set kubernetes:context ${recorded}`;
    return [
        error(
            "other-cluster",
            `kubernetes:context is ${JSON.stringify(context)}, but this stack is up in the cluster of context ${JSON.stringify(recorded)}. Everything there would be deleted, with its messages.`,
            fix("Stay in that cluster", goBack),
            fix("Make a stack for the other cluster", "pulumi stack init NAME"),
            fix(
                "If it is one cluster with a new name",
                `kubectl config rename-context ${context} ${recorded}`,
                goBack,
            ),
        ),
    ];
}

/** A stack stays in its namespace for the same reason. */
export function otherNamespace(
    { namespace }: Pick<Settings, "namespace">,
    recorded: string | undefined,
): Finding | undefined {
    if (recorded === undefined || recorded === namespace) {
        return undefined;
    }
    const goBack = `pulumi config set namespace ${recorded}`;
    return error(
        "other-namespace",
        `namespace is ${JSON.stringify(namespace)}, but this stack is up in namespace ${JSON.stringify(recorded)}. Everything there would be deleted, with its messages.`,
        fix("Stay in that namespace", goBack),
        fix(
            "Move the stack with its messages",
            goBack,
            "npm run backup -- --file chat.json",
            "npm run down",
            `pulumi config set namespace ${namespace}`,
            "npm run up",
            "npm run restore -- chat.json",
        ),
        fix("Make a stack for the other namespace", "pulumi stack init NAME"),
    );
}

/**
 * Whether the stack's objects have the provider already that the config asks for. To declare it then changes nothing in the
 * state.
 */
export function keepsProvider(
    recorded: RecordedState,
    { context, kubeconfig }: Pick<Settings, "context" | "kubeconfig">,
): boolean {
    return (
        recorded.objects.length === 0 || (recorded.context === context && recorded.kubeconfig === kubeconfig)
    );
}

/**
 * Claims that the state has and the cluster does not. `pulumi up` refreshes the state and creates them again, but not their
 * messages.
 */
export function lostClaims({ name, claims }: ClusterSnapshot, recorded: RecordedState): readonly Finding[] {
    return recorded.objects
        .filter(({ kind, metadata }) => kind === "PersistentVolumeClaim" && metadata.namespace === name)
        .filter(({ metadata: { uid } }) => claims && !claims.some(({ metadata }) => metadata.uid === uid))
        .map((claim) =>
            warning(
                "recorded-claim-lost",
                `Claim ${claim.metadata.name} in namespace ${claim.metadata.namespace ?? ""} is in this stack's state, but no longer in the cluster: somebody deleted it, or this is a new cluster.\n` +
                    "Its data is gone, unless its volume was retained. If the config still asks for the claim, this update creates an empty one.",
                fix("See whether its volume is left", "kubectl get persistentvolumes"),
            ),
        );
}
