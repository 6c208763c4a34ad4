/** What the cluster holds that matters to a stack: asked once, before anything is registered. */
import { RunError } from "@pulumi/pulumi";
import { instanceLabel } from "../components/labels";
import type { Answer, ApiObject, Connection } from "./kubectl";

/** What the cluster holds that matters to the stack. */
export interface Facts {
    /** The stack's namespace, where it exists. */
    readonly namespace: ApiObject | undefined;
    /** Everything in that namespace of the kinds that the stack makes. */
    readonly objects: readonly ApiObject[];
    /** The stack's own claims, in whatever namespace they are. */
    readonly claims: readonly Claim[];
    readonly storageClasses: readonly StorageClass[] | undefined;
    readonly ingressClasses: readonly ApiObject[] | undefined;
    /** undefined: the cluster has no Gateway API, or it may not be asked. */
    readonly gatewayClasses: readonly ApiObject[] | undefined;
    /** What the user may do in the namespace; undefined where the cluster does not tell. */
    readonly rights: readonly Right[] | undefined;
    /** What the running api keeps. */
    readonly api: RunningApi | undefined;
}

/** The stack's api, in whatever namespace it runs. */
export interface RunningApi {
    readonly namespace: string;
    /** The claim that its pod mounts; undefined with ephemeral storage. */
    readonly claim: string | undefined;
    /** How many messages it has; undefined where it does not answer. */
    readonly messages: number | undefined;
}

export interface Claim extends ApiObject {
    readonly spec: {
        readonly storageClassName?: string;
        readonly resources: { readonly requests: { readonly storage: string } };
    };
}

export interface StorageClass extends ApiObject {
    readonly allowVolumeExpansion?: boolean;
}

export interface Right {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources?: readonly string[];
}

/**
 * @param instance the stack's mark on its objects.
 * @throws RunError when the cluster cannot be asked at all.
 */
export async function look(cluster: Connection, namespace: string, instance: string): Promise<Facts> {
    const ofStack = `labelSelector=${encodeURIComponent(`${instanceLabel}=${instance}`)}`;
    const inNamespace = [
        `/api/v1/namespaces/${namespace}/configmaps`,
        `/api/v1/namespaces/${namespace}/services`,
        `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
    ];
    const [found, rights, claims, deployments, storage, ingress, gateway, ...objects] = await Promise.all([
        cluster.read(`/api/v1/namespaces/${namespace}`),
        cluster.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", rulesReview(namespace)),
        cluster.read(`/api/v1/persistentvolumeclaims?${ofStack}`),
        cluster.read(`/apis/apps/v1/deployments?${ofStack}`),
        cluster.read("/apis/storage.k8s.io/v1/storageclasses"),
        cluster.read("/apis/networking.k8s.io/v1/ingressclasses"),
        cluster.read("/apis/gateway.networking.k8s.io/v1/gatewayclasses"),
        ...inNamespace.map((path) => cluster.read(path)),
    ]);
    if (found.kind === "failed") {
        throw new RunError(unreachable(cluster.target.context, found.message));
    }
    // Whoever may not look into every namespace sees those of the config's namespace.
    const [, , claimsHere, deploymentsHere] = objects;
    const isOwn = ({ metadata }: ApiObject) => metadata.labels?.[instanceLabel] === instance;
    const ownClaims = (itemsOf(claims) ?? itemsOf(claimsHere) ?? []) as readonly Claim[];
    const ownDeployments = (itemsOf(deployments) ?? itemsOf(deploymentsHere) ?? []) as readonly Deployment[];
    const api = ownDeployments.filter(isOwn).find(({ metadata }) => metadata.name === apiName);
    return {
        namespace: found.kind === "found" ? (found.body as ApiObject) : undefined,
        objects: objects.flatMap((answer) => itemsOf(answer) ?? []),
        claims: ownClaims.filter(isOwn),
        storageClasses: itemsOf(storage) as readonly StorageClass[] | undefined,
        ingressClasses: itemsOf(ingress),
        gatewayClasses: itemsOf(gateway),
        rights: rightsOf(rights),
        api: api && (await runningApi(cluster, api)),
    };
}

/** How many messages, in words. */
export function countInWords(messages: number): string {
    return messages === 1 ? "1 message" : `${messages} messages`;
}

function rulesReview(namespace: string): object {
    return { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } };
}

function itemsOf(answer: Answer | undefined): readonly ApiObject[] | undefined {
    if (answer?.kind !== "found") {
        return undefined;
    }
    const { kind, items } = answer.body as { kind: string; items: ApiObject[] };
    // The items of a list do not carry their kind.
    return items.map((item) => ({ ...item, kind: kind.replace(/List$/, "") }));
}

function rightsOf(answer: Answer): readonly Right[] | undefined {
    const { status } = (answer.kind === "found" ? answer.body : {}) as {
        status?: { incomplete: boolean; resourceRules: Right[] };
    };
    return status && !status.incomplete ? status.resourceRules : undefined;
}

function unreachable(context: string, message: string): string {
    return (
        `The cluster of context ${context} does not answer: ${message}\n` +
        `    Is it running? Try: kubectl --context ${context} get nodes`
    );
}

/** The api that runs in a namespace; undefined where none does. */
export async function apiIn(cluster: Connection, namespace: string): Promise<RunningApi | undefined> {
    const answer = await cluster.read(`/apis/apps/v1/namespaces/${namespace}/deployments/${apiName}`);
    return answer.kind === "found" ? runningApi(cluster, answer.body as Deployment) : undefined;
}

/** Asked through the API server, so that no address of the app's needs to be reachable. */
async function runningApi(cluster: Connection, deployment: Deployment): Promise<RunningApi> {
    const { namespace = "" } = deployment.metadata;
    const claims = (deployment.spec.template.spec.volumes ?? []).flatMap(
        (volume) => volume.persistentVolumeClaim?.claimName ?? [],
    );
    const messages = await cluster.read(
        `/api/v1/namespaces/${namespace}/services/api-service:http/proxy/messages`,
    );
    const count =
        messages.kind === "found" && Array.isArray(messages.body) ? messages.body.length : undefined;
    return { namespace, claim: claims[0], messages: count };
}

const apiName = "synergychat-api";

interface Deployment extends ApiObject {
    readonly spec: { readonly template: { readonly spec: { readonly volumes?: readonly Volume[] } } };
}

interface Volume {
    readonly persistentVolumeClaim?: { readonly claimName: string };
}
