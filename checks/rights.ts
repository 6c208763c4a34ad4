/** What the user may do in the cluster. */
import type { Facts } from "../cluster/facts";
import type { Settings } from "../config";

/** A kind that the stack must be allowed to do something with: its API group, its resource, and the verbs. */
type Need = readonly [group: string, resource: string, verbs: readonly string[]];

/** What the stack needs in its namespace; docs/rbac.yaml grants exactly that. */
function needs({ exposure }: Settings): readonly Need[] {
    const make = ["create", "get", "list", "watch", "patch", "delete"];
    const follow = ["get", "list", "watch"];
    const exposed: Record<Settings["exposure"]["kind"], readonly Need[]> = {
        ingress: [["networking.k8s.io", "ingresses", make]],
        gateway: [
            ["gateway.networking.k8s.io", "gateways", make],
            ["gateway.networking.k8s.io", "httproutes", make],
        ],
        none: [],
    };
    return [
        ["", "configmaps", make],
        ["", "services", make],
        ["", "persistentvolumeclaims", make],
        ["apps", "deployments", make],
        ...exposed[exposure.kind],
        // How Pulumi follows a rollout.
        ["", "pods", follow],
        ["", "events", follow],
        ["apps", "replicasets", follow],
        // How the messages at stake are counted.
        ["", "services/proxy", ["get"]],
    ];
}

export function missingRights(settings: Settings, { rights, namespace }: Facts): string[] {
    if (!rights) {
        return [];
    }
    const may = (verb: string, group: string, resource: string) =>
        rights.some(
            ({ verbs, apiGroups, resources = [] }) =>
                has(verbs, verb) && has(apiGroups, group) && has(resources, resource),
        );
    const ofNamespace: Need = ["", "namespaces", ["create", "get", "list", "watch", "patch", "delete"]];
    const wanted = [...needs(settings), ...(namespace ? [] : [ofNamespace])];
    const missing = wanted.flatMap(([group, resource, all]) => {
        const verbs = all.filter((verb) => !may(verb, group, resource));
        return verbs.length > 0 ? [`${verbs.join(", ")} ${resource}${group && `.${group}`}`] : [];
    });
    return missing.length === 0
        ? []
        : [
              `You may not do in namespace ${settings.namespace} what the stack needs. Missing: ${missing.join("; ")}.\n` +
                  "    Ask who runs the cluster for these rights; the README lists all of them.",
          ];
}

function has(list: readonly string[], item: string): boolean {
    return list.includes(item) || list.includes("*");
}
