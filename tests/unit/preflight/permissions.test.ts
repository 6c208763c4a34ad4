import { strict as assert } from "node:assert";
import type { Permission } from "../../../kubernetes/snapshot.ts";
import { allPermissions } from "../../../model/permissions.ts";
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

/** Each permission by itself: one verb on one resource. */
const all = allPermissions().flatMap(({ group, resource, verbs, need }) =>
    [...verbs, ...(need === "namespace" ? ["create"] : [])].map((verb) => ({
        need,
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
        const others = all.filter(({ need }) => need !== "namespace").map(({ permission }) => permission);
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

    it("are missing if the permission is for some objects only", () => {
        const permissions = granted.map((rule) => ({
            ...rule,
            resourceNames: rule.resources[0] === "deployments" ? ["synergychat-web"] : [],
        }));
        assert.match(only({ ...cluster, permissions }).reason, /: create, .* deployments\.apps\./);
    });

    for (const { need, text, group, permission } of all) {
        const config = group.startsWith("gateway") ? gateway : everything;
        const rest = { ...cluster, permissions: granted.filter((other) => other !== permission) };

        it(need === "optional" ? `do not include ${text}, which is optional` : `include ${text}`, () => {
            const found = findings(rest, config);
            assert.deepEqual(
                found.map(({ code }) => code),
                need === "optional" ? [] : ["permissions-missing"],
            );
            assert.ok(found.every(({ reason }) => reason.includes(`: ${text}.`)));
        });
    }
});
