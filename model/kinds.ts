/**
 * Every kind of object that the stack can make, in one table.
 *
 * What is listed before a change, which names are the stack's own, what a killed run may have left, and the permissions all
 * follow from it. A test fails if the program declares an object that the table does not have.
 */
import {
    backupName,
    backupsClaimName,
    claimName,
    configMapName,
    denyPolicyName,
    eventsRoleName,
    gatewayName,
    httpRouteName,
    ingressName,
    parts,
    serviceAccountName,
    serviceName,
    targetPolicyName,
    toolsConfigMapName,
    workloadName,
} from "./names.ts";

/** How the app is exposed. */
export type ExposureKind = "ingress" | "gateway" | "none";

/** What a stack may have, or not. */
export type Feature = Exclude<ExposureKind, "none"> | "guard" | "backups" | "networkPolicies";

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
}

const gatewayApi = "gateway.networking.k8s.io/v1";
const rbacApi = "rbac.authorization.k8s.io/v1";

/** In the order in which they can be deleted: a claim goes only after the pods that mount it, its namespace last. */
export const stackKinds: readonly StackKind[] = [
    row("apps/v1", "Deployment", "deployments", parts.map(workloadName)),
    row("batch/v1", "CronJob", "cronjobs", [backupName], { feature: "backups" }),
    row("batch/v1", "Job", "jobs", [], { feature: "backups" }),
    row("v1", "Service", "services", parts.map(serviceName)),
    row("v1", "ConfigMap", "configmaps", [...parts.map(configMapName), toolsConfigMapName]),
    row(rbacApi, "RoleBinding", "rolebindings", [eventsRoleName], { feature: "guard" }),
    row(rbacApi, "Role", "roles", [eventsRoleName], { feature: "guard" }),
    row("v1", "ServiceAccount", "serviceaccounts", [serviceAccountName], { feature: "guard" }),
    row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", [workloadName("web")]),
    row(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "networkpolicies",
        [denyPolicyName, ...parts.map(workloadName), backupName, targetPolicyName],
        { feature: "networkPolicies" },
    ),
    row("networking.k8s.io/v1", "Ingress", "ingresses", [ingressName], { feature: "ingress" }),
    row(gatewayApi, "HTTPRoute", "httproutes", (["web", "api", "https"] as const).map(httpRouteName), {
        feature: "gateway",
    }),
    row(gatewayApi, "Gateway", "gateways", [gatewayName], { feature: "gateway" }),
    row("v1", "PersistentVolumeClaim", "persistentvolumeclaims", [claimName, backupsClaimName], {
        holdsData: true,
    }),
    row("v1", "Namespace", "namespaces", [], { namespaced: false, holdsData: true }),
];

function row(
    apiVersion: string,
    kind: string,
    resource: string,
    names: readonly string[],
    more: Partial<StackKind> = {},
): StackKind {
    return { apiVersion, kind, resource, names, namespaced: true, holdsData: false, ...more };
}

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
