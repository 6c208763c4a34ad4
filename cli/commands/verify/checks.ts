/** What the chapter teaches, as checks on what was seen of a live stack. Pure: each result has a unit test. */
import type { ConfigMap, Container, Pod, PodSpec } from "../../../kubernetes/objects.ts";
import {
    type Part,
    apiVolumeName,
    cachePaths,
    cacheVolumeName,
    configMapName,
    serviceName,
    workloadName,
} from "../../../model/names.ts";
import { type LiveStack, deploymentOf, objectOf, podsOf, specOf } from "./live.ts";

/** One line of the output. */
export interface Check {
    /** Heading under which it is shown, which is the chapter's if it has one. */
    readonly heading: string;
    /** What was tried: if there is one, a command that a person can repeat. */
    readonly tried: string;
    /** What was seen, or why nothing was tried. */
    readonly seen: string;
    readonly result: "ok" | "failed" | "skipped";
}

/** Heading of the checks on the addresses. */
export const addressHeading = "The addresses";

const usesFile = "API_DB_FILEPATH found! Using filesystem database";

/** Everything that can be checked by looking. */
export function checksOf(live: LiveStack): readonly Check[] {
    return [
        apiLog(live),
        ...(["api", "crawler", "web"] as const).map((part) => podsReady(part, live)),
        sharedVolume(live),
        ownPorts(live),
        behindService(live),
        claim(live),
        apiVolume(live),
        apiFile(live),
    ];
}

/** A check: ok if the condition holds. */
export function check(heading: string, tried: string, ok: boolean, seen: string): Check {
    return { heading, tried, seen, result: ok ? "ok" : "failed" };
}

function apiLog({ apiLog: log }: LiveStack): Check {
    const found = log?.includes(usesFile) ?? false;
    const missing = log === undefined ? "the log cannot be read" : `the log has no line "${usesFile}"`;
    return check(
        "Storage in Kubernetes",
        `kubectl logs deployment/${workloadName("api")}`,
        found,
        found ? usesFile : missing,
    );
}

function podsReady(part: Part, live: LiveStack): Check {
    const deployment = deploymentOf(live, part);
    const heading = "Containers in pods";
    const tried = `kubectl get pods --selector app=${workloadName(part)}`;
    if (!deployment) {
        return check(heading, tried, false, `there is no Deployment ${workloadName(part)}`);
    }
    const wanted = deployment.spec?.replicas ?? 0;
    const own = ownContainers(deployment.spec?.template?.spec);
    const counts = podsOf(live, part).map((pod) => readyContainers(pod, own));
    const ready = counts.filter((count) => count === own.length).length;
    const shown = counts.map((count) => `${count}/${own.length}`).join(", ");
    // The replicas are what Kubernetes aims for, by the program or by an autoscaler.
    const isDoubled = part === "api" && wanted > 1;
    return check(
        heading,
        tried,
        wanted > 0 && !isDoubled && ready >= wanted,
        `${ready} of ${wanted} pods ready (${shown || "none"})` +
            (isDoubled ? ". Two pods on one file lose messages" : ""),
    );
}

/** The names of the containers that a pod is ready with: native sidecars are init containers that go on running. */
function ownContainers({ containers = [], initContainers = [] }: PodSpec = {}): readonly string[] {
    const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
    return [...containers, ...sidecars].map(({ name = "" }) => name);
}

/** How many of these containers are ready. A service mesh may have added others to the pod. */
function readyContainers({ status }: Pod, own: readonly string[]): number {
    const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
    return all.filter(({ name = "", ready }) => ready && own.includes(name)).length;
}

function sharedVolume(live: LiveStack): Check {
    const spec = specOf(live, "crawler");
    const volume = spec.volumes?.find(({ name }) => name === cacheVolumeName);
    const containers = spec.containers ?? [];
    const mounting = containers.filter((one) => mountPath(one, cacheVolumeName) === cachePaths.mountPath);
    return check(
        "Ephemeral volumes",
        `${cacheVolumeName} of Deployment ${workloadName("crawler")}`,
        volume?.emptyDir !== undefined && mounting.length > 0 && mounting.length === containers.length,
        `${describeVolume(volume)}, mounted at ${cachePaths.mountPath} by ${mounting.length} of ${containers.length} containers`,
    );
}

