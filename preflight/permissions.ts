/** Permissions: what the user must be allowed to do in the cluster. */
import { type Settings, featuresOf } from "../config/settings.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding } from "../model/finding.ts";
import { type PermissionRule, permissionsFor } from "../model/permissions.ts";

/** All permissions that are missing, in one finding. */
export function missingPermissions(
    settings: Settings,
    { permissions, namespace }: ClusterSnapshot,
): readonly Finding[] {
    if (!permissions) {
        return [];
    }
    const isAllowed = (verb: string, { group, resource }: PermissionRule) =>
        permissions.some(
            ({ verbs, apiGroups, resources = [] }) =>
                includes(verbs, verb) && includes(apiGroups, group) && includes(resources, resource),
        );
    const missing = permissionsFor(featuresOf(settings))
        .filter(({ need }) => need !== "namespace" || !namespace)
        .filter(({ need }) => need !== "optional")
        .flatMap((rule) => {
            const verbs = rule.verbs.filter((verb) => !isAllowed(verb, rule));
            const resource = rule.group === "" ? rule.resource : `${rule.resource}.${rule.group}`;
            return verbs.length > 0 ? [`${verbs.join(", ")} ${resource}`] : [];
        });
    return missing.length === 0
        ? []
        : [
              {
                  code: "permissions-missing",
                  severity: "error",
                  subject: { kind: "Namespace", name: settings.namespace },
                  reason:
                      `Missing permissions in namespace ${settings.namespace}: ${missing.join("; ")}.\n` +
                      "Ask who runs the cluster for them. docs/rbac.yaml lists all of them.",
                  fixes: [],
              },
          ];
}

function includes(list: readonly string[], item: string): boolean {
    return list.includes(item) || list.includes("*");
}
