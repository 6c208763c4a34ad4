import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { Permission } from "../../../kubernetes/snapshot.ts";
import type { Feature } from "../../../model/kinds.ts";
import { type PermissionRule, permissionsFor } from "../../../preflight/permissions.ts";
import {
    type Config,
    assertFinding,
    codes,
    findings,
    fresh,
    namespace,
    object,
    only,
} from "../support/snapshots.ts";

const features: readonly Feature[] = ["ingress", "gateway", "guard", "backups", "networkPolicies"];

/** Each permission by itself: one verb on one resource. */
const all = permissionsFor(features, false, false).flatMap(({ group, resource, verbs }) =>
    verbs.map((verb) => ({
        isOfNamespace: resource === "namespaces" && !["list", "watch"].includes(verb),
        text: `${verb} ${group === "" ? resource : `${resource}.${group}`}`,
        group,
        permission: { verbs: [verb], apiGroups: [group], resources: [resource] } satisfies Permission,
    })),
);
const granted = all.map(({ permission }) => permission);
const everything: Config = { guard: "true", backupSchedule: "@daily" };
const gateway: Config = { ...everything, exposure: "gateway", gatewayClass: "eg" };
const cluster = { ...fresh, gatewayClasses: [object("GatewayClass", "eg")] };

describe("missing permissions", () => {
    it("are one finding that names them all", () => {
        const permissions = [
            {
                verbs: ["*"],
                apiGroups: ["", "apps"],
                resources: ["configmaps", "services", "deployments", "namespaces"],
            },
            { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["persistentvolumeclaims"] },
        ];
        const finding = only({ ...fresh, permissions });
        assertFinding(finding, {
            code: "permissions-missing",
            severity: "error",
            subject: { kind: "Namespace", name: "synergychat" },
        });
        assert.match(finding.reason, /create, patch, delete persistentvolumeclaims; /);
        assert.match(
            finding.reason,
            /create, get, list, watch, patch, delete ingresses\.networking\.k8s\.io; /,
        );
        assert.match(finding.reason, /docs\/rbac\.yaml/);
    });

    it("are not looked for if the cluster does not tell", () => {
        assert.deepEqual(findings({ ...fresh, permissions: undefined }), []);
    });

    it("do not exist with all permissions of the table, whatever the features", () => {
        assert.deepEqual(findings({ ...cluster, permissions: granted }), []);
        assert.deepEqual(findings({ ...cluster, permissions: granted }, everything), []);
        assert.deepEqual(findings({ ...cluster, permissions: granted }, gateway), []);
    });

    it("of the namespace are few once it exists, and may be for it alone", () => {
        const others = all.filter(({ isOfNamespace }) => !isOfNamespace).map(({ permission }) => permission);
        const ofNamespace = (name: string): Permission => ({
            ...{ verbs: ["get", "patch"], apiGroups: [""], resources: ["namespaces"] },
            resourceNames: [name],
        });
        const permissions = [...others, ofNamespace("synergychat")];
        assert.deepEqual(codes({ ...cluster, permissions }), ["permissions-missing"]);
        assert.deepEqual(codes({ ...cluster, permissions, namespace }), []);
        const ofAnother = [...others, ofNamespace("elsewhere")];
        assert.deepEqual(codes({ ...cluster, permissions: ofAnother, namespace }), ["permissions-missing"]);
    });

    it("of the cluster are none for a stack that keeps its namespace", () => {
        const permissions = granted.filter(
            ({ resources, verbs }) => resources[0] !== "namespaces" || !/list|watch/.test(verbs[0] ?? ""),
        );
        const kept = { ...cluster, permissions, namespace: object("Namespace", "synergychat") };
        assert.deepEqual(codes(kept), ["permissions-missing"]);
        assert.deepEqual(codes(kept, { retainData: "true" }), []);
    });

    it("are missing if the permission is for some objects only", () => {
        const permissions = granted.map((rule) => ({
            ...rule,
            resourceNames: rule.resources[0] === "deployments" ? ["synergychat-web"] : [],
        }));
        assert.match(only({ ...cluster, permissions }).reason, /: create, .* deployments\.apps\./);
    });

    it("include the Job that tries a new image for a guard without backups", () => {
        const permissions = granted.filter(({ resources }) => resources[0] !== "jobs");
        const finding = only({ ...cluster, permissions }, { guard: "true" });
        assert.ok(finding.reason.includes("create, get jobs.batch"), finding.reason);
    });

    for (const { text, group, permission } of all) {
        it(`include ${text}`, () => {
            const config = group.startsWith("gateway") ? gateway : everything;
            const rest = { ...cluster, permissions: granted.filter((other) => other !== permission) };
            const finding = only(rest, config);
            assert.equal(finding.code, "permissions-missing");
            assert.ok(finding.reason.includes(`: ${text}.`));
        });
    }
});

describe("the permissions", () => {
    it("are in docs/rbac.yaml, which grants nothing else but what is optional, and to change nothing outside of the namespace", () => {
        const [, role, clusterRole] = parseAllDocuments(readFileSync("docs/rbac.yaml", "utf8")).map(
            (document) => document.toJS() as { kind: string; rules: readonly Permission[] },
        );
        assert.deepEqual([role?.kind, clusterRole?.kind], ["Role", "ClusterRole"]);
        const single = ({ apiGroups, resources = [], verbs, resourceNames = [] }: Permission) =>
            apiGroups.flatMap((group) =>
                resources.flatMap((resource) =>
                    verbs.map((verb) => [verb, resource, group, ...resourceNames].join(" ")),
                ),
            );
        const isOfCluster = ({ resource, verbs }: PermissionRule) =>
            resource === "namespaces" && verbs.includes("list");
        const needed = permissionsFor(features, true, false).map((rule) => ({
            ...rule,
            apiGroups: [rule.group],
            resources: [rule.resource],
            resourceNames: rule.resource === "namespaces" && !isOfCluster(rule) ? ["synergychat"] : [],
        }));
        for (const [granted = [], inCluster, optional] of [
            [
                role?.rules,
                false,
                [
                    "get pods/log ",
                    "get secrets  chat-tls synergychat-backup-target",
                    "delete namespaces  synergychat",
                ],
            ],
            [
                clusterRole?.rules,
                true,
                [
                    ...["storageclasses storage.k8s.io", "ingressclasses networking.k8s.io"],
                    ...["gatewayclasses gateway.networking.k8s.io", "persistentvolumes "],
                ].flatMap((one) => [`get ${one}`, `list ${one}`]),
            ],
        ] as const) {
            const own = needed.filter((rule) => isOfCluster(rule) === inCluster).flatMap(single);
            assert.deepEqual(granted.flatMap(single).sort(), [...own, ...optional].sort());
        }
    });

    it("differ by feature in the kinds of the feature, and in what the guard is allowed", () => {
        const rules = (...some: Feature[]) =>
            permissionsFor(some, true, false).map(({ resource, verbs }) => `${verbs.join()} ${resource}`);
        const none = rules();
        const more = (feature: Feature) =>
            rules(feature)
                .filter((rule) => !none.includes(rule))
                .map((rule) => rule.replace(/^create,get,list,watch,patch,delete /, ""));
        assert.deepEqual(more("ingress"), ["ingresses"]);
        assert.deepEqual(more("gateway"), ["httproutes", "gateways"]);
        assert.deepEqual(more("backups"), ["cronjobs", "jobs"]);
        assert.deepEqual(more("guard"), [
            "rolebindings",
            "roles",
            "serviceaccounts",
            "create events",
            "create,get jobs",
        ]);
    });
});
