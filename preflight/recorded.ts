/** What the stack's state says about the cluster: which cluster it is, and which objects it has. */
import type { Settings } from "../config/settings.ts";
import type { RecordedObject } from "../kubernetes/snapshot.ts";
import type { Finding } from "../model/finding.ts";
import type { RecordedState } from "../pulumi/state.ts";

/** A stack whose objects are in one cluster must not go to another one: everything in the first would be deleted. */
export function otherCluster(context: string, recorded: RecordedState): readonly Finding[] {
    return recorded.context === undefined || recorded.context === context
        ? []
        : [
              {
                  code: "other-cluster",
                  severity: "error",
                  subject: { key: "kubernetes:context", value: context },
                  reason: `kubernetes:context is ${JSON.stringify(context)}, but this stack is up in the cluster of context ${JSON.stringify(recorded.context)}. Everything there would be deleted, with its messages.`,
                  fixes: [
                      {
                          to: "Stay in that cluster",
                          run: [`pulumi config set kubernetes:context ${recorded.context}`],
                      },
                      { to: "Make a stack for the other cluster", run: ["pulumi stack init NAME"] },
                      {
                          to: "If it is one cluster with a new name",
                          run: [
                              `kubectl config rename-context ${context} ${recorded.context}`,
                              `pulumi config set kubernetes:context ${recorded.context}`,
                          ],
                      },
                  ],
              },
          ];
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

/** Objects that the state has and the cluster does not: without a refresh, Pulumi would call them unchanged. */
export function absentObjects(
    { context = "", objects }: RecordedState,
    absent: readonly RecordedObject[],
): Finding {
    const list = absent.map(
        ({ kind, metadata: { name, namespace } }) =>
            `  ${kind} ${name}${namespace === undefined ? "" : ` in namespace ${namespace}`}`,
    );
    const reason =
        absent.length === objects.length
            ? `The cluster of context ${context} has none of the ${objects.length} objects of this stack's state. It is a new cluster, or everything was deleted.`
            : `This stack's state has objects that the cluster does not have:\n${list.join("\n")}`;
    const claims = absent.filter(({ kind }) => kind === "PersistentVolumeClaim");
    return {
        code: "objects-absent",
        severity: "error",
        subject: { key: "kubernetes:context", value: context },
        reason: claims.length > 0 ? `${reason}\nA claim that is created again has no messages.` : reason,
        fixes: [{ to: "Create them again", run: ["pulumi up --refresh"] }],
    };
}
