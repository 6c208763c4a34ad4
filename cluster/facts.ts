/** What the cluster holds that matters to a stack: asked once, before anything is registered. */
import { RunError } from "@pulumi/pulumi";
import { instanceLabel, managedBy, outOfService } from "../components/labels";
import type { Recorded, RecordedObject } from "../state";
import type { Answer, ApiObject, Connection } from "./kubectl";

/** What the cluster holds that matters to the stack. */
export interface Facts {
    /** The stack's namespace, where it exists. */
    readonly namespace: ApiObject | undefined;
    /** Everything in that namespace of the kinds that the stack makes. */
    readonly objects: readonly ApiObject[];
    /** The stack's own claims in that namespace. */
    readonly claims: readonly Claim[];
    /** The api that runs in that namespace. */
    readonly api: ApiFacts | undefined;
    /** The namespace that the stack has by its state; undefined where it has none. */
    readonly recorded: string | undefined;
    /** Namespaces that the stack leaves: by its state or their marks they are its own, by its config it is in another. */
    readonly left: readonly LeftNamespace[];
    /** The ingresses of all namespaces, as far as they may be seen. */
    readonly ingresses: readonly Ingress[];
    readonly storageClasses: readonly StorageClass[] | undefined;
    readonly ingressClasses: readonly ApiObject[] | undefined;
    /** undefined: the cluster has no Gateway API, or it may not be asked. */
    readonly gatewayClasses: readonly ApiObject[] | undefined;
    /** What the user may do in the namespace; undefined where the cluster does not tell. */
    readonly rights: readonly Right[] | undefined;
}

/** A namespace that is there, with what goes where it goes. */
export interface LeftNamespace {
    readonly namespace: ApiObject;
    /** Every claim in it, whoever made it; undefined where they may not be seen. */
    readonly claims: readonly Claim[] | undefined;
    readonly api: ApiFacts | undefined;
}

/** A running api. */
export interface ApiFacts {
    /** The claim that its pod mounts; undefined with ephemeral storage. */
    readonly claim: string | undefined;
    /** How many messages it has; undefined where it does not answer. */
    readonly messages: number | undefined;
    /** What its pod was made from. */
    readonly image: string | undefined;
    readonly imagePullPolicy: string | undefined;
    /** Whether `npm run switch` took it out of its Service: nobody can post. */
    readonly outOfService: boolean;
}

export interface Claim extends ApiObject {
    readonly spec: {
        readonly storageClassName?: string;
        readonly resources: { readonly requests: { readonly storage: string } };
        /** Unset: no volume was ever bound to it, so it holds nothing. */
        readonly volumeName?: string;
    };
}

