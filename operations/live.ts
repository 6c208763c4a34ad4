/** What `npm run verify` sees of a live stack: asked once, judged in lessons.ts. Nothing in here changes anything. */
import { type Target, read } from "../cluster/kubectl";
import { output } from "./process";

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
    target: Target,
    namespace: string,
    storageMode: "persistent" | "ephemeral",
): Promise<Live> {
    const core = `/api/v1/namespaces/${namespace}`;
    const [deployments, pods, claims, slices, apiConfig, messages] = await Promise.all([
        items<Deployment>(target, `/apis/apps/v1/namespaces/${namespace}/deployments`),
        items<Pod>(target, `${core}/pods`),
        items<Claim>(target, `${core}/persistentvolumeclaims`),
        items<EndpointSlice>(target, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`),
        read(target, `${core}/configmaps/synergychat-api-configmap`),
        messagesOf(target, `${core}/services/api-service:http`),
    ]);
    const running = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    const config = apiConfig.kind === "found" ? (apiConfig.body as { data?: Record<string, string> }) : {};
    return {
        namespace,
        storageMode,
        deployments,
        pods: running,
        claims,
        slices,
        apiConfig: config.data ?? {},
        apiLog: text(target, ["logs", "deployment/synergychat-api", `--namespace=${namespace}`]),
        crawlerPorts: running.filter(isCrawler).flatMap((pod) => crawlerPorts(target, namespace, pod)),
        messages,
    };
}

/** The messages behind an api's Service or pod, asked through the API server: no address of the app's needs to be reachable. */
export async function messagesOf(target: Target, path: string): Promise<readonly unknown[] | undefined> {
    const answer = await read(target, `${path}/proxy/messages`);
    return answer.kind === "found" && Array.isArray(answer.body) ? answer.body : undefined;
}

async function items<T>(target: Target, path: string): Promise<readonly T[]> {
    const answer = await read(target, path);
    return answer.kind === "found" ? (answer.body as { items: T[] }).items : [];
}

function isCrawler({ metadata }: Pod): boolean {
    return metadata.labels?.app === "synergychat-crawler";
}

function crawlerPorts(target: Target, namespace: string, pod: Pod): CrawlerPort[] {
    return pod.spec.containers.flatMap(({ name, ports = [] }) =>
        ports.map(({ containerPort: port }) => {
            const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}:${port}/proxy/healthz`;
            return { container: name, port, answer: text(target, ["get", `--raw=${path}`]) };
        }),
    );
}

function text(target: Target, args: readonly string[]): string | undefined {
    const flags = [`--context=${target.context}`, "--request-timeout=15s"];
    return output("kubectl", [...args, ...flags], target.env ?? process.env);
}
