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
    /** What it is for. */
    readonly purpose: string;
}

const manage = ["create", "get", "list", "watch", "patch", "delete"];
const follow = ["get", "list", "watch"];

/** The permissions that a stack with these features needs. */
export function permissionsFor(features: readonly Feature[]): readonly PermissionRule[] {
    return [
        ...kindsWith(features).map(managing),
        ...others,
        ...(features.includes("guard") ? [granted] : []),
    ];
}

/** The permissions for every feature. */
export function allPermissions(): readonly PermissionRule[] {
    return [...stackKinds.map(managing), ...others, granted];
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
};

/** The permission that the stack's Role gives to the guard. */
const granted: PermissionRule = {
    group: "",
    resource: "events",
    verbs: ["create"],
    scope: "namespace",
    need: "always",
    purpose: "What the guard may do. Nobody can give a permission that they do not have.",
};

const others: readonly PermissionRule[] = [
    ...[
        ["", "pods"],
        ["", "events"],
        ["apps", "replicasets"],
    ].map(([group = "", resource = ""]): PermissionRule => ({
        group,
        resource,
        verbs: follow,
        scope: "namespace",
        need: "always",
        purpose: "How Pulumi follows a rollout and explains one that fails.",
    })),
    {
        group: "",
        resource: "namespaces",
        verbs: ["list", "watch"],
        scope: "cluster",
        need: "always",
        purpose: "How Pulumi waits until the namespace is deleted. It does not end without them.",
    },
    {
        group: "",
        resource: "services/proxy",
        verbs: ["get"],
        scope: "namespace",
        need: "always",
        purpose: "How the preflight counts the messages: it asks the api through the API server.",
    },
    ...[
        ["storage.k8s.io", "storageclasses"],
        ["networking.k8s.io", "ingressclasses"],
        ["gateway.networking.k8s.io", "gatewayclasses"],
    ].map(([group = "", resource = ""]): PermissionRule => ({
        group,
        resource,
        verbs: ["get", "list"],
        scope: "cluster",
        need: "optional",
        purpose: "Whether the classes in the config exist. Without them, a wrong name is found later.",
    })),
    {
        group: "",
        resource: "persistentvolumes",
        verbs: ["get", "list"],
        scope: "cluster",
        need: "optional",
        purpose: "Whether a new claim would get the data of an earlier one, as on minikube after a restart.",
    },
    {
        group: "",
        resource: "pods/log",
        verbs: ["get"],
        scope: "namespace",
        need: "optional",
        purpose:
            "Whether the api can use the file on an existing claim. Without it, a file that it cannot use is found later.",
    },
];
