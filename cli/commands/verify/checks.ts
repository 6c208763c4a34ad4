/** What the chapter teaches, and what the config has switched on beside it, as checks on a live stack. Nothing changes. */
import {
    type ClusterEvent,
    type ConfigMap,
    type Container,
    type Deployment,
    type EndpointSlice,
    type Pod,
    type PodSpec,
    hasEnded,
} from "../../../kubernetes/objects.ts";
import { newest, podProblem } from "../../../kubernetes/obstacles.ts";
import { findExposureObject } from "../../../kubernetes/ingress.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import {
    type Part,
    apiVolumeName,
    backupName,
    cachePaths,
    cacheVolumeName,
    configMapName,
    guardName,
    serviceName,
    workloadName,
} from "../../../model/names.ts";
import { memoryProblem, render } from "../../../pods/database.ts";
import { cronJobIn, missingBackups } from "../../../preflight/backups.ts";
import { isComplete, isPodOf } from "../../../preflight/rollout.ts";
import { recordedIn } from "../../../pulumi/state.ts";
import { candidates, firstAnswering } from "../../addresses.ts";
import type { LiveSession } from "../../session.ts";

export interface Check {
    /** Heading under which it is shown, which is the chapter's if it has one. */
    readonly heading: string;
    /** What was tried: if there is one, a command that a person can repeat. */
    readonly tried: string;
    /** What was seen, or why nothing was tried. */
    readonly seen: string;
    readonly result: "ok" | "failed" | "skipped";
}

export const addressHeading = "The addresses";

const answerSeconds = 15;
const usesFile = "API_DB_FILEPATH found! Using filesystem database";

/** A live stack, with the pods of its namespace that have not ended and are not being deleted. */
export interface LiveStack extends NamespaceSnapshot {
    readonly session: LiveSession;
}

export async function readLiveStack(session: LiveSession): Promise<LiveStack> {
    const snapshot = await readNamespace(session.client, session.outputs.namespaceName, "data");
    const pods = snapshot.pods.filter((pod) => !pod.metadata.deletionTimestamp && !hasEnded(pod));
    return { ...snapshot, pods, session };
}

/** Everything that can be checked by looking. */
export async function* checksOf(live: LiveStack): AsyncGenerator<Check> {
    const { guard, backups } = live.session.settings;
    yield await apiLog(live);
    yield* deploymentNames(live).map((name) => running(name, live));
    yield sharedVolume(live);
    yield await behindService(live);
    yield claim(live);
    yield apiVolume(live);
    yield* await memoryCheck(live);
    yield* guard ? [await guardCheck(live)] : [];
    yield* backups ? [backupsCheck(live)] : [];
    yield* await addressChecks(live);
}

/** A check: ok if the condition holds. It is skipped if that is undefined. */
export function check(heading: string, tried: string, ok: boolean | undefined, seen: string): Check {
    return { heading, tried, seen, result: ok === undefined ? "skipped" : ok ? "ok" : "failed" };
}

async function apiLog(live: LiveStack): Promise<Check> {
    const name = workloadName("api");
    const pod = live.pods.find(({ metadata }) => metadata.labels?.app === name);
    const path = `${pathOf(live, "pods")}/${pod?.metadata.name ?? ""}/log?container=${name}`;
    const log = pod && (await live.session.client.read<string>(path));
    const found = log?.kind === "found" && log.body.includes(usesFile);
    const problem = log?.kind === "found" ? `has no line "${usesFile}"` : "cannot be read";
    const seen = found ? usesFile : `the log ${problem}`;
    return check("Storage in Kubernetes", `kubectl logs deployment/${name}`, found, seen);
}

/** As `kubectl rollout status` decides it. The parts of the app, and what else the program declares. */
function running(name: string, live: LiveStack): Check {
    const deployment = deploymentOf(live, name);
    const { spec, status } = deployment ?? {};
    // The replicas are what Kubernetes aims for, by the program or by an autoscaler.
    const wanted = spec?.replicas ?? 0;
    const isDoubled = name === workloadName("api") && wanted > 1;
    const containers = spec?.template?.spec?.containers?.length ?? 0;
    const pods = deployment ? live.pods.filter((pod) => isPodOf(deployment, pod)) : [];
    const problems = new Set(pods.flatMap((pod) => podProblem(pod) ?? []));
    const ready = `${status?.availableReplicas ?? 0} of ${wanted} pods ready, containers in each: ${containers}`;
    const notes = [isDoubled ? "Two pods on one file lose messages" : [], ...problems].flat();
    const ok = deployment !== undefined && wanted > 0 && !isDoubled && isComplete(deployment);
    const seen = deployment ? [ready, ...notes].join(". ") : `there is no Deployment ${name}`;
    return check("Containers in pods", `kubectl get deployment ${name}`, ok, seen);
}

