/** What the cluster holds that matters to a stack, asked once before anything is registered. Nothing in here changes it. */
import { isDeepStrictEqual } from "node:util";
import { kindOf, listPath, namespacedKinds, objectPath } from "../model/kinds.ts";
import { workloadName } from "../model/names.ts";
import { type ApiState, ChatApi } from "./chat-api.ts";
import type { Client } from "./client.ts";
import { type Rejection, type Tried, tryObjects } from "./dry-run.ts";
import type { Claim, DeclaredObject, Deployment, LiveObject, Pod } from "./objects.ts";
import type { RecordedObject, Secret, StorageClass, Volume } from "./objects.ts";
import { earlierVolumes, volumesPath } from "./volumes.ts";

/** A namespace of a stack, with what is in it. */
export interface NamespaceSnapshot {
    readonly name: string;
    /** Undefined if there is no namespace of that name. */
    readonly namespace: LiveObject | undefined;
    /** Everything in it of the kinds that the stack makes, its claims too. */
    readonly objects: readonly LiveObject[];
    /** Every claim in it, whoever owns it. Undefined if the user may not list them. */
    readonly claims: readonly Claim[] | undefined;
    /** As far as the user may list them. */
    readonly pods: readonly Pod[];
    readonly api: ApiState | undefined;
}

/** What the cluster holds that matters to a stack: its namespace, and what is around it. */
export interface ClusterSnapshot extends NamespaceSnapshot {
    /** The volumes whose claims, in that namespace, are gone. None if the user may not list volumes. */
    readonly earlierVolumes: readonly Volume[];
    /** Names of the storage classes with volumes that are tied to nodes. None if the user may not list volumes. */
    readonly tiedClasses: readonly string[];
    /** How many nodes the cluster has. Undefined if the user may not list them. */
    readonly nodes: number | undefined;
    /**
     * Fields of the api's pod template that an update changes, so that it replaces the pod. The dry run knows defaults and the
     * owner of each field, so another image is seen, a changed limit, and a `kubectl edit`. Undefined if the cluster does not tell.
     */
    readonly apiPodChanges: readonly string[] | undefined;
    /** The image that the api would run: a webhook may rewrite the declared one. Undefined if the cluster does not tell. */
    readonly apiImage: string | undefined;
    /** Objects of all namespaces that serve host names, as far as the user may list them. */
    readonly hostObjects: readonly LiveObject[];
    /** The secret with the certificate. Undefined if there is none, or none is needed. */
    readonly tlsSecret: Secret | "forbidden" | undefined;
    /** Undefined if the user may not list them. */
    readonly storageClasses: readonly StorageClass[] | undefined;
    readonly ingressClasses: readonly LiveObject[] | undefined;
    /** Undefined also if the cluster has no Gateway API. */
    readonly gatewayClasses: readonly LiveObject[] | undefined;
    /** The secret of the backups' target. Undefined if there is none, or none is needed. */
    readonly targetSecret: Secret | "forbidden" | undefined;
    /** Version of the API server, such as v1.34.4. Undefined if it does not tell. */
    readonly version: string | undefined;
    /** Declared objects that the cluster refuses. */
    readonly rejections: readonly Rejection[];
    /** What the user may do in the namespace. Undefined if the cluster does not tell. */
    readonly permissions: readonly Permission[] | undefined;
}

/** A rule of RBAC, as a SelfSubjectRulesReview returns it. */
export interface Permission {
    readonly verbs: readonly string[];
    readonly apiGroups: readonly string[];
    readonly resources?: readonly string[];
    /** Objects to which the rule is limited. Empty or undefined: to none. */
    readonly resourceNames?: readonly string[];
}

/** Path of all storage classes of the cluster. */
export const storageClassesPath = "/apis/storage.k8s.io/v1/storageclasses";

/** The kinds that serve host names. */
const hostKinds = ["Ingress", "HTTPRoute"].map(kindOf);

/** What a snapshot is taken of. */
export interface SnapshotQuery {
    /** The stack's namespace. */
    readonly namespace: string;
    /** Name of the secret with the certificate, or empty. */
    readonly tlsSecret: string;
    /** The objects that the stack's state has. */
    readonly recorded: readonly RecordedObject[];
    /** Name of the secret of the backups' target, or empty. */
    readonly targetSecret: string;
    /** The objects that the program declares, with plain values. */
    readonly declared: () => Promise<readonly DeclaredObject[]>;
}

