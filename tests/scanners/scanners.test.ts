/** What two scanners find in the golden plans: nothing but what an exception in the object itself gives a reason for. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { allPlans, plans } from "../program/support/plans.ts";
import type { KubernetesObject, Run } from "../program/support/program.ts";
import { type CheckovResults, type Finding, provideCheckov, provideKubeScore } from "./support.ts";

interface Scanned {
    /** As the plan declares the objects. */
    readonly declared: readonly Finding[];
    /** Without the exceptions. */
    readonly bare: readonly Finding[];
    /** The findings for which the objects have an exception. */
    readonly excepted: readonly Finding[];
}

const isException = (name: string) => /^(kube-score|checkov\.io)\//.test(name);

function annotationsOf({ metadata }: KubernetesObject): Record<string, string> {
    return metadata.annotations ?? {};
}

function withoutExceptions(object: KubernetesObject): KubernetesObject {
    const kept = Object.entries(annotationsOf(object)).filter(([name]) => !isException(name));
    return { ...object, metadata: { ...object.metadata, annotations: Object.fromEntries(kept) } };
}

function write(file: string, objects: readonly KubernetesObject[]): void {
    writeFileSync(file, objects.map((one) => stringify(one, { aliasDuplicateObjects: false })).join("---\n"));
}

/** The findings for which an object has an exception of a scanner. */
function exceptionsOf(objects: readonly KubernetesObject[], scanner: "kube-score" | "checkov"): Finding[] {
    return objects.flatMap((object) => {
        const annotations = annotationsOf(object);
        const ignored = (annotations["kube-score/ignore"] ?? "").split(",").filter(Boolean);
        const skipped = Object.entries(annotations)
            .filter(([name]) => name.startsWith("checkov.io/skip"))
            .map(([, text]) => text.split("=")[0]);
        const checks = scanner === "checkov" ? skipped : ignored;
        return checks.map((check) => `${check} of ${object.kind} ${object.metadata.name}`);
    });
}

/** A check that fails for several containers of an object is one finding. */
function sorted(findings: readonly Finding[] = []): Finding[] {
    return [...new Set(findings)].sort();
}

describe("The scanners", function () {
    this.timeout(900_000);
    const folder = mkdtempSync(join(tmpdir(), "scanners-"));
    const file = (plan: string, kind: "declared" | "bare") => join(folder, `${plan}.${kind}.yaml`);
    let runs: ReadonlyMap<string, Run>;
    let kubeScore: (file: string) => readonly Finding[];
    let checkov: CheckovResults;

    before(async () => {
        runs = await allPlans();
        for (const plan of runs.keys()) {
            write(file(plan, "declared"), objectsOf(plan));
            write(file(plan, "bare"), objectsOf(plan).map(withoutExceptions));
        }
        kubeScore = provideKubeScore();
        checkov = provideCheckov()(folder);
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    function objectsOf(plan: string): KubernetesObject[] {
        return (runs.get(plan) ?? assert.fail(plan)).objects.map(({ inputs }) => inputs);
    }

    function scan(plan: string, scanner: "kube-score" | "checkov"): Scanned {
        const [declared, bare] = (["declared", "bare"] as const).map((kind) =>
            sorted(
                scanner === "checkov"
                    ? checkov.findings[`${plan}.${kind}.yaml`]
                    : kubeScore(file(plan, kind)),
            ),
        );
        return {
            declared: declared ?? [],
            bare: bare ?? [],
            excepted: sorted(exceptionsOf(objectsOf(plan), scanner)),
        };
    }

    for (const plan of Object.keys(plans)) {
        for (const scanner of ["kube-score", "checkov"] as const) {
            it(`find nothing in ${plan} (${scanner})`, () => {
                assert.deepEqual(scan(plan, scanner).declared, []);
            });

            it(`would find in ${plan} exactly what its exceptions are for (${scanner})`, () => {
                const { bare, excepted } = scan(plan, scanner);
                assert.deepEqual(bare, excepted);
            });
        }

        it(`find a reason beside each exception of ${plan}`, () => {
            for (const object of objectsOf(plan)) {
                const annotations = annotationsOf(object);
                for (const check of (annotations["kube-score/ignore"] ?? "").split(",").filter(Boolean)) {
                    assert.match(annotations[`reason.kube-score/${check}`] ?? "", /^[A-Z].+\.$/);
                }
                for (const [name, text] of Object.entries(annotations)) {
                    if (name.startsWith("checkov.io/")) {
                        assert.match(text, /^CKV_K8S_\d+=[A-Z][^=]+\.$/);
                    }
                }
            }
        });
    }

    it("look at the objects", () => {
        assert.ok(checkov.passed > 100 * runs.size, String(checkov.passed));
    });

    it("find what is wrong in a pod", () => {
        const bad = join(folder, "bad.yaml");
        const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "bad" } };
        write(bad, [{ ...pod, spec: { containers: [{ name: "a", image: "b:latest" }] } }]);
        assert.ok(kubeScore(bad).includes("container-image-tag of Pod bad"));
    });
});
