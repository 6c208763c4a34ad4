import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { type Feature, stackKinds } from "../../../model/kinds.ts";
import { allPermissions, permissionsFor } from "../../../model/permissions.ts";

interface Rule {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly verbs: readonly string[];
}

/** One verb on one resource, as text. */
function single(groups: readonly string[], resources: readonly string[], verbs: readonly string[]): string[] {
    return groups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource} ${group}`)),
    );
}

describe("the permissions", () => {
    it("are exactly those that docs/rbac.yaml grants", () => {
        const [, role, clusterRole] = parseAllDocuments(readFileSync("docs/rbac.yaml", "utf8")).map(
            (document) => document.toJS() as { kind: string; rules: readonly Rule[] },
        );
        assert.deepEqual([role?.kind, clusterRole?.kind], ["Role", "ClusterRole"]);
        for (const [scope, { rules = [] } = {}] of [
            ["namespace", role],
            ["cluster", clusterRole],
        ] as const) {
            const granted = rules.flatMap((rule) => single(rule.apiGroups, rule.resources, rule.verbs));
            const needed = allPermissions()
                .filter((rule) => rule.scope === scope)
                .flatMap(({ group, resource, verbs }) => single([group], [resource], verbs));
            assert.deepEqual(granted.sort(), needed.sort());
        }
    });

    it("give nobody anything to change outside of the stack's namespace", () => {
        for (const { scope, verbs, need } of allPermissions()) {
            assert.ok(
                scope === "namespace" ||
                    need === "namespace" ||
                    verbs.every((verb) => ["get", "list", "watch"].includes(verb)),
            );
        }
    });

    it("include every kind that the stack can make", () => {
        const resources = allPermissions().map(({ resource }) => resource);
        for (const { resource } of stackKinds) {
            assert.ok(resources.includes(resource), resource);
        }
    });

    it("differ by feature in the kinds of the feature, and in what the guard is allowed", () => {
        const rules = (...features: Feature[]) =>
            permissionsFor(features).map(({ resource, verbs }) => `${verbs.join()} ${resource}`);
        const none = rules();
        const more = (feature: Feature) =>
            rules(feature)
                .filter((rule) => !none.includes(rule))
                .map((rule) => rule.replace(/^create,get,list,watch,patch,delete /, ""));
        assert.deepEqual(more("ingress"), ["ingresses"]);
        assert.deepEqual(more("gateway"), ["httproutes", "gateways"]);
        assert.deepEqual(more("backups"), ["cronjobs", "jobs"]);
        assert.deepEqual(more("guard"), ["rolebindings", "roles", "serviceaccounts", "create events"]);
    });
});
