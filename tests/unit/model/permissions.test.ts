import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { stackKinds } from "../../../model/kinds";
import { allPermissions, permissionsFor } from "../../../model/permissions";

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
        const { rules } = parse(readFileSync("docs/rbac.yaml", "utf8")) as { rules: readonly Rule[] };
        const granted = rules.flatMap((rule) => single(rule.apiGroups, rule.resources, rule.verbs));
        const needed = allPermissions().flatMap(({ group, resource, verbs }) =>
            single([group], [resource], verbs),
        );
        assert.deepEqual(granted.sort(), needed.sort());
    });

    it("include every kind that the stack can make", () => {
        const resources = allPermissions().map(({ resource }) => resource);
        for (const { resource } of stackKinds) {
            assert.ok(resources.includes(resource), resource);
        }
    });

    it("differ by exposure in the kinds of the exposure only", () => {
        const resources = (exposure: "ingress" | "gateway" | "none") =>
            permissionsFor(exposure).map(({ resource }) => resource);
        const none = resources("none");
        const more = (exposure: "ingress" | "gateway") =>
            resources(exposure).filter((resource) => !none.includes(resource));
        assert.deepEqual(more("ingress"), ["ingresses"]);
        assert.deepEqual(more("gateway"), ["httproutes", "gateways"]);
    });
});
