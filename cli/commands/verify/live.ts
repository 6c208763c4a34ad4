/** What `npm run verify` sees of a live stack: its namespace, and beside it what the chapter speaks of. Nothing changes. */
import { type ExposureObject, findExposureObject } from "../../../kubernetes/ingress.ts";
import type { Client } from "../../../kubernetes/client.ts";
import {
    type Deployment,
    type EndpointSlice,
    type Pod,
    type PodSpec,
    hasEnded,
} from "../../../kubernetes/objects.ts";
import { type NamespaceSnapshot, readNamespace } from "../../../kubernetes/snapshot.ts";
import { type Part, workloadName } from "../../../model/names.ts";
import type { StorageMode } from "../../../model/storage.ts";
import type { LiveSession } from "../../session.ts";

/** A live stack, as far as the chapter speaks of it. */
export interface LiveStack extends NamespaceSnapshot {
    /** What the stack's outputs promise. */
    readonly storageMode: StorageMode;
    /** Pods that have not ended and are not being deleted. */
    readonly pods: readonly Pod[];
    readonly slices: readonly EndpointSlice[];
    /** The log of the api. Undefined if it cannot be read. */
    readonly apiLog: string | undefined;
    /** What `/healthz` answers on each port of each crawler container. */
    readonly crawlerPorts: readonly CrawlerPort[];
    /** The Ingress or the Gateway. Undefined if the app is not exposed. */
    readonly exposure: ExposureObject | undefined;
}

/** A port of a crawler container. */
export interface CrawlerPort {
    readonly container: string;
    readonly port: number;
    /** Undefined if nothing answers. */
    readonly answer: string | undefined;
}

/** Asks the cluster for everything. */
export async function readLiveStack({ client, outputs, settings }: LiveSession): Promise<LiveStack> {
    const { namespaceName, storageMode } = outputs;
    const [snapshot, slices, exposure] = await Promise.all([
        readNamespace(client, namespaceName, "data"),
        client.list<EndpointSlice>(`/apis/discovery.k8s.io/v1/namespaces/${namespaceName}/endpointslices`),
        findExposureObject(client, namespaceName, settings.exposure.kind),
    ]);
    const pods = snapshot.pods.filter((pod) => !pod.metadata.deletionTimestamp && !hasEnded(pod));
    const live = { ...snapshot, storageMode, pods, slices, exposure };
    const [apiPod] = podsOf(live, "api");
    const log = `${podsPath(live)}/${apiPod?.metadata.name ?? ""}/log?container=${workloadName("api")}`;
    return {
        ...live,
        apiLog: apiPod && (await text(client, log)),
        crawlerPorts: await crawlerPorts(client, live),
    };
}

/** Path of the pods of its namespace. */
export function podsPath({ name }: Pick<LiveStack, "name">): string {
    return `/api/v1/namespaces/${name}/pods`;
}

/** The pods of a part. */
export function podsOf({ pods }: Pick<LiveStack, "pods">, part: Part): readonly Pod[] {
    return pods.filter(({ metadata }) => metadata.labels?.app === workloadName(part));
}

/** An object of its namespace. */
export function objectOf({ objects }: Pick<LiveStack, "objects">, kind: string, name: string): unknown {
    return objects.find((one) => one.kind === kind && one.metadata.name === name);
}

/** The Deployment of a part. */
export function deploymentOf(live: Pick<LiveStack, "objects">, part: Part): Deployment | undefined {
    return objectOf(live, "Deployment", workloadName(part)) as Deployment | undefined;
}

/** The pods of a part as its Deployment declares them: without what a service mesh adds. */
export function specOf(live: Pick<LiveStack, "objects">, part: Part): PodSpec {
    return deploymentOf(live, part)?.spec?.template?.spec ?? {};
}

function crawlerPorts(
    client: Client,
    live: Pick<LiveStack, "name" | "objects" | "pods">,
): Promise<readonly CrawlerPort[]> {
    const ports = (specOf(live, "crawler").containers ?? []).flatMap(({ name = "", ports = [] }) =>
        ports.map(({ containerPort = 0 }) => ({ container: name, port: containerPort })),
    );
    return Promise.all(
        podsOf(live, "crawler").flatMap(({ metadata }) =>
            ports.map(async ({ container, port }) => ({
                container,
                port,
                answer: await text(client, `${podsPath(live)}/${metadata.name}:${port}/proxy/healthz`),
            })),
        ),
    );
}

async function text(client: Client, path: string): Promise<string | undefined> {
    const answer = await client.read(path);
    return answer.kind === "found" ? String(answer.body) : undefined;
}