function sharedVolume(live: LiveStack): Check {
    const spec = specOf(live, "crawler");
    const volume = spec.volumes?.find(({ name }) => name === cacheVolumeName);
    const containers = spec.containers ?? [];
    const mounting = containers.filter((one) => mountPath(one, cacheVolumeName) === cachePaths.mountPath);
    const ok = volume?.emptyDir !== undefined && mounting.length > 0 && mounting.length === containers.length;
    const by = `${mounting.length} of ${containers.length} containers`;
    const seen = `${describeVolume(volume)}, mounted at ${cachePaths.mountPath} by ${by}`;
    const tried = `${cacheVolumeName} of Deployment ${workloadName("crawler")}`;
    return check("Ephemeral volumes", tried, ok, seen);
}

async function behindService(live: LiveStack): Promise<Check> {
    const selector = `kubernetes.io/service-name=${serviceName("crawler")}`;
    const query = `labelSelector=${encodeURIComponent(selector)}`;
    const path = `/apis/discovery.k8s.io/v1/namespaces/${live.name}/endpointslices?${query}`;
    const slices = await live.session.client.list<EndpointSlice>(path);
    const ports = [...new Set(slices.flatMap(({ ports }) => (ports ?? []).map(({ port }) => port)))];
    const first = specOf(live, "crawler").containers?.[0]?.ports?.[0]?.containerPort;
    const isFirst = ports.length === 1 && ports[0] === first;
    const seen = `port ${ports.join(", ") || "none"}: ${isFirst ? "" : "not "}the first container only`;
    return check("Ephemeral volumes", `kubectl get endpointslices --selector ${selector}`, isFirst, seen);
}

function claim({ api, claims, session }: LiveStack): Check {
    const mounted = api?.claim;
    const { metadata, spec, status } = claims?.find((one) => one.metadata.name === mounted) ?? {};
    const isEphemeral = session.outputs.storageMode === "ephemeral";
    const phase = metadata?.deletionTimestamp ? "Terminating" : status?.phase;
    const ok = isEphemeral ? mounted === undefined : phase === "Bound";
    const { volumeName, resources, accessModes, storageClassName } = spec ?? {};
    const [size, modes] = [resources?.requests?.storage, accessModes?.join(",")];
    const columns = [mounted ?? "none", phase, volumeName, size, modes, storageClassName];
    return check("Persistence", "kubectl get pvc", ok, `the api mounts ${columns.filter(Boolean).join(" ")}`);
}

function apiVolume(live: LiveStack): Check {
    const { storageMode } = live.session.outputs;
    const { volumes = [], containers = [] } = specOf(live, "api");
    const volume = volumes.find(({ name }) => name === apiVolumeName);
    const [mounted] = containers.map((container) => mountPath(container, apiVolumeName));
    const config = objectOf(live, "ConfigMap", configMapName("api")) as ConfigMap | undefined;
    const file = config?.data?.API_DB_FILEPATH;
    const isOfMode = storageMode === "persistent" ? volume?.persistentVolumeClaim : volume?.emptyDir;
    const hasFile = mounted !== undefined && file?.startsWith(`${mounted}/`) === true;
    const where = `${describeVolume(volume)} at ${mounted ?? "no path"} with ${storageMode} storage`;
    const seen = `${where}, and API_DB_FILEPATH is ${file ?? "not set"}`;
    const tried = `${apiVolumeName} of Deployment ${workloadName("api")}`;
    return check("Attach persistence", tried, isOfMode !== undefined && hasFile, seen);
}

/** None if the api does not answer, which other checks say. */
async function memoryCheck({ session: { api, settings } }: LiveStack): Promise<readonly Check[]> {
    const messages = await api.messagesAt(api.serviceProxy());
    return messages ? [memoryCheckOf(Buffer.byteLength(render(messages)), settings.apiMemory)] : [];
}

