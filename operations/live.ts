/** What `npm run verify` sees of a live stack: asked once, judged in lessons.ts. Nothing in here changes anything. */
import type { Connection } from "../cluster/kubectl";

/** A live stack, as much of it as the chapter speaks of. */
export interface Live {
    readonly namespace: string;
    /** What the stack's outputs promise. */
    readonly storageMode: "persistent" | "ephemeral";
    readonly deployments: readonly Deployment[];
    readonly pods: readonly Pod[];
    readonly claims: readonly Claim[];
    readonly slices: readonly EndpointSlice[];
    /** The data of the api's ConfigMap. */
    readonly apiConfig: Readonly<Record<string, string>>;
    /** What the api has logged; undefined where its log cannot be read. */
    readonly apiLog: string | undefined;
    /** What `/healthz` answers on each port of each crawler container; undefined where nothing does. */
    readonly crawlerPorts: readonly CrawlerPort[];
    /** The api's messages; undefined where it does not answer. */
    readonly messages: readonly unknown[] | undefined;
}

export interface Metadata {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
}

export interface Volume {
    readonly name: string;
    readonly emptyDir?: object;
    readonly persistentVolumeClaim?: { readonly claimName: string };
}

export interface Container {
    readonly name: string;
    readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
    readonly containers: readonly Container[];
    readonly volumes?: readonly Volume[];
}

export interface Deployment {
    readonly metadata: Metadata;
    readonly spec: { readonly replicas: number; readonly template: { readonly spec: PodSpec } };
}

export interface Pod {
    readonly metadata: Metadata;
    readonly spec: PodSpec;
    readonly status: { readonly containerStatuses?: readonly { readonly ready: boolean }[] };
}

export interface Claim {
    readonly metadata: Metadata;
    readonly spec: {
        readonly volumeName?: string;
        readonly storageClassName?: string;
        readonly accessModes: readonly string[];
        readonly resources: { readonly requests: { readonly storage: string } };
    };
    readonly status: { readonly phase: string };
}

export interface EndpointSlice {
    readonly metadata: Metadata;
    readonly ports?: readonly { readonly port: number }[] | null;
}

export interface CrawlerPort {
    readonly container: string;
    readonly port: number;
    readonly answer: string | undefined;
}

/** Asks the cluster for everything at once. */
export async function lookAt(
    cluster: Connection,
    namespace: string,
    storageMode: "persistent" | "ephemeral",
): Promise<Live> {
    const core = `/api/v1/namespaces/${namespace}`;
    const [deployments, pods, claims, slices, apiConfig, messages] = await Promise.all([
        items<Deployment>(cluster, `/apis/apps/v1/namespaces/${namespace}/deployments`),
        items<Pod>(cluster, `${core}/pods`),
        items<Claim>(cluster, `${core}/persistentvolumeclaims`),
        items<EndpointSlice>(cluster, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
        cluster.read(`${core}/configmaps/synergychat-api-configmap`),
        messagesOf(cluster, `${core}/services/api-service:http`),
    ]);
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const api = running.find((pod) => isPart(pod, "api"));
    const crawlers = running.filter((pod) => isPart(pod, "crawler"));
    const config = apiConfig.kind === "found" ? (apiConfig.body as { data?: Record<string, string> }) : {};
    return {
        namespace,
        storageMode,
        deployments,
        pods: running,
        claims,
        slices,
        apiConfig: config.data ?? {},
        apiLog: api && (await text(cluster, `${core}/pods/${api.metadata.name}/log`)),
        crawlerPorts: (
            await Promise.all(crawlers.map((pod) => crawlerPorts(cluster, namespace, pod)))
        ).flat(),
        messages,
    };
}

/** The messages behind an api's Service or pod, asked through the API server: no address of the app's needs to be reachable. */
export async function messagesOf(cluster: Connection, path: string): Promise<readonly unknown[] | undefined> {
    const answer = await cluster.read(`${path}/proxy/messages`);
    return answer.kind === "found" && Array.isArray(answer.body) ? answer.body : undefined;
}

async function items<T>(cluster: Connection, path: string): Promise<readonly T[]> {
    const answer = await cluster.read(path);
    return answer.kind === "found" ? (answer.body as { items: T[] }).items : [];
}

function isPart({ metadata }: Pod, part: "api" | "crawler"): boolean {
    return metadata.labels?.app === `synergychat-${part}`;
}

async function crawlerPorts(cluster: Connection, namespace: string, pod: Pod): Promise<CrawlerPort[]> {
    const ports = pod.spec.containers.flatMap(({ name, ports = [] }) =>
        ports.map(({ containerPort }) => ({ container: name, port: containerPort })),
    );
    const core = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}`;
    return Promise.all(
        ports.map(async ({ container, port }) => {
            return { container, port, answer: await text(cluster, `${core}:${port}/proxy/healthz`) };
        }),
    );
}

async function text(cluster: Connection, path: string): Promise<string | undefined> {
    const answer = await cluster.read(path);
    return answer.kind === "found" ? String(answer.body) : undefined;
}