export interface Ingress extends ApiObject {
    readonly spec: { readonly rules?: readonly { readonly host?: string }[] };
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
 * @param recorded where the stack is by its state.
 * @throws RunError when the cluster does not answer one of the questions: what is not known counts for nothing less.
 */
export async function look(
    cluster: Connection,
    namespace: string,
    instance: string,
    recorded: Pick<Recorded, "namespace" | "namespaces">,
): Promise<Facts> {
    const inNamespace = [
        `/api/v1/namespaces/${namespace}/configmaps`,
        `/api/v1/namespaces/${namespace}/services`,
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
    ];
    const [left, found, claims, api, rights, ingresses, storage, ingress, gateway, ...others] =
        await Promise.all([
            leftBut(namespace, cluster, instance, recorded.namespaces),
            ask(cluster, `/api/v1/namespaces/${namespace}`),
            claimsIn(cluster, namespace),
            apiIn(cluster, namespace),
            cluster.post("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", rulesReview(namespace)),
            ask(cluster, "/apis/networking.k8s.io/v1/ingresses"),
            ask(cluster, "/apis/storage.k8s.io/v1/storageclasses"),
            ask(cluster, "/apis/networking.k8s.io/v1/ingressclasses"),
            ask(cluster, "/apis/gateway.networking.k8s.io/v1/gatewayclasses"),
            ...inNamespace.map((path) => ask(cluster, path)),
        ]);
    const told = rightsOf(rights);
    if (!claims && !told) {
        throw new RunError(
            `You may not see which claims are in namespace ${namespace}, so nobody can tell what would become of them.\n` +
                "    Ask who runs the cluster for the right to list persistentvolumeclaims there.",
        );
    }
    return {
        namespace: found.kind === "found" ? (found.body as ApiObject) : undefined,
        objects: [...others.flatMap((answer) => itemsOf(answer) ?? []), ...(claims ?? [])],
        claims: (claims ?? []).filter(({ metadata }) => metadata.labels?.[instanceLabel] === instance),
        api,
        recorded: recorded.namespace,
        left,
        ingresses: (itemsOf(ingresses) ?? []) as readonly Ingress[],
        storageClasses: itemsOf(storage) as readonly StorageClass[] | undefined,
        ingressClasses: itemsOf(ingress),
        gatewayClasses: itemsOf(gateway),
        rights: told,
    };
}

/** The objects of a state that the cluster does not have; one with the same name and another UID is another object. */
export async function absentOf(
    cluster: Connection,
    recorded: readonly RecordedObject[],
): Promise<readonly RecordedObject[]> {
    const answers = await Promise.all(recorded.map((object) => ask(cluster, pathOf(object))));
    return recorded.filter(({ metadata }, index) => {
        const answer = answers[index];
        const live = answer?.kind === "found" ? (answer.body as ApiObject).metadata.uid : undefined;
        return answer?.kind === "not found" || (live !== undefined && live !== metadata.uid);
    });
}

/** The path of an object in the API, whatever its kind. */
export function pathOf({ apiVersion, kind, metadata }: RecordedObject): string {
    const group = apiVersion.includes("/") ? "apis" : "api";
    const namespace = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
    // How Kubernetes makes a plural of a kind that it does not know.
    const plural = kind
        .toLowerCase()
        .replace(/(s|x|ch|sh)$/, "$1e")
        .replace(/([^aeiou])y$/, "$1ie");
    return `/${group}/${apiVersion}${namespace}/${plural}s/${metadata.name}`;
}

/** Every namespace of the stack's but one. A killed run may have left one that its state no longer tells to a program. */
async function leftBut(
    namespace: string,
    cluster: Connection,
    instance: string,
    recorded: readonly string[],
): Promise<readonly LeftNamespace[]> {
    const marks = `${instanceLabel}=${instance},${managedBy.label}=${managedBy.value}`;
    const answer = await ask(cluster, `/api/v1/namespaces?labelSelector=${encodeURIComponent(marks)}`);
    const marked = (itemsOf(answer) ?? []).map(({ metadata }) => metadata.name);
    const others = [...new Set([...recorded, ...marked])].filter((name) => name !== namespace);
    const places = await Promise.all(others.map((name) => lookAtLeft(cluster, name)));
    return places.filter((place) => place !== undefined);
}

async function lookAtLeft(cluster: Connection, name: string): Promise<LeftNamespace | undefined> {
    const [found, claims, api] = await Promise.all([
        ask(cluster, `/api/v1/namespaces/${name}`),
        claimsIn(cluster, name),
        apiIn(cluster, name),
    ]);
    return found.kind === "found" ? { namespace: found.body as ApiObject, claims, api } : undefined;
}

async function claimsIn(cluster: Connection, namespace: string): Promise<readonly Claim[] | undefined> {
    const answer = await ask(cluster, `/api/v1/namespaces/${namespace}/persistentvolumeclaims`);
    return itemsOf(answer) as readonly Claim[] | undefined;
}

/**
 * The api that runs in a namespace; undefined where none does. It is asked through the API server, so that no address of
 * the app's needs to be reachable.
 */
export async function apiIn(cluster: Connection, namespace: string): Promise<ApiFacts | undefined> {
    const service = `/api/v1/namespaces/${namespace}/services/api-service`;
    const [deployment, front, messages] = await Promise.all([
        ask(cluster, `/apis/apps/v1/namespaces/${namespace}/deployments/synergychat-api`),
        ask(cluster, service),
        cluster.read(`${service}:http/proxy/messages`),
    ]);
    if (deployment.kind !== "found") {
        return undefined;
    }
    const { volumes = [], containers } = (deployment.body as Deployment).spec.template.spec;
    const claims = volumes.flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
    const count =
        messages.kind === "found" && Array.isArray(messages.body) ? messages.body.length : undefined;
    const { selector = {} } = front.kind === "found" ? (front.body as Service).spec : {};
    return {
        claim: claims[0],
        messages: count,
        image: containers[0]?.image,
        imagePullPolicy: containers[0]?.imagePullPolicy,
        outOfService: outOfService in selector,
    };
}

interface Deployment {
    readonly spec: {
        readonly template: {
            readonly spec: {
                readonly volumes?: readonly Volume[];
                readonly containers: readonly {
                    readonly image?: string;
                    readonly imagePullPolicy?: string;
                }[];
            };
        };
    };
}

interface Volume {
    readonly persistentVolumeClaim?: { readonly claimName: string };
}

interface Service {
    readonly spec: { readonly selector?: Readonly<Record<string, string>> };
}

/**
 * All of a kind, by the path of their list.
 *
 * @throws RunError when the cluster does not give it.
 */
export async function listOf<T>(cluster: Connection, path: string): Promise<readonly T[]> {
    return (itemsOf(await see(cluster, path)) ?? []) as readonly unknown[] as readonly T[];
}

/**
 * An object by its path, or undefined where there is none.
 *
 * @throws RunError when the cluster does not tell.
 */
export async function objectAt<T>(cluster: Connection, path: string): Promise<T | undefined> {
    const answer = await see(cluster, path);
    return answer.kind === "found" ? (answer.body as T) : undefined;
}

/** What may not be seen is not nothing. */
async function see(cluster: Connection, path: string): Promise<Answer> {
    const answer = await ask(cluster, path);
    if (answer.kind === "forbidden") {
        throw new RunError(`You may not see ${path}: ${answer.message}`);
    }
    return answer;
}

/** A question that the cluster must answer, if only with a no. */
async function ask(cluster: Connection, path: string): Promise<Answer> {
    const answer = await cluster.read(path);
    if (answer.kind === "failed") {
        const { context } = cluster.target;
        throw new RunError(
            `The cluster of context ${context} does not answer ${path}: ${answer.message}\n` +
                `    Is it running? Try: kubectl --context ${context} get nodes`,
        );
    }
    return answer;
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
