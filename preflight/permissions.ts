/** Permissions: what the user must be allowed to do in the cluster. */
import { type Settings, featuresOf } from "../config/settings.ts";
import type { ClusterSnapshot, Permission } from "../kubernetes/snapshot.ts";
import { type Found, error } from "../model/finding.ts";
import { type PermissionRule, permissionsFor } from "../model/permissions.ts";

/** All permissions that are missing, in one finding. If the cluster does not tell, the claims must be visible at least. */
export function missingPermissions(settings: Settings, snapshot: ClusterSnapshot): Found {
    const missing = snapshot.permissions
        ? missingIn(snapshot.permissions, settings, snapshot.namespace !== undefined)
        : snapshot.claims === undefined
          ? ["list persistentvolumeclaims"]
          : [];
    return missing.length === 0
        ? []
        : error(
              "permissions-missing",
              `Missing permissions in namespace ${settings.namespace}: ${missing.join("; ")}.\n` +
                  "Ask who runs the cluster for them. docs/rbac.yaml lists all of them.",
          );
}

function missingIn(
    permissions: readonly Permission[],
    settings: Settings,
    namespaceExists: boolean,
): readonly string[] {
    const isAllowed = (verb: string, { group, resource, need }: PermissionRule) =>
        permissions.some(
            ({ verbs, apiGroups, resources = [], resourceNames = [] }) =>
                includes(verbs, verb) &&
                includes(apiGroups, group) &&
                includes(resources, resource) &&
                (resourceNames.length === 0 ||
                    (need === "namespace" && resourceNames.includes(settings.namespace))),
        );
    return permissionsFor(featuresOf(settings))
        .filter(({ need }) => need !== "optional")
        .flatMap((rule) => {
            const ofNamespace = namespaceExists ? ["get", "patch"] : ["create", ...rule.verbs];
            const needed = rule.need === "namespace" ? ofNamespace : rule.verbs;
            const verbs = needed.filter((verb) => !isAllowed(verb, rule));
            const resource = rule.group === "" ? rule.resource : `${rule.resource}.${rule.group}`;
            return verbs.length > 0 ? [`${verbs.join(", ")} ${resource}`] : [];
        });
}

function includes(list: readonly string[], item: string): boolean {
    return list.includes(item) || list.includes("*");
}
