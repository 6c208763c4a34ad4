/** The policy pack: each rule on objects that it passes and objects that it fails, and all of them on the stack's own plans. */
import { strict as assert } from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { allPlans } from "../program/support/plans.ts";
import type { KubernetesObject } from "../program/support/program.ts";
import { type Stored, analyze } from "./support.ts";

/** An object of a fixture, in the namespace of the fixture. */
interface Example {
    readonly object: KubernetesObject;
    readonly protect?: boolean;
    /** What the rule says of the object, in any order: the start of each message. */
    readonly violations?: readonly string[];
}

interface Fixture {
    readonly passing: readonly Example[];
    readonly failing: readonly Example[];
}

const folder = "policies/fixtures";
const rules = readdirSync(folder).map((file) => file.replace(".yaml", ""));
const production = JSON.parse(readFileSync("policies/production.json", "utf8")) as Record<string, string>;

function fixtureOf(rule: string): Fixture {
    return parse(readFileSync(join(folder, `${rule}.yaml`), "utf8"), { merge: true }) as Fixture;
}

/** The resources of all fixtures. Each half of a fixture has a namespace of its own, so no rule sees two together. */
function stored(half: keyof Fixture): Stored[] {
    return rules.flatMap((rule) =>
        fixtureOf(rule)[half].map(({ object, protect = false }) => {
            const { apiVersion, kind, metadata } = object;
            const group = apiVersion.includes("/") ? apiVersion : `core/${apiVersion as string}`;
            const inputs = { ...object, metadata: { ...metadata, namespace: rule } };
            const type = `kubernetes:${group as string}:${kind as string}`;
            return { type, name: `${rule}/${metadata.name as string}`, inputs, protect };
        }),
    );
}

describe("The policy pack", () => {
    it("has a fixture for each rule, and a row of its README", () => {
        const readme = readFileSync("policies/README.md", "utf8");
        const rows = [...readme.matchAll(/^\| `([a-z-]+)`/gm)].map(([, rule]) => rule);
        assert.deepEqual(rows.sort(), rules);
    });

    describe("on its fixtures", () => {
        const found = { passing: [] as readonly string[], failing: [] as readonly string[] };

        before(() => {
            for (const half of ["passing", "failing"] as const) {
                found[half] = analyze(stored(half), production).violations;
            }
        });

        for (const rule of rules) {
            const ofRule = (half: keyof Fixture) =>
                found[half].filter((text) => text.startsWith(`${rule} of ${rule}/`));

            it(`${rule} passes what is right`, () => {
                assert.deepEqual(ofRule("passing"), []);
            });

            it(`${rule} fails what is wrong, each for its reason`, () => {
                const expected = fixtureOf(rule).failing.flatMap(({ object, violations = [] }) =>
                    violations.map((text) => `${rule} of ${rule}/${object.metadata.name as string}: ${text}`),
                );
                const seen = ofRule("failing");
                assert.ok(expected.length > 0);
                assert.equal(seen.length, expected.length, seen.join("\n"));
                for (const start of expected) {
                    assert.ok(
                        seen.some((text) => text.startsWith(start)),
                        `${start}\n\n${seen.join("\n")}`,
                    );
                }
            });
        }
    });

    describe("on the plans of this stack", () => {
        const objectsOf = async (plan: string) => (await allPlans()).get(plan)?.objects ?? assert.fail(plan);

        for (const [plan, levels] of [
            ["persistent-ingress", {}],
            ["guarded-backups", {}],
            ["production-example", production],
        ] as const) {
            it(`finds nothing in ${plan}`, async () => {
                const { status, violations } = analyze(await objectsOf(plan), levels);
                assert.deepEqual(violations, []);
                assert.equal(status, 0);
            });
        }

        it("fails the default plan by the rules for production, if they are asked for", async () => {
            const { status, violations } = analyze(await objectsOf("persistent-ingress"), production);
            const broken = new Set(violations.map((text) => text.split(" ")[0]));
            assert.deepEqual([...broken].sort(), ["claims-protected", "images-by-digest"]);
            assert.notEqual(status, 0);
        });
    });
});
