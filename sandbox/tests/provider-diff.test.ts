import assert from "node:assert/strict";
import { changes, immutableFields, project, quantity } from "../pulumi/diff.ts";
import { type JsonObject, UNKNOWN, formatPath, isWithin, parsePath } from "../pulumi/json.ts";

const MUTABLE = { enableConfigMapMutable: true, enableSecretMutable: true };
const FIXED = { enableConfigMapMutable: false, enableSecretMutable: false };

function object(apiVersion: string, kind: string, rest: JsonObject): JsonObject {
    return { apiVersion, kind, metadata: { name: "x", namespace: "n" }, ...rest };
}

/** The changes of one object as text: `~ path` for a change in place, `+-~ path` for a replacement. */
function plan(old: JsonObject, next: JsonObject, options = MUTABLE): string[] {
    const signs = { add: "+", delete: "-", update: "~" };
    return changes(old, next, immutableFields(next, options)).map(
        ({ path, kind, replace }) => `${replace ? "replace " : ""}${signs[kind]} ${formatPath(path)}`,
    );
}

describe("provider: differences between inputs", () => {
    it("finds none between equal inputs, in whatever order their keys are", () => {
        const inputs = object("v1", "ConfigMap", { data: { a: "1", b: "2" } });
        assert.deepEqual(plan(inputs, object("v1", "ConfigMap", { data: { b: "2", a: "1" } })), []);
    });

    it("names the deepest field that changed", () => {
        const old = object("apps/v1", "Deployment", {
            spec: { replicas: 1, template: { spec: { containers: [{ image: "a" }] } } },
        });
        const next = object("apps/v1", "Deployment", {
            spec: { template: { spec: { containers: [{ image: "b" }, { image: "c" }] } } },
        });
        assert.deepEqual(plan(old, next), [
            "- spec.replicas",
            "~ spec.template.spec.containers[0].image",
            "+ spec.template.spec.containers[1]",
        ]);
    });

    it("replaces an object whose name or namespace changes", () => {
        const old = object("v1", "ConfigMap", {});
        assert.deepEqual(plan(old, { ...old, metadata: { name: "y", namespace: "n" } }), [
            "replace ~ metadata.name",
        ]);
        assert.deepEqual(plan(old, { ...old, metadata: { name: "x", namespace: "m" } }), [
            "replace ~ metadata.namespace",
        ]);
    });

    it("replaces a ConfigMap's data, unless it is mutable", () => {
        const old = object("v1", "ConfigMap", { data: { a: "1" } });
        const next = object("v1", "ConfigMap", { data: { a: "2" } });
        assert.deepEqual(plan(old, next, FIXED), ["replace ~ data.a"]);
        assert.deepEqual(plan(old, next, MUTABLE), ["~ data.a"]);
        assert.deepEqual(plan(old, { ...next, immutable: true }, MUTABLE), [
            "replace ~ data.a",
            "+ immutable",
        ]);
    });

    it("replaces a claim for what a claim cannot change, not for its size", () => {
        const claim = (spec: JsonObject) => object("v1", "PersistentVolumeClaim", { spec });
        const old = claim({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } });
        const bigger = claim({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } });
        const shared = claim({ accessModes: ["ReadWriteMany"], resources: { requests: { storage: "1Gi" } } });
        const classed = claim({ ...(old.spec as JsonObject), storageClassName: "fast" });
        assert.deepEqual(plan(old, bigger), ["~ spec.resources.requests.storage"]);
        assert.deepEqual(plan(old, shared), ["replace ~ spec.accessModes[0]"]);
        assert.deepEqual(plan(old, classed), ["replace + spec.storageClassName"]);
        assert.deepEqual(plan(classed, old), ["replace - spec.storageClassName"]);
    });

    it("replaces for a selector, a role reference, a job's template, a service's address", () => {
        const cases: [string, string, JsonObject, JsonObject][] = [
            [
                "apps/v1",
                "Deployment",
                { spec: { selector: { matchLabels: { a: "1" } } } },
                { spec: { selector: { matchLabels: { a: "2" } } } },
            ],
            [
                "rbac.authorization.k8s.io/v1",
                "RoleBinding",
                { roleRef: { name: "a" } },
                { roleRef: { name: "b" } },
            ],
            ["batch/v1", "Job", { spec: { template: { a: 1 } } }, { spec: { template: { a: 2 } } }],
            ["v1", "Service", { spec: { clusterIP: "None" } }, { spec: {} }],
            [
                "v1",
                "Pod",
                { spec: { containers: [{ image: "a" }] } },
                { spec: { containers: [{ image: "b" }] } },
            ],
        ];
        for (const [apiVersion, kind, old, next] of cases) {
            const [found] = plan(object(apiVersion, kind, old), object(apiVersion, kind, next));
            assert.match(found ?? "", /^replace /, kind);
        }
    });

    it("replaces where an immutable field comes or goes with what holds it", () => {
        const without = object("v1", "Service", {});
        const fixed = object("v1", "Service", { spec: { clusterIP: "None" } });
        const plain = object("v1", "Service", { spec: { ports: [] } });
        assert.deepEqual(plan(without, fixed), ["replace + spec"]);
        assert.deepEqual(plan(fixed, without), ["replace - spec"]);
        assert.deepEqual(plan(without, plain), ["+ spec"]);
    });

    it("counts an unknown value as a change", () => {
        const old = object("v1", "ConfigMap", { data: { a: "1" } });
        assert.deepEqual(plan(old, object("v1", "ConfigMap", { data: { a: UNKNOWN } })), ["~ data.a"]);
    });
});

