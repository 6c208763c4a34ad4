/**
 * The whole program, dumped for each storage mode and exposure into tests/golden, so that a change of what it declares is
 * reviewed like code. `npm run golden` writes the files anew; it never takes an urn out of urns.txt.
 */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Declared, type Run, runProgram } from "./support/program";
import { urnsOf } from "./support/urns";

const folder = join(__dirname, "../golden");
const update = process.env.GOLDEN === "update";

const plans: Record<string, Record<string, string>> = {
    "persistent-ingress": {},
    "ephemeral-ingress": { storageMode: "ephemeral" },
    "existing-claim-none": { existingClaim: "brought-along", exposure: "none" },
    "retained-persistent-gateway": {
        retainData: "true",
        protectData: "true",
        storageClass: "fast",
        storageSize: "5Gi",
        exposure: "gateway",
        gatewayClass: "eg",
    },
    "retained-ephemeral-ingress-class": {
        storageMode: "ephemeral",
        retainData: "true",
        ingressClass: "nginx",
        namespace: "chat",
    },
};

/** Options as they are when nobody sets them: not worth a line. */
const unset = { protect: false, retainOnDelete: false, deleteBeforeReplace: false, replaceWith: [] };

function dump({ resources, outputs }: Run): string {
    const sorted = [...resources].sort((a, b) => (urn(a, resources) < urn(b, resources) ? -1 : 1));
    const listed = sorted.map(({ type, name, parent, inputs, ...rest }) => {
        const set = Object.entries(unset).filter(
            ([option, normal]) => String(rest[option as keyof typeof unset]) !== String(normal),
        );
        const options = Object.fromEntries(
            set.map(([option]) => [option, rest[option as keyof typeof unset]]),
        );
        return { [`${type} ${name}`]: { ...(parent && { parent }), ...options, ...inputs } };
    });
    return stringify({ outputs, resources: listed }, { aliasDuplicateObjects: false, lineWidth: 0 });
}

function urn(resource: Declared, resources: readonly Declared[]): string {
    return urnsOf(resource, resources)[0] ?? "";
}

/** Compares with the file, or writes it. */
function golden(file: string, text: string): void {
    const path = join(folder, file);
    if (update) {
        writeFileSync(path, text);
    }
    const known = existsSync(path) ? readFileSync(path, "utf8") : "";
    assert.equal(text, known, `tests/golden/${file} is not what the program declares: see npm run golden`);
}

describe("golden plans", () => {
    const runs: Record<string, Run> = {};

    for (const [name, config] of Object.entries(plans)) {
        it(name, async () => {
            const run = await runProgram(config);
            runs[name] = run;
            golden(`${name}.yaml`, dump(run));
        });
    }

    it("declare as many objects as were counted by hand: no promise was left behind", () => {
        const counted = Object.entries(runs).map(([name, { resources }]) => [
            name,
            resources.filter(({ type }) => type.startsWith("kubernetes:")).length,
        ]);
        assert.deepEqual(Object.fromEntries(counted), {
            "persistent-ingress": 12,
            "ephemeral-ingress": 11,
            "existing-claim-none": 10,
            "retained-persistent-gateway": 14,
            "retained-ephemeral-ingress-class": 12,
        });
    });

    it("hold no value that was made of nothing, or of a promise", () => {
        for (const run of Object.values(runs)) {
            assert.doesNotMatch(dump(run), /undefined|NaN|\[object |\[toString\]/);
        }
    });

    it("put each resource under its parent, with the stack as the last", () => {
        for (const { resources } of Object.values(runs)) {
            for (const { type, name, parent } of resources) {
                const top = /^(pulumi|synergychat):/.test(type);
                assert.equal(parent === "", top, `${type} ${name}`);
            }
        }
    });

    it("are all, and no file is of none", () => {
        const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
        assert.deepEqual(
            files.sort(),
            Object.keys(plans)
                .map((name) => `${name}.yaml`)
                .sort(),
        );
    });

    describe("urns", () => {
        const path = join(folder, "urns.txt");
        const frozen = () => (existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : []);
        const all = () =>
            Object.values(runs).flatMap(({ resources }) => resources.map((one) => [one, resources] as const));

        it("that a stack may have in its state lead to a resource of today: a renamed one needs an alias", () => {
            const found = new Set(all().flatMap(([one, resources]) => urnsOf(one, resources)));
            assert.deepEqual(
                frozen().filter((known) => !found.has(known)),
                [],
            );
        });

        it("of today are all written down", () => {
            const today = all().map(([one, resources]) => urn(one, resources));
            golden("urns.txt", `${[...new Set([...frozen(), ...today])].sort().join("\n")}\n`);
        });

        it("follow an alias, of a component into what is in it", () => {
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
