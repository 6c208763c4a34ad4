/** What model/permissions.ts says about permissions, for docs/rbac.yaml and docs/permissions.md. */
import { stringify } from "yaml";
import { defaultText } from "../config/keys.ts";
import { instanceOf, ownerLabels } from "../model/labels.ts";
import { type PermissionRule, allPermissions } from "../model/permissions.ts";
import { code, table } from "./markdown.ts";

/** Permissions that differ in their resource only. */
interface Group extends PermissionRule {
    readonly resources: readonly string[];
}

const header = `# What \`pulumi up\` and \`pulumi destroy\` of stack dev need: a Role in its namespace, and a ClusterRole for that one namespace
# itself and for reading. An administrator applies this, and gives both to the user or service account that runs Pulumi:
#
#   kubectl apply --filename docs/rbac.yaml
#   kubectl create rolebinding synergychat --role=synergychat --user=NAME --namespace=synergychat
#   kubectl create clusterrolebinding synergychat --clusterrole=synergychat --user=NAME
#
# \`npm run docs\` generates this file from model/permissions.ts.
`;

const namespace = defaultText("namespace");

/** docs/rbac.yaml: the namespace, a Role in it and a ClusterRole, each permission with its purpose as a comment. */
export function rbac(): string {
    const labels = ownerLabels(instanceOf("synergychat", "dev"));
    const object = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } };
    return [
        `${header}\n${stringify(object)}`,
        role("Role", "namespace"),
        role("ClusterRole", "cluster"),
    ].join("---\n");
}

function role(kind: "Role" | "ClusterRole", scope: PermissionRule["scope"]): string {
    const metadata = { name: "synergychat", ...(kind === "Role" && { namespace }) };
    const groups = groupsOf(allPermissions()).filter((group) => group.scope === scope);
    const rules = groups.flatMap(({ group, resources, verbs, need, purpose }, index) => [
        ...(purpose === groups[index - 1]?.purpose ? [] : [`  # ${purpose}`]),
        `  - apiGroups: ${listed([group])}`,
        `    resources: ${listed(resources)}`,
        ...(need === "namespace" ? [`    resourceNames: ${listed([namespace])}`] : []),
        `    verbs: ${listed(verbs)}`,
    ]);
    return `${stringify({ apiVersion: "rbac.authorization.k8s.io/v1", kind, metadata })}rules:\n${rules.join("\n")}\n`;
}

/** A list of plain words as YAML. The core API group has no name. */
function listed(words: readonly string[]): string {
    return `[${words.map((word) => word || '""').join(", ")}]`;
}

/** The table of all permissions. */
export function permissionTable(): string {
    const rows = groupsOf(allPermissions()).map(({ group, resources, verbs, scope, need, purpose }) => [
        group === "" ? "core" : code(group),
        resources.map(code).join(", "),
        verbs.join(", "),
        scope === "namespace" ? "the namespace" : "the cluster",
        needs[need],
        purpose,
    ]);
    return table(["API group", "Resources", "Verbs", "In", "Needed", "For"], rows);
}

const needs: Readonly<Record<PermissionRule["need"], string>> = {
    always: "always",
    namespace: "for the stack's namespace alone",
    optional: "optional",
};

function groupsOf(rules: readonly PermissionRule[]): readonly Group[] {
    const groups = Map.groupBy(rules, ({ group, scope, purpose }) => [group, scope, purpose].join());
    return [...groups.values()].flatMap(([first, ...others]) =>
        first ? { ...first, resources: [first, ...others].map(({ resource }) => resource) } : [],
    );
}
