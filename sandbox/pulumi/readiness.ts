/**
 * When an object counts as ready, told from what the API server shows. Pure: `await.ts` fetches and watches.
 * The conditions are the official provider's (version 4.34), where not said otherwise.
 */
import {
    type Json,
    type JsonObject,
    at,
    countAt,
    deepEqual,
    isObject,
    listAt,
    objectAt,
    textAt,
    shown,
} from "./json.ts";

/** Ready; or still waiting, for what; or failed for good, why. */
export type Verdict = { ready: true } | { ready: false; waiting: string } | { ready: false; failed: string };

const READY: Verdict = { ready: true };
const waiting = (text: string): Verdict => ({ ready: false, waiting: text });
const failed = (text: string): Verdict => ({ ready: false, failed: text });

export function condition(object: Json | undefined, type: string): JsonObject | undefined {
    return listAt(object, "status", "conditions")
        .filter(isObject)
        .find((item) => item.type === type);
}

const isTrue = (object: Json | undefined, type: string): boolean =>
    condition(object, type)?.status === "True";

/** By `apiVersion/kind`; a kind that is not here is ready as soon as it exists. */
export const RULES: Record<string, ((object: JsonObject) => Verdict) | undefined> = {
    "apps/v1/Deployment": deployment,
    "apps/v1/StatefulSet": statefulSet,
    "apps/v1/DaemonSet": daemonSet,
    "batch/v1/Job": job,
    "networking.k8s.io/v1/Ingress": ingress,
    "v1/Namespace": namespace,
    "v1/PersistentVolume": persistentVolume,
    "v1/PersistentVolumeClaim": claim,
    "v1/Pod": pod,
    "v1/ReplicationController": replicationController,
    "v1/ResourceQuota": resourceQuota,
    "v1/Secret": secret,
    "v1/Service": loadBalancer,
};

const observed = (object: JsonObject): boolean =>
    countAt(object, "status", "observedGeneration") >= countAt(object, "metadata", "generation");

/** The rollout is over: all pods are of the new template and available, and no old one is left (as `kubectl rollout status`). */
export function deployment(object: JsonObject): Verdict {
    if (!observed(object)) {
        return waiting("[1/2] waiting for the deployment controller");
    }
    if (at(object, "spec", "paused") === true) {
        return READY;
    }
    const progress = condition(object, "Progressing");
    if (progress?.reason === "ProgressDeadlineExceeded") {
        return failed(textAt(progress, "message") ?? "its rollout exceeded the progress deadline");
    }
    const wanted = countAt(object, "spec", "replicas");
    const updated = countAt(object, "status", "updatedReplicas");
    const available = countAt(object, "status", "availableReplicas");
    const old = countAt(object, "status", "replicas") - updated;
    if (updated < wanted) {
        return waiting(`[1/2] ${updated} of ${wanted} pods are of the new version`);
    }
    if (old > 0) {
        return waiting(`[1/2] waiting for ${old} old pods to end`);
    }
    return available < wanted ? waiting(`[2/2] ${available} of ${wanted} pods are available`) : READY;
}

export function statefulSet(object: JsonObject): Verdict {
    if (!observed(object)) {
        return waiting("[1/2] waiting for the stateful set controller");
    }
    const wanted = countAt(object, "spec", "replicas");
    const ready = countAt(object, "status", "readyReplicas");
    const updated = countAt(object, "status", "updatedReplicas");
    const partition = countAt(object, "spec", "updateStrategy", "rollingUpdate", "partition");
    if (at(object, "spec", "updateStrategy", "type") !== "OnDelete" && updated < wanted - partition) {
        return waiting(`[1/2] ${updated} of ${wanted - partition} pods are of the new version`);
    }
    return ready < wanted ? waiting(`[2/2] ${ready} of ${wanted} pods are ready`) : READY;
}

