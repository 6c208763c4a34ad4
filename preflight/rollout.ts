/** Looks at the cluster after everything is registered: that the app runs. */
import { RunError } from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import type { Deployment, LiveObject } from "../kubernetes/objects.ts";
import { rolloutProblems } from "../kubernetes/rollout.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { renderAdvice } from "./advice.ts";
import type { Reached } from "./preflight.ts";

const rolloutSeconds = 300; // for the pods to be ready, image pulls included

/**
 * Waits until the Deployments run that this update has changed.
 *
 * @param before the cluster before the update.
 * @throws RunError with what their pods say, if they cannot start.
 */
export async function requireRollout(
    { client }: Reached,
    { context, namespace }: Pick<Settings, "context" | "namespace">,
    before: ClusterSnapshot,
): Promise<void> {
    const problems = await rolloutProblems(
        client,
        namespace,
        rolloutSeconds,
        (deployment) => !before.objects.some((object) => isUnchanged(object, deployment)),
    );
    if (problems.length > 0) {
        throw new RunError(
            `Pulumi is done, and SynergyChat does not run:\n\n${renderAdvice(problems, context)}\n`,
        );
    }
}

/** Source: https://kubernetes.io/docs/reference/using-api/api-concepts (a change of the spec is a new generation) */
function isUnchanged(before: LiveObject, { metadata: { uid, generation } }: Deployment): boolean {
    return before.metadata.uid === uid && before.metadata.generation === generation;
}
