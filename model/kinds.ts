/**
 * Every kind of object that the stack can make, in one table.
 *
 * What is listed before a change, which names are the stack's own, which host names clash, what a killed run may have
 * left, the permissions and the addresses all follow from it. A test fails if the program declares an object that
 * the table does not have.
 */
import {
    backupName,
    backupsClaimName,
    claimName,
    configMapName,
    eventsRoleName,
    gatewayName,
    httpRouteName,
    ingressName,
    parts,
    serviceAccountName,
    serviceName,
    toolsConfigMapName,
    workloadName,
} from "./names.ts";

/** How the app is exposed. */
export type ExposureKind = "ingress" | "gateway" | "none";

/** What a stack may have, or not. */
export type Feature = Exclude<ExposureKind, "none"> | "guard" | "backups";

/** A kind of object that the stack can make. */
export interface StackKind {
    readonly kind: string;
    readonly apiVersion: string;
    /** The resource in API paths and in RBAC rules. */
    readonly resource: string;
    readonly namespaced: boolean;
    /** The names that the stack takes. Empty if the config or a command chooses the name. */
    readonly names: readonly string[];
    /** Whether messages go with the object. */
    readonly holdsData: boolean;
    /** The feature for which the stack makes this kind. Undefined: every stack does. */
    readonly feature?: Feature;
    /** Host names that an object of this kind serves. */
    readonly hosts?: (spec: HostSpec) => readonly string[];
    /** Addresses that the controller publishes in the object's status. */
    readonly addresses?: (status: AddressStatus) => readonly string[];
}

/** The fields of a spec that can name hosts. */
export interface HostSpec {
    readonly rules?: readonly { readonly host?: string | undefined }[] | undefined;
    readonly hostnames?: readonly string[] | undefined;
}

/** The fields of a status that can name addresses. */
export interface AddressStatus {
    readonly loadBalancer?:
        | { readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[] | undefined }
        | undefined;
    readonly addresses?: readonly { readonly value: string }[] | undefined;
}

const gatewayApi = "gateway.networking.k8s.io/v1";
const rbacApi = "rbac.authorization.k8s.io/v1";

/** In the order in which they can be deleted: a claim goes only after the pods that mount it, its namespace last. */
export const stackKinds: readonly StackKind[] = [
    {
        kind: "Deployment",
        apiVersion: "apps/v1",
        resource: "deployments",
        namespaced: true,
        names: parts.map(workloadName),
        holdsData: false,
    },
    {
        kind: "CronJob",
        apiVersion: "batch/v1",
        resource: "cronjobs",
        namespaced: true,
        names: [backupName],
        holdsData: false,
        feature: "backups",
    },
    {
        kind: "Job",
        apiVersion: "batch/v1",
        resource: "jobs",
        namespaced: true,
        names: [],
        holdsData: false,
        feature: "backups",
    },
    {
        kind: "Service",
        apiVersion: "v1",
        resource: "services",
        namespaced: true,
        names: parts.map(serviceName),
        holdsData: false,
    },
    {
        kind: "ConfigMap",
        apiVersion: "v1",
        resource: "configmaps",
        namespaced: true,
        names: [...parts.map(configMapName), toolsConfigMapName],
        holdsData: false,
    },
    {
        kind: "RoleBinding",
        apiVersion: rbacApi,
        resource: "rolebindings",
        namespaced: true,
        names: [eventsRoleName],
        holdsData: false,
        feature: "guard",
    },
    {
        kind: "Role",
        apiVersion: rbacApi,
        resource: "roles",
        namespaced: true,
        names: [eventsRoleName],
        holdsData: false,
        feature: "guard",
    },
    {
        kind: "ServiceAccount",
        apiVersion: "v1",
        resource: "serviceaccounts",
        namespaced: true,
        names: [serviceAccountName],
        holdsData: false,
        feature: "guard",
    },
    {
        kind: "Ingress",
        apiVersion: "networking.k8s.io/v1",
        resource: "ingresses",
        namespaced: true,
        names: [ingressName],
        holdsData: false,
        feature: "ingress",
        hosts: ({ rules = [] }) => rules.flatMap(({ host }) => host ?? []),
        addresses: ({ loadBalancer }) =>
            (loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []),
    },
    {
        kind: "HTTPRoute",
        apiVersion: gatewayApi,
        resource: "httproutes",
        namespaced: true,
        names: [httpRouteName("web"), httpRouteName("api")],
        holdsData: false,
        feature: "gateway",
        hosts: ({ hostnames = [] }) => hostnames,
    },
    {
        kind: "Gateway",
        apiVersion: gatewayApi,
        resource: "gateways",
        namespaced: true,
        names: [gatewayName],
        holdsData: false,
        feature: "gateway",
        addresses: ({ addresses = [] }) => addresses.map(({ value }) => value),
    },
    {
        kind: "PersistentVolumeClaim",
        apiVersion: "v1",
        resource: "persistentvolumeclaims",
        namespaced: true,
        names: [claimName, backupsClaimName],
        holdsData: true,
    },
    {
        kind: "Namespace",
        apiVersion: "v1",
        resource: "namespaces",
        namespaced: false,
        names: [],
        holdsData: true,
    },
];

/** The kinds that live in a namespace. */
export const namespacedKinds = stackKinds.filter(({ namespaced }) => namespaced);

/**
 * The row of a kind.
 *
 * @throws Error if the table has no such kind, which is a mistake in the program.
 */
export function kindOf(kind: string): StackKind {
    const found = stackKinds.find((row) => row.kind === kind);
    if (!found) {
        throw new Error(`model/kinds.ts has no kind ${kind}`);
    }
    return found;
}

/** Whether the stack takes this name for an object of this kind. */
export function isStackName(kind: string, name: string): boolean {
    return stackKinds.some((row) => row.kind === kind && row.names.includes(name));
}

/** The kinds that a stack with these features makes. */
export function kindsWith(features: readonly Feature[]): readonly StackKind[] {
    return stackKinds.filter(({ feature }) => feature === undefined || features.includes(feature));
}

/** API group of a kind. Empty for the core group. */
export function groupOf({ apiVersion }: Pick<StackKind, "apiVersion">): string {
    return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

/** What the path of a kind in the API consists of. */
export type KindPath = Pick<StackKind, "apiVersion" | "resource" | "namespaced">;

/** Path of a kind's list in the API: in one namespace, or in all of them. */
export function listPath({ apiVersion, resource, namespaced }: KindPath, namespace?: string): string {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    return namespaced && namespace !== undefined
        ? `${root}/namespaces/${namespace}/${resource}`
        : `${root}/${resource}`;
}

/** Path of an object in the API. */
export function objectPath(kind: string, name: string, namespace?: string): string {
    return `${listPath(kindOf(kind), namespace)}/${name}`;
}
