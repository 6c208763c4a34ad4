/** Whether a rollout is complete, and why its pods do not start, in their own words. */
import { type Finding, type Fix, error } from "../model/finding.ts";
import { isStackName, kindOf, listPath } from "../model/kinds.ts";
import { guardName } from "../model/names.ts";
import { type Client, isProgramMissing } from "./client.ts";
import type { Deployment, Pod } from "./objects.ts";
import { lasting } from "./poll.ts";

/** Reasons of the kubelet that time alone does not cure. */
const persistentReasons = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

const takeBack: Fix = {
    to: "Take the last change of the config back",
    run: ["pulumi config set KEY OLD-VALUE", "npm run up"],
};

const patience = 20_000; // ms for which a pod may say that it cannot start: a pull that fails once may succeed

const interval = 200; // ms between two looks: whoever waits for a rollout notices a second

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
            const problems = await obstaclesOf(client, namespace, deployments);
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
export async function rolloutObstacles(client: Client, namespace: string): Promise<readonly Finding[]> {
    return obstaclesOf(client, namespace, await deploymentsIn(client, namespace));
}

async function obstaclesOf(
    client: Client,
    namespace: string,
    deployments: readonly Deployment[],
): Promise<readonly Finding[]> {
    const pods = (await client.listIfAllowed<Pod>(`/api/v1/namespaces/${namespace}/pods`)) ?? [];
    const own = pods.filter((pod) => deployments.some((deployment) => isPodOf(deployment, pod)));
    return [...podsNotCreated(deployments), ...podsThatCannotStart(own)];
}

function isPodOf({ spec }: Deployment, { metadata: { labels = {} } }: Pod): boolean {
    const wanted = Object.entries(spec?.selector?.matchLabels ?? {});
    return wanted.length > 0 && wanted.every(([label, value]) => labels[label] === value);
}

/** The namespace may have been prepared by somebody else, with Deployments of its own. */
async function deploymentsIn(client: Client, namespace: string): Promise<readonly Deployment[]> {
    const path = listPath(kindOf("Deployment"), namespace);
    const all = (await client.listIfAllowed<Deployment>(path)) ?? [];
    return all.filter(({ metadata }) => isStackName("Deployment", metadata.name));
}

/** A finding for each Deployment whose pods the cluster refuses: a quota, a policy, a service account that is missing. */
export function podsNotCreated(deployments: readonly Deployment[]): readonly Finding[] {
    return deployments.flatMap(({ metadata, status }) => {
        const { name, namespace = "" } = metadata;
        const failure = (status?.conditions ?? []).find(
            ({ type, status: is }) => type === "ReplicaFailure" && is === "True",
        );
        return failure
            ? error(
                  "pods-not-created",
                  `The cluster refuses the pods of Deployment ${name}: ${asEnd(failure.message ?? "")}`,
                  { to: "See what limits the namespace", run: [`kubectl describe namespace ${namespace}`] },
                  takeBack,
              )
            : [];
    });
}

/** A finding for each pod that cannot start. */
export function podsThatCannotStart(pods: readonly Pod[]): readonly Finding[] {
    return pods.flatMap((pod) => {
        const problem = problemOf(pod);
        if (problem === undefined) {
            return [];
        }
        const isGuarded = (pod.spec?.containers ?? []).some(({ name }) => name === guardName);
        return isGuarded && isProgramMissing(problem) ? noShell(pod, problem) : cannotStart(pod, problem);
    });
}

function noShell({ metadata: { name } }: Pod, problem: string): Finding {
    return error(
        "image-without-shell",
        `Pod ${name} cannot start, because the api's image has no shell, and with guard a shell supervises the api.\n${problem}`,
        { to: "Do without the guard", run: ["pulumi config set guard false", "npm run up"] },
        {
            to: "Use an image with a shell",
            run: ["pulumi config set --path images.api IMAGE", "npm run up"],
        },
    );
}

function cannotStart({ metadata: { name, namespace = "" } }: Pod, problem: string): Finding {
    return error(
        "pod-cannot-start",
        `Pod ${name} cannot start: ${asEnd(problem)}`,
        {
            to: "See its events and its log",
            run: [
                `kubectl describe pod ${name} --namespace ${namespace}`,
                `kubectl logs ${name} --namespace ${namespace} --all-containers --previous`,
            ],
        },
        takeBack,
    );
}

/** A text as the end of a sentence. */
function asEnd(text: string): string {
    return text.replace(/\.?$/, ".");
}

/** What holds a pod. Undefined if it runs, or may still start. */
function problemOf({ metadata, status }: Pod): string | undefined {
    if (metadata.deletionTimestamp) {
        return undefined;
    }
    const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    const waiting = statuses.flatMap(({ name = "", state, lastState }) => {
        const { reason = "", message = "" } = state?.waiting ?? {};
        // Why the container could not be started is in its last state: the waiting reason is only the back-off then.
        const cause = lastState?.terminated?.message ?? "";
        return persistentReasons.includes(reason)
            ? [`container ${name}: ${reason}. ${message} ${cause}`.trim()]
            : [];
    });
    if (waiting.length > 0) {
        return waiting.join("; ");
    }
    const unscheduled = (status?.conditions ?? []).find(
        ({ type, status: is }) => type === "PodScheduled" && is === "False",
    );
    return unscheduled && `${unscheduled.reason ?? ""}: ${unscheduled.message ?? ""}`;
}
