/** Permissions: what the user must be allowed to do in the cluster. docs/rbac.yaml grants it. */
import { type Settings, featuresOf } from "../config/settings.ts";
import type { ClusterSnapshot, Permission } from "../kubernetes/snapshot.ts";
import { type Found, error } from "../model/finding.ts";
import { type Feature, groupOf, kindsWith } from "../model/kinds.ts";

/** Verbs on one resource. */
export interface PermissionRule {
    /** API group. Empty for the core group. */
    readonly group: string;
    readonly resource: string;
    readonly verbs: readonly string[];
}

/** All permissions that are missing, in one finding. If the cluster does not tell, the claims must be visible at least. */
export function missingPermissions(settings: Settings, snapshot: ClusterSnapshot): Found {
    const { permissions, namespace, claims } = snapshot;
    const needed = permissionsFor(featuresOf(settings), namespace !== undefined, settings.retainNamespace);
    const known = claims ? [] : ["list persistentvolumeclaims"];
    const missing = permissions
        ? needed.flatMap((rule) => missingIn(permissions, rule, settings.namespace))
        : known;
    if (missing.length === 0) {
        return [];
    }
    return error(
        "permissions-missing",
        `Missing permissions in namespace ${settings.namespace}: ${missing.join("; ")}.\n` +
            "An administrator of the cluster can grant them, by the Role and the ClusterRole in docs/rbac.yaml.",
    );
}

/** The permissions without which `pulumi up` or `pulumi destroy` of a stack with these features fails. */
export function permissionsFor(
    features: readonly Feature[],
    namespaceExists: boolean,
    retainNamespace: boolean,
): readonly PermissionRule[] {
    const manage = ["create", "get", "list", "watch", "patch", "delete"];
    const ofNamespace = namespaceExists ? ["get", "patch"] : ["create", "get", "patch", "delete"];
    const follow = ["get", "list", "watch"];
    const kinds = kindsWith(features).map((row) => ({
        group: groupOf(row),
        resource: row.resource,
        verbs: row.namespaced ? manage : ofNamespace,
    }));
    return [
        ...kinds,
        // Pulumi follows a rollout.
        { group: "", resource: "pods", verbs: follow },
        { group: "", resource: "events", verbs: follow },
        { group: "apps", resource: "replicasets", verbs: follow },
        // Pulumi waits until the namespace is deleted. No Role can allow that, but only a ClusterRole.
        ...(retainNamespace ? [] : [{ group: "", resource: "namespaces", verbs: ["list", "watch"] }]),
        // The preflight counts the messages.
        { group: "", resource: "services/proxy", verbs: ["get"] },
        // Nobody can give the guard a permission that they do not have.
        ...(features.includes("guard") ? [{ group: "", resource: "events", verbs: ["create"] }] : []),
        // A Job tries a new image. Stacks with backups may have Jobs already.
        ...(features.includes("guard") && !features.includes("backups")
            ? [{ group: "batch", resource: "jobs", verbs: ["create", "get"] }]
            : []),
    ];
}

function missingIn(
    permissions: readonly Permission[],
    { group, resource, verbs }: PermissionRule,
    namespace: string,
): readonly string[] {
    const isAllowed = (verb: string) => {
        const canBeLimited = resource === "namespaces" && ["get", "patch", "delete"].includes(verb);
        return permissions.some(
            ({ verbs, apiGroups, resources = [], resourceNames = [] }) =>
                includes(verbs, verb) &&
                includes(apiGroups, group) &&
                includes(resources, resource) &&
                (resourceNames.length === 0 || (canBeLimited && resourceNames.includes(namespace))),
        );
    };
    const missing = verbs.filter((verb) => !isAllowed(verb)).join(", ");
    return missing === "" ? [] : [`${missing} ${group === "" ? resource : `${resource}.${group}`}`];
}

function includes(list: readonly string[], item: string): boolean {
    return list.includes(item) || list.includes("*");
}