function ownPorts({ crawlerPorts }: LiveStack): Check {
    const silent = crawlerPorts.filter(({ answer }) => answer === undefined);
    const containers = new Set(crawlerPorts.map(({ container, port }) => `${container} ${port}`));
    const ports = [...new Set(crawlerPorts.map(({ port }) => port))];
    const missing = silent.map(({ container, port }) => `${container} does not answer on ${port}`).join(", ");
    return check(
        "Ephemeral volumes",
        "GET /healthz on the port of each crawler container",
        crawlerPorts.length > 0 && silent.length === 0 && ports.length === containers.size,
        missing || (ports.length > 0 ? `they answer on ${ports.join(", ")}` : "no crawler container runs"),
    );
}

function behindService(live: LiveStack): Check {
    const label = "kubernetes.io/service-name";
    const slices = live.slices.filter(({ metadata }) => metadata.labels?.[label] === serviceName("crawler"));
    const ports = [...new Set(slices.flatMap(({ ports }) => (ports ?? []).map(({ port }) => port)))];
    const first = specOf(live, "crawler").containers?.[0]?.ports?.[0]?.containerPort;
    const isFirst = ports.length === 1 && ports[0] === first;
    return check(
        "Ephemeral volumes",
        `kubectl get endpointslices --selector ${label}=${serviceName("crawler")}`,
        isFirst,
        `port ${ports.join(", ") || "none"}: ${isFirst ? "the first container only" : "not the first container only"}`,
    );
}

function claim(live: LiveStack): Check {
    const heading = "Persistence";
    const tried = "kubectl get pvc";
    const mounted = live.api?.claim;
    if (live.storageMode === "ephemeral") {
        const kept = (live.claims ?? [])
            .map(({ metadata }) => metadata.name)
            .filter((name) => name !== mounted);
        const unmounted = kept.length > 0 ? `${kept.join(", ")}, which the api does not mount` : "none";
        return check(heading, tried, mounted === undefined, mounted ?? unmounted);
    }
    const found = live.claims?.find(({ metadata }) => metadata.name === mounted);
    if (!found) {
        const missing = mounted ? `there is no claim ${mounted}` : "the api mounts none";
        return check(heading, tried, false, missing);
    }
    const { metadata, spec, status } = found;
    const columns = [
        metadata.name,
        status?.phase,
        spec?.volumeName,
        spec?.resources?.requests?.storage,
        spec?.accessModes?.join(","),
        spec?.storageClassName,
    ];
    return check(heading, tried, status?.phase === "Bound", columns.filter(Boolean).join(" "));
}

function apiVolume(live: LiveStack): Check {
    const volume = specOf(live, "api").volumes?.find(({ name }) => name === apiVolumeName);
    const ok =
        live.storageMode === "persistent"
            ? volume?.persistentVolumeClaim !== undefined
            : volume?.emptyDir !== undefined;
    return check(
        "Attach persistence",
        `${apiVolumeName} of Deployment ${workloadName("api")}`,
        ok,
        `${describeVolume(volume)}, and storageMode is ${live.storageMode}`,
    );
}

function apiFile(live: LiveStack): Check {
    const name = configMapName("api");
    const config = objectOf(live, "ConfigMap", name) as ConfigMap | undefined;
    const file = config?.data?.API_DB_FILEPATH;
    const [container] = specOf(live, "api").containers ?? [];
    const mounted = container && mountPath(container, apiVolumeName);
    return check(
        "Attach persistence",
        `kubectl get configmap ${name} --output yaml`,
        file !== undefined && mounted !== undefined && file.startsWith(`${mounted}/`),
        `API_DB_FILEPATH is ${file ?? "not set"}, and the volume is mounted at ${mounted ?? "no path"}`,
    );
}

/** The object that publishes the app's addresses. */
export function exposureCheck({ kind, name, addresses }: NonNullable<LiveStack["exposure"]>): Check {
    return check(
        addressHeading,
        `kubectl get ${kind.toLowerCase()} ${name}`,
        addresses !== undefined,
        addresses ? addresses.join(", ") || "no address published" : `there is no ${kind} ${name}`,
    );
}

function mountPath({ volumeMounts = [] }: Container, volume: string): string | undefined {
    return volumeMounts.find(({ name }) => name === volume)?.mountPath;
}

function describeVolume(volume: NonNullable<PodSpec["volumes"]>[number] | undefined): string {
    if (volume?.persistentVolumeClaim) {
        return `claim ${volume.persistentVolumeClaim.claimName ?? ""}`;
    }
    return volume ? (volume.emptyDir ? "emptyDir" : "another kind of volume") : "no such volume";
}
