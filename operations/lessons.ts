/** The chapter's lessons as checks on what was seen of a live stack. Pure: each verdict has a unit test. */
import type { Claim, Container, Deployment, Live, Pod, Volume } from "./live";

/** One line of the walk. */
export interface Check {
    /** The chapter's heading that it belongs to. */
    readonly lesson: string;
    /** What was tried: where there is one, a command that a person can repeat. */
    readonly tried: string;
    /** What was seen, or why nothing was tried. */
    readonly seen: string;
    readonly result: "ok" | "failed" | "skipped";
}

const usesFile = "API_DB_FILEPATH found! Using filesystem database";

/** Everything that can be checked by looking. */
export function lessons(live: Live): Check[] {
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

/** A check's line: ok where the condition holds. */
export function check(lesson: string, tried: string, ok: boolean, seen: string): Check {
    return { lesson, tried, seen, result: ok ? "ok" : "failed" };
}

function apiLog({ apiLog: log }: Live): Check {
    const found = log?.includes(usesFile) ?? false;
    const seen = log === undefined ? "its log cannot be read" : `no line «${usesFile}»`;
    return check(
        "Storage in Kubernetes",
        "kubectl logs deployment/synergychat-api",
        found,
        found ? usesFile : seen,
    );
}

function podsReady(part: "api" | "crawler" | "web", live: Live): Check {
    const deployment = deploymentOf(live, part);
    const tried = `kubectl get pods --selector app=synergychat-${part}`;
    if (!deployment) {
        return check("Containers in pods", tried, false, `there is no deployment synergychat-${part}`);
    }
    const wanted = deployment.spec.replicas;
    const pods = live.pods.filter(({ metadata }) => metadata.labels?.app === `synergychat-${part}`);
    const containers = deployment.spec.template.spec.containers.length;
    const ready = pods.filter((pod) => readyContainers(pod) === containers);
    const shown = pods.map((pod) => `${readyContainers(pod)}/${pod.spec.containers.length}`).join(", ");
    const doubled = part === "api" && wanted > 1 ? ", and two on one file lose messages" : "";
    return check(
        "Containers in pods",
        tried,
        wanted > 0 && !doubled && ready.length === wanted && pods.length === wanted,
        `${ready.length} of ${wanted} pods ready (${shown || "none there"})${doubled}`,
    );
}

function readyContainers({ status }: Pod): number {
    return (status.containerStatuses ?? []).filter(({ ready }) => ready).length;
}

function sharedVolume(live: Live): Check {
    const spec = deploymentOf(live, "crawler")?.spec.template.spec;
    const volume = spec?.volumes?.find(({ name }) => name === "cache-volume");
    const containers = spec?.containers ?? [];
    const mounting = containers.filter((container) => mountPath(container, "cache-volume") === "/cache");
    return check(
        "Ephemeral volumes",
        "cache-volume of deployment synergychat-crawler",
        volume?.emptyDir !== undefined && mounting.length > 0 && mounting.length === containers.length,
        `${volumeInWords(volume)}, mounted at /cache by ${mounting.length} of ${containers.length} containers`,
    );
}

function ownPorts({ crawlerPorts }: Live): Check {
    const answering = crawlerPorts.filter(({ answer }) => answer !== undefined);
    const perPod = new Set(crawlerPorts.map(({ container, port }) => `${container} ${port}`));
    const ports = [...new Set(crawlerPorts.map(({ port }) => port))];
    const silent = crawlerPorts.filter(({ answer }) => answer === undefined);
    const seen = silent.map(({ container, port }) => `${container} does not answer on ${port}`).join(", ");
    return check(
        "Ephemeral volumes",
        "GET /healthz on the port of each crawler container",
        answering.length > 0 && silent.length === 0 && ports.length === perPod.size,
        seen || (ports.length > 0 ? `they answer on ${ports.join(", ")}` : "no crawler container runs"),
    );
}

function behindService(live: Live): Check {
    const slices = live.slices.filter(
        ({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === "crawler-service",
    );
    const ports = [...new Set(slices.flatMap(({ ports }) => (ports ?? []).map(({ port }) => port)))];
    const [first] = deploymentOf(live, "crawler")?.spec.template.spec.containers ?? [];
    return check(
        "Ephemeral volumes",
        "kubectl get endpointslices --selector kubernetes.io/service-name=crawler-service",
        ports.length === 1 && ports[0] === first?.ports?.[0]?.containerPort,
        `port ${ports.join(", ") || "none"}: ${ports.length === 1 ? "the first container alone" : "not the first container alone"}`,
    );
}

function claim(live: Live): Check {
    const mounted = mountedClaim(live);
    const tried = "kubectl get pvc";
    if (live.storageMode === "ephemeral") {
        const kept = live.claims.map(({ metadata }) => metadata.name).filter((name) => name !== mounted);
        const seen = kept.length > 0 ? `${kept.join(", ")}, which the api does not use` : "none";
        return check("Persistence", tried, mounted === undefined, mounted ?? seen);
    }
    const found = live.claims.find(({ metadata }) => metadata.name === mounted);
    if (!found) {
        return check(
            "Persistence",
            tried,
            false,
            mounted ? `there is no claim ${mounted}` : "the api uses none",
        );
    }
    return check("Persistence", tried, found.status.phase === "Bound", claimInWords(found));
}

function claimInWords({ metadata, spec, status }: Claim): string {
    const words = [
        metadata.name,
        status.phase,
        spec.volumeName,
        spec.resources.requests.storage,
        spec.accessModes.join(","),
        spec.storageClassName,
    ];
    return words.filter(Boolean).join(" ");
}

function apiVolume(live: Live): Check {
    const volume = databaseVolume(live);
    const ok =
        live.storageMode === "persistent"
            ? volume?.persistentVolumeClaim !== undefined
            : volume?.emptyDir !== undefined;
    return check(
        "Attach persistence",
        "synergychat-api-volume of deployment synergychat-api",
        ok,
        `${volumeInWords(volume)}; storageMode is ${live.storageMode}`,
    );
}

function apiFile(live: Live): Check {
    const file = live.apiConfig.API_DB_FILEPATH;
    const [container] = deploymentOf(live, "api")?.spec.template.spec.containers ?? [];
    const mounted = container && mountPath(container, "synergychat-api-volume");
    return check(
        "Attach persistence",
        "kubectl get configmap synergychat-api-configmap --output yaml",
        file !== undefined && mounted !== undefined && file.startsWith(`${mounted}/`),
        `API_DB_FILEPATH is ${file ?? "not set"}; the volume is mounted at ${mounted ?? "no path"}`,
    );
}

/** The deployment of one part of the app. */
export function deploymentOf(live: Live, part: string): Deployment | undefined {
    return live.deployments.find(({ metadata }) => metadata.name === `synergychat-${part}`);
}

/** The volume that the api keeps its messages on. */
export function databaseVolume(live: Live): Volume | undefined {
    const volumes = deploymentOf(live, "api")?.spec.template.spec.volumes ?? [];
    return volumes.find(({ name }) => name === "synergychat-api-volume");
}

function mountedClaim(live: Live): string | undefined {
    return databaseVolume(live)?.persistentVolumeClaim?.claimName;
}

function mountPath({ volumeMounts = [] }: Container, volume: string): string | undefined {
    return volumeMounts.find(({ name }) => name === volume)?.mountPath;
}

function volumeInWords(volume: Volume | undefined): string {
    if (volume?.persistentVolumeClaim) {
        return `claim ${volume.persistentVolumeClaim.claimName}`;
    }
    return volume ? (volume.emptyDir ? "emptyDir" : "another kind of volume") : "there is no such volume";
}
