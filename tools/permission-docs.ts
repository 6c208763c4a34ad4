/** What model/permissions.ts says about permissions, for docs/rbac.yaml and docs/permissions.md. */
import { Document, type Node, type YAMLMap, type YAMLSeq, isMap } from "yaml";
import { type PermissionRule, allPermissions } from "../model/permissions.ts";
import { code, table } from "./markdown.ts";

/** Permissions that differ in their resource only. */
interface Group extends Omit<PermissionRule, "resource"> {
    readonly resources: readonly string[];
}

const header = [
    " The permissions that `pulumi up` and `pulumi destroy` of this stack need. The stack makes its namespace, so they are a",
    " ClusterRole. Bind it to the user or service account that runs Pulumi:",
    " ",
    "   kubectl apply --filename docs/rbac.yaml",
    "   kubectl create clusterrolebinding synergychat --clusterrole=synergychat --user=NAME",
    " ",
    " `npm run docs` generates this file from model/permissions.ts.",
].join("\n");

/** docs/rbac.yaml: a ClusterRole with exactly these permissions, each with its purpose as a comment. */
export function clusterRole(): string {
    const groups = groupsOf(allPermissions());
    const role = {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "ClusterRole",
        metadata: { name: "synergychat" },
        rules: groups.map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs })),
    };
    const document = new Document(role, { aliasDuplicateObjects: false });
    document.commentBefore = header;
    const rules = document.get("rules") as YAMLSeq<YAMLMap<string, Node>>;
    rules.items.forEach((rule, index) => {
        rule.items.forEach(({ value }) => {
            if (value && !isMap(value)) {
                (value as YAMLSeq).flow = true;
            }
        });
        const { purpose } = groups[index] ?? {};
        rule.commentBefore = purpose === groups[index - 1]?.purpose ? null : ` ${purpose ?? ""}`;
    });
    return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** The table of all permissions. */
export function permissionTable(): string {
    const rows = groupsOf(allPermissions()).map(({ group, resources, verbs, need, purpose }) => [
        group === "" ? "core" : code(group),
        resources.map(code).join(", "),
        verbs.join(", "),
        needs[need],
        purpose,
    ]);
    return table(["API group", "Resources", "Verbs", "Needed", "For"], rows);
}

const needs: Readonly<Record<PermissionRule["need"], string>> = {
    always: "always",
    namespace: "to make or delete the namespace",
    optional: "optional",
};

function groupsOf(rules: readonly PermissionRule[]): readonly Group[] {
    const same = (rule: PermissionRule, group: Group) =>
        rule.group === group.group && rule.need === group.need && rule.purpose === group.purpose;
    return rules.reduce<readonly Group[]>((groups, { resource, ...rule }) => {
        const found = groups.find((group) => same({ resource, ...rule }, group));
        return found
            ? groups.map((group) =>
                  group === found ? { ...group, resources: [...group.resources, resource] } : group,
              )
            : [...groups, { ...rule, resources: [resource] }];
    }, []);
}
