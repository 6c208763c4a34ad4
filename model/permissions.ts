/** The permissions that `pulumi up` and `pulumi destroy` of the stack need. docs/rbac.yaml is generated from here. */
import { type Feature, groupOf, kindsWith, stackKinds } from "./kinds.ts";

/** Verbs on one resource. */
export interface PermissionRule {
    /** API group. Empty for the core group. */
    readonly group: string;
    readonly resource: string;
    readonly verbs: readonly string[];
    /** Whether a Role in the stack's namespace can give it. */
    readonly scope: "namespace" | "cluster";
    /**
     * When the rule is needed: always, for the one namespace of the stack, or never (without an optional one the preflight knows
     * less).
     */
    readonly need: "always" | "namespace" | "optional";
    readonly purpose: string;
}

const manage = ["create", "get", "list", "watch", "patch", "delete"];

/** The permissions that a stack with these features needs. */
export function permissionsFor(features: readonly Feature[]): readonly PermissionRule[] {
    return [...kindsWith(features).map(managing), ...others, ...(features.includes("guard") ? granted : [])];
}

/** The permissions for every feature. */
export function allPermissions(): readonly PermissionRule[] {
    return permissionsFor(Object.keys(purposes) as Feature[]);
}

function managing(row: (typeof stackKinds)[number]): PermissionRule {
    return {
        group: groupOf(row),
        resource: row.resource,
        // No rule can allow one namespace only to be created, listed or watched.
        verbs: row.namespaced ? manage : ["get", "patch", "delete"],
        scope: row.namespaced ? "namespace" : "cluster",
        need: row.namespaced ? "always" : "namespace",
        purpose: row.feature === undefined ? "What the stack makes." : purposes[row.feature],
    };
}

const purposes: Readonly<Record<Feature, string>> = {
    ingress: "What the stack makes with exposure ingress.",
    gateway: "What the stack makes with exposure gateway.",
    guard: "What the stack makes with guard.",
    backups: "What the stack makes with backupSchedule.",
    networkPolicies: "What the stack makes with networkPolicies.",
};

/** The permission that the stack's Role gives to the guard. */
const granted = rules(
    ["events"],
    ["create"],
    ["namespace", "always"],
    "What the guard may do. Nobody can give a permission that they do not have.",
);

const others: readonly PermissionRule[] = [
    ...rules(
        ["pods", "events", "replicasets.apps"],
        ["get", "list", "watch"],
        ["namespace", "always"],
        "How Pulumi follows a rollout and explains one that fails.",
    ),
    ...rules(
        ["namespaces"],
        ["list", "watch"],
        ["cluster", "always"],
        "How Pulumi waits until the namespace is deleted. It does not end without them.",
    ),
    ...rules(
        ["services/proxy"],
        ["get"],
        ["namespace", "always"],
        "How the preflight counts the messages: it asks the api through the API server.",
    ),
    ...rules(
        [
            "storageclasses.storage.k8s.io",
            "ingressclasses.networking.k8s.io",
            "gatewayclasses.gateway.networking.k8s.io",
        ],
        ["get", "list"],
        ["cluster", "optional"],
        "Whether the classes in the config exist. Without them, a wrong name is found later.",
    ),
    ...rules(
        ["persistentvolumes"],
        ["get", "list"],
        ["cluster", "optional"],
        "Whether a new claim would get the data of an earlier one, as on minikube after a restart.",
    ),
    ...rules(
        ["pods/log"],
        ["get"],
        ["namespace", "optional"],
        "Whether the api can use the file on an existing claim. Without it, a file that it cannot use is found later.",
    ),
];

/** @param resources with their groups, as kubectl names them: `replicasets.apps`. */
function rules(
    resources: readonly string[],
    verbs: readonly string[],
    [scope, need]: readonly [PermissionRule["scope"], PermissionRule["need"]],
    purpose: string,
): readonly PermissionRule[] {
    return resources.map((name) => {
        const [resource = "", group = ""] = name.split(/\.(.*)/s);
        return { group, resource, verbs, scope, need, purpose };
    });
}
