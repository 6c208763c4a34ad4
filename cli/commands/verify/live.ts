/** What `npm run verify` sees of a live stack. Nothing in here changes anything. */
import { type ApiState, ChatApi } from "../../../kubernetes/chat-api.ts";
import type { Client } from "../../../kubernetes/client.ts";
import { type ExposureObject, findExposureObject } from "../../../kubernetes/ingress.ts";
import type {
    Claim,
    ConfigMap,
    Deployment,
    EndpointSlice,
    Pod,
    StorageClass,
} from "../../../kubernetes/objects.ts";
import { type ExposureKind, kindOf, listPath, objectPath } from "../../../model/kinds.ts";
import { type Part, configMapName, workloadName } from "../../../model/names.ts";

/** A live stack, as far as the chapter speaks of it. */
export interface LiveStack {
    readonly namespace: string;
    /** What the stack's outputs promise. */
    readonly storageMode: "persistent" | "ephemeral";
    readonly deployments: readonly Deployment[];
    /** Pods that are not being deleted. */
    readonly pods: readonly Pod[];
    readonly claims: readonly Claim[];
    readonly slices: readonly EndpointSlice[];
    /** Undefined if the user may not list them. */
    readonly storageClasses: readonly StorageClass[] | undefined;
    /** The data of the api's ConfigMap. */
    readonly apiConfig: Readonly<Record<string, string | undefined>>;
    /** The log of the api. Undefined if it cannot be read. */
    readonly apiLog: string | undefined;
    /** What `/healthz` answers on each port of each crawler container. */
    readonly crawlerPorts: readonly CrawlerPort[];
    readonly api: ApiState | undefined;
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

/** Asks the cluster for everything at once. */
export async function readLiveStack(
    client: Client,
    namespace: string,
    storageMode: LiveStack["storageMode"],
    exposureKind: ExposureKind,
): Promise<LiveStack> {
    const core = `/api/v1/namespaces/${namespace}`;
    const slicesPath = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const configPath = objectPath("ConfigMap", configMapName("api"), namespace);
    const [deployments, pods, claims, slices, storageClasses, config, api, exposure] = await Promise.all([
        client.list<Deployment>(listPath(kindOf("Deployment"), namespace)),
        client.list<Pod>(`${core}/pods`),
        client.list<Claim>(listPath(kindOf("PersistentVolumeClaim"), namespace)),
        client.list<EndpointSlice>(slicesPath),
        client.listIfAllowed<StorageClass>("/apis/storage.k8s.io/v1/storageclasses"),
        client.find<ConfigMap>(configPath),
        new ChatApi(client, namespace).state(),
        findExposureObject(client, namespace, exposureKind),
    ]);
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const apiPod = podsOf(running, "api")[0]?.metadata.name;
    const crawlers = podsOf(running, "crawler");
    return {
        namespace,
        storageMode,
        deployments,
        pods: running,
        claims,
        slices,
        storageClasses,
        apiConfig: config?.data ?? {},
        apiLog: apiPod && (await text(client, `${core}/pods/${apiPod}/log`)),
        crawlerPorts: (await Promise.all(crawlers.map((pod) => crawlerPorts(client, core, pod)))).flat(),
        api,
        exposure,
    };
}

/** The pods of a part. */
export function podsOf(pods: readonly Pod[], part: Part): readonly Pod[] {
    return pods.filter(({ metadata }) => metadata.labels?.app === workloadName(part));
}

async function crawlerPorts(client: Client, core: string, pod: Pod): Promise<readonly CrawlerPort[]> {
    const ports = (pod.spec?.containers ?? []).flatMap(({ name = "", ports = [] }) =>
        ports.map(({ containerPort = 0 }) => ({ container: name, port: containerPort })),
    );
    return Promise.all(
        ports.map(async ({ container, port }) => ({
            container,
            port,
            answer: await text(client, `${core}/pods/${pod.metadata.name}:${port}/proxy/healthz`),
        })),
    );
}

async function text(client: Client, path: string): Promise<string | undefined> {
    const answer = await client.read(path);
    return answer.kind === "found" ? String(answer.body) : undefined;
}
