/** docs/rbac.yaml and the preflight say the same: what the one grants is what the other asks for. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Facts, Right } from "../../cluster/facts";
import { readSettings } from "../../config";
import { judge } from "../../preflight";

const { rules } = parse(readFileSync("docs/rbac.yaml", "utf8")) as { rules: Right[] };

/** Every right that the role grants, one verb on one resource at a time. */
const granted: Right[] = rules.flatMap(({ apiGroups, resources = [], verbs }) =>
    resources.flatMap((resource) =>
        verbs.map((verb) => ({ apiGroups, resources: [resource], verbs: [verb] })),
    ),
);

/** What is asked for with the config's own classes is the class rights: without them, the preflight just knows less. */
const needed = granted.filter(({ resources = [] }) => !resources[0]?.endsWith("classes"));

function problems(rights: readonly Right[], exposure: Record<string, string>): readonly string[] {
    const config = { "kubernetes:context": "minikube", ...exposure };
    const facts: Facts = {
        namespace: undefined,
        objects: [],
        claims: [],
        recorded: undefined,
        left: [],
        ingresses: [],
        storageClasses: undefined,
        ingressClasses: undefined,
        gatewayClasses: [{ metadata: { name: "any", uid: "1" } }],
        rights,
        api: undefined,
    };
    return judge(readSettings(config, "synergychat"), facts, "synergychat-dev").problems;
}

const ingress = {};
const gateway = { "synergychat:exposure": "gateway", "synergychat:gatewayClass": "any" };

describe("docs/rbac.yaml", () => {
    it("grants all that the preflight asks for, with an ingress and with a gateway", () => {
        assert.deepEqual(problems(granted, ingress), []);
        assert.deepEqual(problems(granted, gateway), []);
    });

    for (const right of needed) {
        const [verb, resource, group] = [right.verbs[0], right.resources?.[0], right.apiGroups[0]];
        const name = `${String(resource)}${group ? `.${group}` : ""}`;
        it(`grants nothing to spare: without ${String(verb)} ${name} the preflight names it`, () => {
            const rest = granted.filter((other) => other !== right);
            const found = problems(rest, group?.startsWith("gateway") ? gateway : ingress);
            assert.equal(found.length, 1);
            assert.ok(found[0]?.includes(`Missing: ${String(verb)} ${name}.`), found[0]);
        });
    }
});
