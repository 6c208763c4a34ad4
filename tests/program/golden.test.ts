/**
 * What `deploy` declares: the default plan in full, the other plans as what distinguishes them from it, so that a change is
 * reviewed like code. `npm run golden` rewrites the files. It never removes a URN from urns.txt.
 */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { assertGolden } from "../support/golden.ts";
import { type Change, type Dump, changesBetween } from "./support/changes.ts";
import { allPlans, plans } from "./support/plans.ts";
import type { Declared, Run } from "./support/program.ts";
import { urnsOf } from "./support/urns.ts";

const folder = join(import.meta.dirname, "golden");
const full = "persistent-ingress";

/** Options as they are if nobody sets them, which need no line. */
const unset = { protect: false, retainOnDelete: false, deleteBeforeReplace: false, replaceWith: [] };

/** Every resource by its type and name, in the order of the URNs. */
function resourcesOf({ resources }: Run): Dump {
    const sorted = [...resources].sort((a, b) => (urn(a, resources) < urn(b, resources) ? -1 : 1));
    return Object.fromEntries(
        sorted.map(({ type, name, parent, inputs, ...rest }) => {
            const set = Object.entries(unset).filter(
                ([option, normal]) => String(rest[option as keyof typeof unset]) !== String(normal),
            );
            const options = Object.fromEntries(
                set.map(([option]) => [option, rest[option as keyof typeof unset]]),
            );
            const plain = withoutPrograms(inputs);
            return [`${type} ${name}`, { ...(parent && { parent }), ...options, ...plain }];
        }),
    );
}

/** The programs of folder pods/ are files of this repository already, so only their names are kept. */
function withoutPrograms(inputs: Declared["inputs"]): Dump {
    const text = JSON.stringify(inputs, (key, value: unknown) => {
        const isPrograms = key === "data" && Object.keys(value as object).includes("database.js");
        return isPrograms ? Object.keys(value as object) : key === "checksum/tools" ? "of pods/" : value;
    });
    return JSON.parse(text) as Dump;
}

function urn(resource: Declared, resources: readonly Declared[]): string {
    return urnsOf(resource, resources)[0] ?? "";
}

function yaml(value: unknown): string {
    return stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 });
}

describe("golden plans", () => {
    let runs: ReadonlyMap<string, Run>;
    before(async () => {
        runs = await allPlans();
    });

    function plan(name: string): Run {
        return runs.get(name) ?? assert.fail(name);
    }

    it(`contain everything that ${full} declares`, () => {
        const { outputs } = plan(full);
        const resources = Object.entries(resourcesOf(plan(full))).map(([name, dump]) => ({ [name]: dump }));
        assertGolden(join(folder, `${full}.yaml`), yaml({ outputs, resources }));
    });

    for (const [name, config] of Object.entries(plans)) {
        if (name !== full) {
            it(`contain what distinguishes ${name}`, () => {
                const outputs = changesBetween(plan(full).outputs, plan(name).outputs);
                const [before, after] = [resourcesOf(plan(full)), resourcesOf(plan(name))];
                const added = Object.keys(after).filter((resource) => !(resource in before));
                const removed = Object.keys(before).filter((resource) => !(resource in after));
                const changed = Object.keys(before)
                    .filter((resource) => resource in after)
                    .map((resource): [string, Record<string, Change>] => [
                        resource,
                        changesBetween(before[resource], after[resource]),
                    ])
                    .filter(([, changes]) => Object.keys(changes).length > 0);
                const difference = {
                    config,
                    outputs,
                    removed,
                    changed: Object.fromEntries(changed),
                    added: Object.fromEntries(added.map((resource) => [resource, after[resource]])),
                };
                assertGolden(join(folder, `${name}.diff.yaml`), yaml(difference));
            });
        }
    }

    it("declare as many objects as were counted by hand", () => {
        const counted = [...runs].map(([name, { objects }]) => [name, objects.length]);
        assert.deepEqual(Object.fromEntries(counted), {
            "persistent-ingress": 17,
            "ephemeral-ingress": 16,
            "existing-claim-none": 15,
            "retained-persistent-gateway": 20,
            "retained-ephemeral-ingress-class": 17,
            "production-example": 25,
            "guarded-backups": 24,
            "backups-target": 22,
            "guarded-ephemeral-backups": 23,
        });
    });

    it("contain no value that is missing, and no promise", () => {
        for (const run of runs.values()) {
            assert.doesNotMatch(
                yaml([run.outputs, resourcesOf(run)]),
                /undefined|NaN|\[object |\[toString\]/,
            );
        }
    });

    it("put each component under the stack, and the stack's own objects under a component", () => {
        for (const { own } of runs.values()) {
            for (const { type, name, parent } of own) {
                assert.equal(parent === "", /^(pulumi|synergychat):/.test(type), `${type} ${name}`);
            }
        }
    });

    it("have exactly one file each", () => {
        const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
        const expected = Object.keys(plans).map((name) =>
            name === full ? `${name}.yaml` : `${name}.diff.yaml`,
        );
        assert.deepEqual(files.sort(), expected.sort());
    });

    describe("urns", () => {
        const path = join(folder, "urns.txt");
        const frozen = () => (existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : []);
        const all = () => [...runs.values()].flatMap(({ own }) => own.map((one) => [one, own] as const));

        it("that a stack may have in its state lead to a resource of today, by an alias if it was renamed", () => {
            const found = new Set(all().flatMap(([one, resources]) => urnsOf(one, resources)));
            assert.deepEqual(
                frozen().filter((known) => !found.has(known)),
                [],
            );
        });

        it("of today are all in urns.txt", () => {
            const today = all().map(([one, resources]) => urn(one, resources));
            assertGolden(path, `${[...new Set([...frozen(), ...today])].sort().join("\n")}\n`);
        });

        it("follow the alias of a component to its children", () => {
            const resource = (
                type: string,
                name: string,
                parent: string,
                aliases: Declared["aliases"],
            ): Declared => ({
                ...{ type, name, parent, aliases, provider: "", inputs: {}, ...unset },
            });
            const old = { spec: { name: "old", type: "" } };
            const all = [
                resource("a:b:C", "new", "", [old]),
                resource("k:x:Y", "new-child", "a:b:C::new", []),
            ];
            const child = all[1];
            assert.ok(child);
            assert.deepEqual(urnsOf(child, all), [
                "urn:pulumi:dev::synergychat::a:b:C$k:x:Y::new-child",
                "urn:pulumi:dev::synergychat::a:b:C$k:x:Y::old-child",
            ]);
        });
    });
});
