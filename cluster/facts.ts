/** What the cluster holds that matters to a stack: asked once, before anything is registered. */
import { RunError } from "@pulumi/pulumi";
import { instanceLabel } from "../components/labels";
import { type Answer, type ApiObject, type Target, contexts, post, read } from "./kubectl";

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

/** An api that runs in the stack's namespace, or in the one that it had before. */
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

/** @throws RunError when the cluster cannot be asked at all. */
export async function look(target: Target, namespace: string, instance: string): Promise<Facts> {
    const inNamespace = [
        `/api/v1/namespaces/${namespace}/configmaps`,
        `/api/v1/namespaces/${namespace}/services`,
        `/api/v1/namespaces/${namespace}/persistentvolumeclaims`,
        `/apis/apps/v1/namespaces/${namespace}/deployments`,
        `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`,
    ];
    const [found, rights, claims, storage, ingress, gateway, ...objects] = await Promise.all([
        read(target, `/api/v1/namespaces/${namespace}`),
        post(target, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", rulesReview(namespace)),
        read(
            target,
            `/api/v1/persistentvolumeclaims?labelSelector=${encodeURIComponent(`${instanceLabel}=${instance}`)}`,
        ),
        read(target, "/apis/storage.k8s.io/v1/storageclasses"),
        read(target, "/apis/networking.k8s.io/v1/ingressclasses"),
        read(target, "/apis/gateway.networking.k8s.io/v1/gatewayclasses"),
        ...inNamespace.map((path) => read(target, path)),
    ]);
    if (found.kind === "failed") {
        throw new RunError(await unreachable(target, found.message));
    }
    const ownClaims = (itemsOf(claims) ?? itemsOf(objects[2]) ?? []) as readonly Claim[];
    return {
        namespace: found.kind === "found" ? (found.body as ApiObject) : undefined,
        objects: objects.flatMap((answer) => itemsOf(answer) ?? []),
        claims: ownClaims.filter(({ metadata }) => metadata.labels?.[instanceLabel] === instance),
        storageClasses: itemsOf(storage) as readonly StorageClass[] | undefined,
        ingressClasses: itemsOf(ingress),
        gatewayClasses: itemsOf(gateway),
        rights: rightsOf(rights),
        api: await runningApi(target, ownClaims[0]?.metadata.namespace ?? namespace),
    };
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

async function unreachable(target: Target, message: string): Promise<string> {
    const known = await contexts(target);
    if (!known.includes(target.context)) {
        const have = known.length > 0 ? `It has: ${known.join(", ")}.` : "It has none.";
        return (
            `kubernetes:context is ${JSON.stringify(target.context)}: your kubeconfig has no such context. ${have}\n` +
            "    Start your cluster (minikube start), or run: pulumi config set kubernetes:context NAME"
        );
    }
    return (
        `The cluster of context ${target.context} does not answer: ${message}\n` +
        `    Is it running? Try: kubectl --context ${target.context} get nodes`
    );
}

/** The api as it runs now, asked through the API server, so that no address of the app's needs to be reachable. */
async function runningApi(target: Target, namespace: string): Promise<RunningApi | undefined> {
    const [deployment, messages] = await Promise.all([
        read(target, `/apis/apps/v1/namespaces/${namespace}/deployments/synergychat-api`),
        read(target, `/api/v1/namespaces/${namespace}/services/api-service:http/proxy/messages`),
    ]);
    if (deployment.kind !== "found") {
        return undefined;
    }
    const { spec } = deployment.body as { spec: { template: { spec: { volumes?: readonly Volume[] } } } };
    const claims = (spec.template.spec.volumes ?? []).flatMap(
        (volume) => volume.persistentVolumeClaim?.claimName ?? [],
    );
    const count =
        messages.kind === "found" && Array.isArray(messages.body) ? messages.body.length : undefined;
    return { namespace, claim: claims[0], messages: count };
}

interface Volume {
    readonly persistentVolumeClaim?: { readonly claimName: string };
}