describe("provider: inputs brought up to date by a refresh", () => {
    const input = {
        spec: { replicas: 2, cpu: "0.5", list: [{ a: 1 }], flag: false, env: [] },
        data: { a: "1" },
    };
    const before = {
        spec: { replicas: 2, cpu: "500m", list: [{ a: 1, dflt: "x" }] },
        data: { a: "1" },
        status: { n: 1 },
    };

    it("stay as they are where nothing of theirs changed", () => {
        const now = { ...before, status: { n: 2 }, metadata: { resourceVersion: "7" } };
        assert.deepEqual(project(input, before, now), input);
    });

    it("show a value that somebody changed or removed", () => {
        const now = { spec: { ...before.spec, replicas: 5 }, data: {} };
        assert.deepEqual(project(input, before, now), { spec: { ...input.spec, replicas: 5 }, data: {} });
    });

    it("show a list that got longer, as it is now", () => {
        const list = [{ a: 1, dflt: "x" }, { a: 2 }];
        const now = { ...before, spec: { ...before.spec, list } };
        assert.deepEqual(project(input, before, now), { ...input, spec: { ...input.spec, list } });
    });

    it("keep their own way to write an amount", () => {
        const now = { ...before, spec: { ...before.spec, cpu: "500m" } };
        const edited = { ...before, spec: { ...before.spec, cpu: "1" } };
        assert.deepEqual(project(input, edited, now), input);
    });

    it("do not take free text for amounts", () => {
        const now = { data: { a: "1000m" } };
        assert.deepEqual(project({ data: { a: "1" } }, { data: { a: "1" } }, now), now);
    });
});

describe("provider: quantities and paths", () => {
    it("reads quantities of all units", () => {
        assert.equal(quantity("1Gi"), quantity("1024Mi"));
        assert.equal(quantity("1000m"), quantity(1));
        assert.equal(quantity("0.5"), 0.5);
        assert.equal(quantity("one"), undefined);
        assert.equal(quantity(undefined), undefined);
    });

    it("writes paths as Pulumi does, and reads them back", () => {
        for (const text of ["spec.ports[0].port", 'metadata.annotations["a.b/c"]', "data.x-y"]) {
            assert.equal(formatPath(parsePath(text)), text);
        }
        assert.ok(isWithin(parsePath("spec.containers[3].image"), parsePath("spec.containers[*].image")));
        assert.ok(!isWithin(parsePath("spec.containers"), parsePath("spec.containers[*].image")));
    });
});
