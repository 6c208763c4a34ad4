/** Looks at the cluster after everything is registered: that the app runs, and if not, what its pods say. */
import { RunError, log } from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { type Client, isProgramMissing } from "../kubernetes/client.ts";
import { type Deployment, type Pod, claimsOf, conditionOf } from "../kubernetes/objects.ts";
import { podObstacle, podProblem, sentence, unboundClaims } from "../kubernetes/obstacles.ts";
import { lasting } from "../kubernetes/poll.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { isStackName, kindOf, listPath } from "../model/kinds.ts";
import { hasLabels } from "../model/ownership.ts";
import { backupsClaimName, claimName, guardName } from "../model/names.ts";
import { renderAdvice } from "./advice.ts";
import type { Reached } from "./preflight.ts";

export const rolloutSeconds = 300; // for the pods to be ready, image pulls included

const patience = 20_000; // ms for which a pod may say that it cannot start: a pull that fails once may succeed

const interval = 200; // ms between two looks: whoever waits for a rollout notices a second

const takeBack = fix(
    "Take the last change of the config back",
    "pulumi config set KEY OLD-VALUE",
    "npm run up",
);

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
        ({ metadata: { uid, generation } }) =>
            // A change of the spec is a new generation: https://kubernetes.io/docs/reference/using-api/api-concepts
            !before.objects.some(
                ({ metadata }) => metadata.uid === uid && metadata.generation === generation,
            ),
    );
    if (problems.length > 0) {
        throw new RunError(
            `Pulumi is done, and SynergyChat does not run:\n\n${renderAdvice(problems, context)}\n`,
        );
    }
}

/**
 * Warns of what keeps claims and pods from coming up, while Pulumi waits for them in silence for minutes.
 *
 * @returns ends it.
 */
export function reportObstacles(
    { client }: Reached,
    { namespace }: Pick<Settings, "namespace">,
    report: (text: string) => unknown = (text) => log.warn(text),
    every = { look: 2000, patience },
): () => void {
    const lasts = lasting<readonly string[]>(every.patience);
    const said = new Set<string>();
    const look = async () => {
        const claims = await unboundClaims(client, namespace, [claimName, backupsClaimName]);
        const pods = await rolloutObstacles(client, namespace);
        const obstacles = [...claims, ...pods.map(({ reason }) => reason)];
        const lasting = lasts(obstacles.length > 0 ? obstacles : undefined) ?? [];
        for (const text of lasting.filter((one) => !said.has(one))) {
            said.add(text);
            report(text);
        }
    };
    // The update itself says what it cannot do.
    const timer = setInterval(() => void look().catch(() => undefined), every.look).unref();
    return () => {
        clearInterval(timer);
    };
}

/**
 * Waits until Deployments of the stack run what they declare, or returns what keeps their pods from running. The provider
 * does not wait: a Deployment with the strategy Recreate counts as complete for it as soon as the old pod is gone.
 */
export async function rolloutProblems(
    client: Client,
    namespace: string,
    seconds: number,
    isMeant: (deployment: Deployment) => boolean = () => true,
): Promise<readonly Finding[]> {
    const last = lasting<readonly Finding[]>(patience);
    return client.waitUntil(
        `all Deployments in namespace ${namespace} run what they declare`,
        async () => {
            const deployments = (await deploymentsIn(client, namespace)).filter(isMeant);
            if (deployments.every(isComplete)) {
                return [];
            }
            const problems = await rolloutObstacles(client, namespace, deployments);
            return last(problems.length > 0 ? problems : undefined);
        },
        seconds,
        `kubectl get pods,events --namespace ${namespace}`,
        interval,
    );
}

/** As `kubectl rollout status` decides it. */
export function isComplete({ metadata, spec, status }: Deployment): boolean {
    const { replicas = 0, updatedReplicas = 0, availableReplicas = 0, observedGeneration = 0 } = status ?? {};
    const wanted = spec?.replicas ?? 1;
    return (
        observedGeneration >= (metadata.generation ?? 0) &&
        [replicas, updatedReplicas, availableReplicas].every((count) => count === wanted)
    );
}