/** @param memory that the api may use, in MiB. */
export function memoryCheckOf(size: number, memory: number): Check {
    const problem = memoryProblem(size, memory * 2 ** 20);
    const seen = problem ?? `${memory} MiB of memory are enough`;
    return check("Resource limits", "GET /messages", problem === undefined, seen);
}

async function guardCheck(live: LiveStack): Promise<Check> {
    const selector = `reportingComponent=${guardName}`;
    const path = `${pathOf(live, "events")}?fieldSelector=${encodeURIComponent(selector)}`;
    const events = await live.session.client.list<ClusterEvent>(path);
    return guardCheckOf(events, live.pods, `kubectl get events --field-selector ${selector}`);
}

/** Restarts and repairs do not fail the check: they are what the guard is for. Kubernetes keeps Events for an hour. */
export function guardCheckOf(events: readonly ClusterEvent[], pods: readonly Pod[], tried: string): Check {
    const because = (...reasons: string[]) => events.filter(({ reason = "" }) => reasons.includes(reason));
    const count = (reason: string) => because(reason).length;
    const states = because("ApiGuardFailed", "ApiGuardRecovered");
    const failing = pods
        .map(({ metadata }) => newest(states.filter((one) => one.involvedObject?.name === metadata.name)))
        .flatMap((last) => (last?.reason === "ApiGuardFailed" ? (last.message ?? last.reason) : []));
    const counts =
        `in the last hour: restarts ${count("ApiRestarted")}, repairs ${count("ApiFileRepaired")}, ` +
        `shorter files ${count("ApiFileShorter")}, messages put back ${count("ApiMessagesPutBack")}`;
    return check("Guard", tried, failing.length === 0, failing.join(" ") || counts);
}

function backupsCheck({ objects, session: { settings } }: LiveStack): Check {
    const problems = missingBackups(settings, { objects });
    const cronJob = cronJobIn(objects);
    const newest = `the newest scheduled backup: ${cronJob?.status?.lastSuccessfulTime ?? "none yet"}`;
    const seen = problems.map(({ reason }) => reason).join(" ") || newest;
    const ok = cronJob !== undefined && problems.length === 0;
    return check("Backups", `kubectl get cronjob ${backupName}`, ok, seen);
}

/** The object that publishes the addresses, and both addresses as a browser on this machine meets them. */
async function addressChecks({ name: namespace, session }: LiveStack): Promise<readonly Check[]> {
    const { client, settings, outputs } = session;
    const exposure = await findExposureObject(client, namespace, settings.exposure.kind);
    if (!exposure) {
        return [];
    }
    const { kind, name, addresses: published } = exposure;
    const tried = `kubectl get ${kind.toLowerCase()} ${name}`;
    if (!published) {
        return [check(addressHeading, tried, false, `there is no ${kind} ${name}`)];
    }
    const addresses = await candidates(session, namespace);
    const asked = [outputs.webUrl, `${outputs.apiUrl}/messages`].map(async (url) => {
        const address = await firstAnswering(url, addresses, answerSeconds);
        const seen = address ? `200 at ${address}` : `no answer at ${addresses.join(" or ")}`;
        return check(addressHeading, `GET ${url}`, address !== undefined, seen);
    });
    const seen = published.join(", ") || "no address published";
    return [check(addressHeading, tried, true, seen), ...(await Promise.all(asked))];
}

/** The path of the stack's objects of a kind of the core group. */
export function pathOf({ name }: LiveStack, resource: "pods" | "persistentvolumeclaims" | "events"): string {
    return `/api/v1/namespaces/${name}/${resource}`;
}

/** The parts of the app, and the Deployments that users have added to the program. */
function deploymentNames({ name, session }: LiveStack): readonly string[] {
    const added = recordedIn(session.state)
        .objects.filter(({ kind, metadata }) => kind === "Deployment" && metadata.namespace === name)
        .map(({ metadata }) => metadata.name);
    return [...new Set([...(["api", "crawler", "web"] as const).map(workloadName), ...added])];
}

function objectOf({ objects }: LiveStack, kind: string, name: string): unknown {
    return objects.find((one) => one.kind === kind && one.metadata.name === name);
}

function deploymentOf(live: LiveStack, name: string): Deployment | undefined {
    return objectOf(live, "Deployment", name) as Deployment | undefined;
}

/** The pods of a part as its Deployment declares them: without what a service mesh adds. */
export function specOf(live: LiveStack, part: Part): PodSpec {
    return deploymentOf(live, workloadName(part))?.spec?.template?.spec ?? {};
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