export function daemonSet(object: JsonObject): Verdict {
    if (!observed(object)) {
        return waiting("[1/2] waiting for the daemon set controller");
    }
    const wanted = countAt(object, "status", "desiredNumberScheduled");
    const updated = countAt(object, "status", "updatedNumberScheduled");
    const available = countAt(object, "status", "numberAvailable");
    if (at(object, "spec", "updateStrategy", "type") !== "OnDelete" && updated < wanted) {
        return waiting(`[1/2] ${updated} of ${wanted} pods are of the new version`);
    }
    return available < wanted ? waiting(`[2/2] ${available} of ${wanted} pods are available`) : READY;
}

export function replicationController(object: JsonObject): Verdict {
    const wanted = countAt(object, "spec", "replicas");
    const available = countAt(object, "status", "availableReplicas");
    return available === wanted ? READY : waiting(`${available} of ${wanted} pods are available`);
}

export function job(object: JsonObject): Verdict {
    if (isTrue(object, "Complete")) {
        return READY;
    }
    const failure = condition(object, "Failed");
    if (failure?.status === "True") {
        return failed(
            `the job failed: ${textAt(failure, "message") ?? textAt(failure, "reason") ?? "no reason given"}`,
        );
    }
    return waiting("waiting for the job to complete");
}

export function pod(object: JsonObject): Verdict {
    const phase = textAt(object, "status", "phase");
    if (phase === "Succeeded" || isTrue(object, "Ready")) {
        return READY;
    }
    return phase === "Failed"
        ? failed(textAt(object, "status", "message") ?? "the pod failed")
        : waiting("waiting for the pod to be ready");
}

export function namespace(object: JsonObject): Verdict {
    return textAt(object, "status", "phase") === "Active"
        ? READY
        : waiting("waiting for the namespace to be active");
}

export function ingress(object: JsonObject): Verdict {
    return listAt(object, "status", "loadBalancer", "ingress").length > 0
        ? READY
        : waiting("waiting for an ingress controller to publish an address");
}

/** Other than a load balancer, a service has what it needs at once (its endpoints are looked at apart from it). */
export function loadBalancer(object: JsonObject): Verdict {
    const pending =
        textAt(object, "spec", "type") === "LoadBalancer" &&
        listAt(object, "status", "loadBalancer", "ingress").length === 0;
    return pending ? waiting("waiting for a load balancer's address") : READY;
}

export function claim(object: JsonObject): Verdict {
    const phase = textAt(object, "status", "phase");
    if (phase === "Lost") {
        return failed("the claim lost its volume");
    }
    return phase === "Bound" ? READY : waiting("waiting for the claim to be bound to a volume");
}

/** A class that waits for the first pod binds nothing before there is one, so the claim is ready as it is. */
export function claimOfWaitingClass(object: JsonObject): Verdict {
    return textAt(object, "status", "phase") === "Pending" ? READY : claim(object);
}

export function persistentVolume(object: JsonObject): Verdict {
    const phase = textAt(object, "status", "phase") ?? "";
    return ["Available", "Bound"].includes(phase) ? READY : waiting("waiting for the volume to be available");
}

export function resourceQuota(object: JsonObject): Verdict {
    return deepEqual(objectAt(object, "spec", "hard"), objectAt(object, "status", "hard"))
        ? READY
        : waiting("waiting for the quota to take effect");
}

export function secret(object: JsonObject): Verdict {
    const filledLater = textAt(object, "type") === "kubernetes.io/service-account-token";
    return filledLater && Object.keys(objectAt(object, "data")).length === 0
        ? waiting("waiting for the token")
        : READY;
}

/** True if requests to the service go to pods that it selects itself. */
export function selectsPods(service: JsonObject): boolean {
    const spec = objectAt(service, "spec");
    const selects = Object.keys(objectAt(spec, "selector")).length > 0;
    return selects && spec.type !== "ExternalName" && spec.clusterIP !== "None";
}

export function endpoints(slices: JsonObject[]): Verdict {
    const ready = slices
        .flatMap((slice) => listAt(slice, "endpoints"))
        .some((endpoint) => at(endpoint, "conditions", "ready") !== false);
    return ready ? READY : waiting("[1/2] waiting for a ready pod behind the service");
}

