/** What model/permissions.ts says about permissions, for docs/rbac.yaml and docs/permissions.md. */
import { Document, type Node, type YAMLMap, type YAMLSeq, isMap } from "yaml";
import { defaultText } from "../config/keys.ts";
import { instanceOf, ownerLabels } from "../model/labels.ts";
import { type PermissionRule, allPermissions } from "../model/permissions.ts";
import { code, table } from "./markdown.ts";

/** Permissions that differ in their resource only. */
interface Group extends Omit<PermissionRule, "resource"> {
    readonly resources: readonly string[];
}

const header = ` What \`pulumi up\` and \`pulumi destroy\` of stack dev need: a Role in its namespace, and a ClusterRole for that one namespace
 itself and for reading. An administrator applies this, and gives both to the user or service account that runs Pulumi:
 
   kubectl apply --filename docs/rbac.yaml
   kubectl create rolebinding synergychat --role=synergychat --user=NAME --namespace=synergychat
   kubectl create clusterrolebinding synergychat --clusterrole=synergychat --user=NAME
 
 \`npm run docs\` generates this file from model/permissions.ts.`;

const namespace = defaultText("namespace");

/** docs/rbac.yaml: the namespace, a Role in it and a ClusterRole, each permission with its purpose as a comment. */
export function rbac(): string {
    const inNamespace = {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace, labels: ownerLabels(instanceOf("synergychat", "dev")) },
    };
    const namespaceDocument = new Document(inNamespace);
    namespaceDocument.commentBefore = header;
    const rules = groupsOf(allPermissions());
    return [
        namespaceDocument.toString({ lineWidth: 0 }),
        role(
            "Role",
            rules.filter(({ scope }) => scope === "namespace"),
        ),
        role(
            "ClusterRole",
            rules.filter(({ scope }) => scope === "cluster"),
        ),
    ].join("---\n");
}

function role(kind: "Role" | "ClusterRole", groups: readonly Group[]): string {
    const document = new Document(
        {
            apiVersion: "rbac.authorization.k8s.io/v1",
            kind,
            metadata: { name: "synergychat", ...(kind === "Role" && { namespace }) },
            rules: groups.map(({ group, resources, verbs, need }) => ({
                apiGroups: [group],
                resources,
                ...(need === "namespace" && { resourceNames: [namespace] }),
                verbs,
            })),
        },
        { aliasDuplicateObjects: false },
    );
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
    const same = (rule: PermissionRule, group: Group) =>
        rule.group === group.group && rule.scope === group.scope && rule.purpose === group.purpose;
    return rules.reduce<readonly Group[]>((groups, { resource, ...rule }) => {
        const found = groups.find((group) => same({ resource, ...rule }, group));
        return found
            ? groups.map((group) =>
                  group === found ? { ...group, resources: [...group.resources, resource] } : group,
              )
            : [...groups, { ...rule, resources: [resource] }];
    }, []);
}