/** Takes a snapshot. If one request gets no answer, that is an error: unknown is not the same as absent. */
export async function takeSnapshot(client: Client, query: SnapshotQuery): Promise<ClusterSnapshot> {
    const { namespace } = query;
    const [here, tlsSecret, targetSecret, version, volumes, nodes, hostObjects, permissions, ...classes] =
        await Promise.all([
            readNamespace(client, namespace),
            findSecret(client, namespace, query.tlsSecret),
            findSecret(client, namespace, query.targetSecret),
            client.findIfAllowed<{ gitVersion?: string }>("/version"),
            client.listIfAllowed<Volume>(volumesPath),
            client.listIfAllowed<LiveObject>("/api/v1/nodes"),
            Promise.all(hostKinds.map((row) => client.listIfAllowed<LiveObject>(listPath(row)))),
            permissionsIn(client, namespace),
            client.listIfAllowed<StorageClass>(storageClassesPath),
            client.listIfAllowed<LiveObject>("/apis/networking.k8s.io/v1/ingressclasses"),
            client.listIfAllowed<LiveObject>("/apis/gateway.networking.k8s.io/v1/gatewayclasses"),
        ]);
    const tried = await tryDeclared(client, here, query);
    const after = tried.find(
        ({ object: { kind, metadata } }) => kind === "Deployment" && metadata.name === workloadName("api"),
    )?.result as Deployment | undefined;
    const before = here.api?.deployment.spec?.template;
    return {
        ...here,
        version: version?.gitVersion,
        rejections: tried.flatMap(({ rejection }) => rejection ?? []),
        // If the claims are unknown, so is which of them are gone.
        earlierVolumes: here.claims ? earlierVolumes(volumes ?? [], [here]) : [],
        tiedClasses: (volumes ?? []).flatMap(({ spec }) =>
            spec?.nodeAffinity ? (spec.storageClassName ?? []) : [],
        ),
        nodes: nodes?.length,
        apiPodChanges: before ? after && differences(before, after.spec?.template, "template") : [],
        apiImage: after && apiImageOf(after),
        hostObjects: hostObjects.flatMap((list) => list ?? []),
        tlsSecret,
        targetSecret,
        storageClasses: classes[0],
        ingressClasses: classes[1],
        gatewayClasses: classes[2],
        permissions,
    };
}

/** Reads a namespace of the stack. `mustSee: "data"` makes it an error if the user may not see namespace, claims and pods. */
export async function readNamespace(
    client: Client,
    name: string,
    mustSee?: "data",
): Promise<NamespaceSnapshot> {
    const [find, list] = mustSee
        ? (["find", "list"] as const)
        : (["findIfAllowed", "listIfAllowed"] as const);
    if (mustSee && (await isAbsent(client, name))) {
        return { name, namespace: undefined, objects: [], claims: [], pods: [], api: undefined };
    }
    const otherKinds = namespacedKinds.filter(({ kind }) => kind !== "PersistentVolumeClaim");
    const [namespace, claims, pods, others, api] = await Promise.all([
        client[find]<LiveObject>(objectPath("Namespace", name)),
        client[list]<Claim>(listPath(kindOf("PersistentVolumeClaim"), name)),
        client[list]<Pod>(`/api/v1/namespaces/${name}/pods`),
        Promise.all(otherKinds.map((row) => client.listIfAllowed<LiveObject>(listPath(row, name)))),
        new ChatApi(client, name).state(),
    ]);
    const objects = [...others.flatMap((one) => one ?? []), ...(claims ?? [])];
    return { name, namespace, objects, claims, pods: pods ?? [], api };
}

/** Whether there is certainly no such namespace. Whose Role went with it may no longer read it, but perhaps list it. */
async function isAbsent(client: Client, name: string): Promise<boolean> {
    const path = `${listPath(kindOf("Namespace"))}?fieldSelector=metadata.name%3D${name}`;
    return (await client.listIfAllowed<LiveObject>(path))?.length === 0;
}

/** Before there is a namespace, it is tried as well, and its objects in namespace default. */
async function tryDeclared(
    client: Client,
    { name, namespace, objects }: NamespaceSnapshot,
    { declared, recorded }: SnapshotQuery,
): Promise<readonly Tried[]> {
    if (namespace?.metadata.deletionTimestamp) {
        return [];
    }
    const own = (await declared()).filter(
        ({ kind, metadata }) =>
            metadata.namespace === name || (!namespace && kind === "Namespace" && metadata.name === name),
    );
    return tryObjects(client, own, objects, { namespace: namespace ? name : "default", recorded });
}

/** Forbidden is not the same as absent. @param name empty: none is needed. */
async function findSecret(
    client: Client,
    namespace: string,
    name: string,
): Promise<Secret | "forbidden" | undefined> {
    if (name === "") {
        return undefined;
    }
    const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
    const answer = await client.read<Secret>(path);
    const { kind } = answer;
    return kind === "forbidden" ? kind : kind === "not found" ? undefined : client.bodyOf(answer, path);
}

async function permissionsIn(client: Client, namespace: string): Promise<readonly Permission[] | undefined> {
    const review = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectRulesReview",
        spec: { namespace },
    };
    const answer = await client.post<{ status?: { incomplete: boolean; resourceRules: Permission[] } }>(
        "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
        review,
    );
    const status = answer.kind === "found" ? answer.body.status : undefined;
    return status && !status.incomplete ? status.resourceRules : undefined;
}

/** The image of the api's container. */
export function apiImageOf({ spec }: Deployment): string | undefined {
    return spec?.template?.spec?.containers?.find(({ name }) => name === workloadName("api"))?.image;
}

/** Paths of the fields in which two values differ. */
export function differences(one: unknown, other: unknown, path: string): readonly string[] {
    if (isDeepStrictEqual(one, other)) {
        return [];
    }
    if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) {
        return [path];
    }
    const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])];
    const field = (key: string) => (Array.isArray(one) ? `${path}[${key}]` : `${path}.${key}`);
    return keys.flatMap((key) => differences((one as Fields)[key], (other as Fields)[key], field(key)));
}

type Fields = Readonly<Record<string, unknown>>;