/**
 * The annotation `pulumi.com/waitFor` instead of the rules above: `condition=Type`, `condition=Type=Status`,
 * `jsonpath={.a.b}=value`, `jsonpath={.a.b}`, or a JSON list of these. Any other path syntax is not covered.
 */
export function customRule(text: string): (object: JsonObject) => Verdict {
    const expressions = text.startsWith("[") ? (JSON.parse(text) as string[]) : [text];
    const rules = expressions.map((expression) => {
        const byCondition = /^condition=([^=]+)(?:=(.+))?$/.exec(expression);
        const byPath = /^jsonpath=\{?((?:\.[\w-]+)+)\}?(?:=(.+))?$/.exec(expression);
        if (byCondition?.[1] !== undefined) {
            const [, type, status = "True"] = byCondition;
            return (object: JsonObject) => condition(object, type)?.status === status;
        }
        if (byPath?.[1] !== undefined) {
            const path = byPath[1].slice(1).split(".");
            const wanted = byPath[2];
            return (object: JsonObject) => {
                const value = at(object, ...path);
                return value !== undefined && (wanted === undefined || shown(value) === wanted);
            };
        }
        throw new Error(`pulumi.com/waitFor: this provider does not cover "${expression}"`);
    });
    return (object) =>
        rules.every((rule) => rule(object)) ? READY : waiting(`waiting for ${expressions.join(", ")}`);
}

/** What keeps pods from being ready, one line a pod and reason. */
export function podTroubles(pods: JsonObject[]): string[] {
    return pods.filter((pod) => at(pod, "metadata", "deletionTimestamp") === undefined).flatMap(troublesOf);
}

function troublesOf(pod: JsonObject): string[] {
    const name = textAt(pod, "metadata", "name") ?? "?";
    const scheduled = condition(pod, "PodScheduled");
    if (scheduled?.status === "False") {
        return [`pod ${name} is not scheduled: ${textAt(scheduled, "message") ?? "no reason given"}`];
    }
    const statuses = [
        ...listAt(pod, "status", "initContainerStatuses"),
        ...listAt(pod, "status", "containerStatuses"),
    ];
    return statuses.flatMap((status) => {
        const trouble = containerTrouble(status);
        return trouble === undefined
            ? []
            : [`pod ${name}, container ${textAt(status, "name") ?? "?"}: ${trouble}`];
    });
}

/** Reasons of a waiting container that are a stage on the way, not a trouble. */
const USUAL_WAITS = ["ContainerCreating", "PodInitializing"];

function containerTrouble(status: Json): string | undefined {
    const wait = at(status, "state", "waiting");
    const reason = textAt(wait, "reason");
    if (reason !== undefined && !USUAL_WAITS.includes(reason)) {
        const message = textAt(wait, "message");
        const exit = at(status, "lastState", "terminated", "exitCode");
        const ended = exit === undefined ? "" : ` (it ended with exit code ${shown(exit)})`;
        return message === undefined ? reason + ended : `${reason}: ${message}${ended}`;
    }
    const terminated = at(status, "state", "terminated");
    if (countAt(terminated, "exitCode") !== 0) {
        return `ended with exit code ${countAt(terminated, "exitCode")} (${textAt(terminated, "reason") ?? "no reason"})`;
    }
    const running = at(status, "state", "running") !== undefined;
    return running && at(status, "ready") === false ? "running, but not ready" : undefined;
}

/** What holds an object that is being deleted; the two usual finalizers say no more than that something is left. */
export function deletionHolders(object: JsonObject): string {
    const conditions = listAt(object, "status", "conditions")
        .filter((item) => textAt(item, "status") === "True")
        .map((item) => textAt(item, "message"))
        .filter((message) => message !== undefined);
    const finalizers = [...listAt(object, "metadata", "finalizers"), ...listAt(object, "spec", "finalizers")]
        .map(shown)
        .filter((name) => name !== "kubernetes" && name !== "foregroundDeletion");
    if (textAt(object, "kind") === "Namespace" && conditions.length > 0) {
        return conditions.join("; ");
    }
    return finalizers.length > 0
        ? `held by its finalizers: ${finalizers.join(", ")}`
        : "what belongs to it is deleted first";
}