/** A finding for each Deployment of the stack that gets no pods, and for each of their pods that cannot start. */
export async function rolloutObstacles(
    client: Client,
    namespace: string,
    known?: readonly Deployment[],
): Promise<readonly Finding[]> {
    const deployments = known ?? (await deploymentsIn(client, namespace));
    const pods = (await client.listIfAllowed<Pod>(`/api/v1/namespaces/${namespace}/pods`)) ?? [];
    const stuck = pods
        .filter((pod) => deployments.some((deployment) => isPodOf(deployment, pod)))
        .filter((pod) => podProblem(pod) !== undefined);
    const problems = stuck.map(async (pod) =>
        podCannotStart(pod, (await podObstacle(client, namespace, pod)) ?? ""),
    );
    return [...deployments.flatMap(podsNotCreated), ...(await Promise.all(problems))];
}

/** The namespace may have been prepared by somebody else, with Deployments of its own. */
async function deploymentsIn(client: Client, namespace: string): Promise<readonly Deployment[]> {
    const path = listPath(kindOf("Deployment"), namespace);
    const all = (await client.listIfAllowed<Deployment>(path)) ?? [];
    return all.filter(({ metadata }) => isStackName("Deployment", metadata.name));
}

export function isPodOf({ spec }: Deployment, pod: Pod): boolean {
    const { matchLabels } = spec?.selector ?? {};
    return matchLabels !== undefined && hasLabels(pod, matchLabels);
}

/** A Deployment whose pods the cluster refuses: a quota, a policy, a service account that is missing. */
export function podsNotCreated(deployment: Deployment): readonly Finding[] {
    const { name, namespace = "" } = deployment.metadata;
    const failure = conditionOf(deployment, "ReplicaFailure");
    if (!failure) {
        return [];
    }
    const found = error(
        "pods-not-created",
        `The cluster refuses the pods of Deployment ${name}: ${sentence(failure.message ?? "")}`,
        fix("See what limits the namespace", `kubectl describe namespace ${namespace}`),
        takeBack,
    );
    return [found];
}

/** A pod that cannot start, with the problem as a sentence. */
export function podCannotStart(pod: Pod, problem: string): Finding {
    const { metadata, spec } = pod;
    const { name, namespace = "" } = metadata;
    const isGuarded = (spec?.containers ?? []).some((one) => one.name === guardName);
    if (isGuarded && isProgramMissing(problem)) {
        return error(
            "image-without-shell",
            `Pod ${name} cannot start, because the api's image has no shell, and with guard a shell supervises the api.\n${problem}`,
            fix("Do without the guard", "pulumi config set guard false", "npm run up"),
            fix("Use an image with a shell", "pulumi config set --path images.api IMAGE", "npm run up"),
        );
    }
    if (nodeProblem.test(problem)) {
        return podWaitsForNode(pod, problem);
    }
    return error(
        "pod-cannot-start",
        `Pod ${name} cannot start: ${problem}`,
        fix(
            "See its events and its log",
            `kubectl describe pod ${name} --namespace ${namespace}`,
            `kubectl logs ${name} --namespace ${namespace} --all-containers --previous`,
        ),
        takeBack,
    );
}

/** A volume that is on another node, in the words of the scheduler from Kubernetes 1.34 on, and until then. */
const tiedVolume = /PersistentVolume's node affinity|volume node affinity/;

/** A claim that the old pod still has. A node that does not answer never says that the pod has ended. */
const heldClaim = "ReadWriteOncePod";

const nodeProblem = new RegExp(`${tiedVolume.source}|${heldClaim}|were unschedulable|untolerated taint`);

/** A pod that waits for a node that is drained or dead. No change of the config has caused that. */
function podWaitsForNode({ metadata, spec }: Pod, problem: string): Finding {
    const { name, namespace = "" } = metadata;
    const isTied = tiedVolume.test(problem);
    const giveUp = "kubectl taint nodes NODE node.kubernetes.io/out-of-service=nodeshutdown:NoExecute";
    return error(
        "node-unavailable",
        `Pod ${name} waits for a node: ${problem}${isTied ? " Only the node with its volume can run it." : ""}`,
        fix("See which nodes are Ready", "kubectl get nodes"),
        fix("If the node is cordoned", "kubectl uncordon NODE"),
        problem.includes(heldClaim) && fix("If the node of the old pod is switched off", giveUp),
        isTied &&
            fix(
                "If the node is lost, delete its claims, and restore a backup that is elsewhere",
                giveUp,
                `kubectl delete pvc ${claimsOf(spec).join(" ")} --namespace ${namespace}`,
                "npm run up",
                "npm run restore -- NAME",
            ),
        problem.includes("Insufficient") && takeBack,
    );
}
