/** model/kinds.ts is the one table of kinds: whatever the stack declares is in it, and it has nothing else. */
import { strict as assert } from "node:assert";
import { parts } from "../../model/names.ts";
import { stackKinds } from "../../model/kinds.ts";
import { managerAnnotation } from "../../model/labels.ts";
import { allPlans, plans } from "./support/plans.ts";
import type { Declared } from "./support/program.ts";

/** Names that the config chooses. */
const chosen = ["synergychat", ...Object.values(plans).flatMap(({ namespace = [] }) => namespace)];

describe("the table of kinds", () => {
    let objects: readonly Declared[];
    before(async () => {
        objects = [...(await allPlans()).values()].flatMap((run) => run.objects);
    });

    it("has every object that deploy declares, by kind, API version and name", () => {
        const missing = objects
            .filter(
                ({ inputs: { kind, apiVersion, metadata } }) =>
                    !stackKinds.some(
                        (row) =>
                            row.kind === kind &&
                            row.apiVersion === apiVersion &&
                            (row.names.length > 0 ? row.names : chosen).includes(metadata.name as string),
                    ),
            )
            .map(({ inputs: { kind, metadata } }) => `${kind as string} ${metadata.name as string}`);
        assert.deepEqual([...new Set(missing)], [], "add a row to model/kinds.ts for these objects");
    });

    it("has only objects that Pulumi applies under one manager, also if its state is lost", () => {
        const [[annotation, manager] = []] = Object.entries(managerAnnotation);
        for (const { inputs } of objects) {
            assert.equal(
                inputs.metadata.annotations[annotation ?? ""],
                manager,
                inputs.metadata.name as string,
            );
        }
    });

    it("has nothing that no plan declares", () => {
        const declared = objects.map(
            ({ inputs }) => `${inputs.kind as string} ${inputs.metadata.name as string}`,
        );
        // Jobs are started, and not declared.
        const rows = stackKinds
            .filter(({ kind }) => kind !== "Job")
            .flatMap(({ kind, names }) =>
                (names.length > 0 ? names : chosen).map((name) => `${kind} ${name}`),
            );
        assert.deepEqual(
            rows.filter((row) => !declared.includes(row)),
            [],
        );
    });

    it("knows which kinds are in the namespace, and which feature makes them", async () => {
        for (const { inputs } of objects) {
            const row = stackKinds.find(({ kind }) => kind === inputs.kind);
            assert.equal(inputs.metadata.namespace !== undefined, row?.namespaced, inputs.kind as string);
        }
        for (const [name, run] of await allPlans()) {
            const { exposure = "ingress", guard, backupSchedule } = plans[name] ?? {};
            const features = [
                exposure,
                "networkPolicies",
                ...(guard ? ["guard"] : []),
                ...(backupSchedule ? ["backups"] : []),
            ];
            const rows = run.objects.map(({ inputs }) => stackKinds.find(({ kind }) => kind === inputs.kind));
            assert.ok(
                rows.every((row) => row?.feature === undefined || features.includes(row.feature)),
                name,
            );
        }
    });

    it("has one Deployment and one Service for each part of the app", () => {
        for (const kind of ["Deployment", "Service"]) {
            assert.equal(stackKinds.find((row) => row.kind === kind)?.names.length, parts.length);
        }
    });
});
