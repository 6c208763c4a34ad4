import assert from "node:assert/strict";
import { ApiError } from "../pulumi/client.ts";
import { explain } from "../pulumi/errors.ts";
import { withIgnored } from "../pulumi/ignore.ts";
import { UNKNOWN } from "../pulumi/json.ts";
import { idOf, kindOf, named, parseId } from "../pulumi/naming.ts";
import { checkOptions, diffOptions, parseOptions, revealed, secretSign } from "../pulumi/options.ts";

const SEED = new Uint8Array([1, 2, 3]);
const CLUSTER = (server: string) =>
    JSON.stringify({
        clusters: [{ name: "c", cluster: { server } }],
        contexts: [{ name: "x", context: { cluster: "c" } }],
        users: [],
    });

describe("provider: types, names, ids", () => {
    it("knows the kind of a type token, and refuses by name what it does not cover", () => {
        assert.deepEqual(kindOf("kubernetes:core/v1:ConfigMap"), { apiVersion: "v1", kind: "ConfigMap" });
        assert.deepEqual(kindOf("kubernetes:apps/v1:Deployment"), {
            apiVersion: "apps/v1",
            kind: "Deployment",
        });
        for (const token of [
            "kubernetes:helm.sh/v3:Release",
            "kubernetes:yaml/v2:ConfigGroup",
            "kubernetes:core/v1:ConfigMapPatch",
            "kubernetes:core/v1:ConfigMapList",
            "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition",
            "aws:s3/bucket:Bucket",
        ]) {
            assert.throws(() => kindOf(token), new RegExp(token.replace(/[./]/g, "\\$&")), token);
        }
    });

    it("makes ids of namespace and name, and reads them", () => {
        assert.equal(idOf({ metadata: { name: "a", namespace: "n" } }), "n/a");
        assert.equal(idOf({ metadata: { name: "a" } }), "a");
        assert.deepEqual(parseId("n/a"), { namespace: "n", name: "a" });
        assert.deepEqual(parseId("a"), { namespace: undefined, name: "a" });
        assert.throws(() => parseId("a/b/c"), /no id of a Kubernetes object/);
    });

    it("leaves a given or an unknown name alone", () => {
        const given = { metadata: { name: "mine" } };
        assert.equal(named(given, undefined, "res", SEED, undefined), given);
        const unknown = { metadata: { name: UNKNOWN } };
        assert.equal(named(unknown, undefined, "res", SEED, undefined), unknown);
    });

    it("makes a name of the resource's, the same for the same seed, and marks it", () => {
        const first = named({ metadata: { labels: {} } }, undefined, "res", SEED, undefined);
        assert.match(idOf(first), /^res-[0-9a-f]{8}$/);
        assert.deepEqual(first, named({ metadata: { labels: {} } }, undefined, "res", SEED, undefined));
        assert.deepEqual((first.metadata as { annotations: object }).annotations, {
            "pulumi.com/autonamed": "true",
        });
    });

    it("keeps a made name, and follows pulumi:autonaming", () => {
        const first = named({}, undefined, "res", SEED, undefined);
        assert.equal(idOf(named({}, first, "res", new Uint8Array([9]), undefined)), idOf(first));
        assert.equal(idOf(named({}, undefined, "res", SEED, { proposed: "p", disabled: false })), "p");
        assert.throws(
            () => named({}, undefined, "res", SEED, { proposed: "", disabled: true }),
            /metadata.name must be given/,
        );
        assert.throws(
            () => named({ metadata: { generateName: "x" } }, undefined, "r", SEED, undefined),
            /generateName/,
        );
    });
});

describe("provider: its options", () => {
    it("refuses by name what it does not cover, unless it is off", () => {
        const reasons = (args: Record<string, string>) =>
            checkOptions({ kubeconfig: CLUSTER("https://a"), context: "x", ...args }).map(
                ({ reason }) => reason,
            );
        assert.deepEqual(
            reasons({ enableConfigMapMutable: "true", kubeClientSettings: "{}", alwaysRender: "false" }),
            [],
        );
        assert.match(reasons({ renderYamlToDirectory: "out" })[0] ?? "", /"renderYamlToDirectory"/);
        assert.match(reasons({ enableServerSideApply: "false" })[0] ?? "", /"enableServerSideApply"/);
        assert.match(reasons({ kubeClientSettings: '{"qps":1}' })[0] ?? "", /"kubeClientSettings"/);
        assert.match(
            reasons({ context: "nope" })[0] ?? "",
            /context "nope" is not in the kubeconfig, which has: x/,
        );
    });

    it("reads what is secret, such as a kubeconfig that is given as content", () => {
        const kubeconfig = { ...secretSign, value: CLUSTER("https://one") };
        assert.deepEqual(revealed({ kubeconfig, context: "x" }), {
            kubeconfig: CLUSTER("https://one"),
            context: "x",
        });
    });

    it("reads flags as text, and from the environment", () => {
        assert.equal(parseOptions({ enableConfigMapMutable: "true" }).enableConfigMapMutable, true);
        assert.equal(parseOptions({ enableConfigMapMutable: "false" }).enableConfigMapMutable, false);
        process.env.PULUMI_K8S_UPSERT_EXISTING_OBJECTS = "true";
        try {
            assert.equal(parseOptions({}).upsertExistingObjects, true);
            assert.equal(parseOptions({ upsertExistingObjects: "false" }).upsertExistingObjects, false);
        } finally {
            delete process.env.PULUMI_K8S_UPSERT_EXISTING_OBJECTS;
        }
    });

    it("is replaced for another cluster, by identifier where there is one", () => {
        const a = { kubeconfig: CLUSTER("https://a"), context: "x" };
        const b = { kubeconfig: CLUSTER("https://b"), context: "x" };
        assert.deepEqual(diffOptions(a, a), { changed: [], replaces: [] });
        assert.deepEqual(diffOptions(a, b).replaces, ["kubeconfig"]);
        const id = (options: object, clusterIdentifier: string) => ({ ...options, clusterIdentifier });
        assert.deepEqual(diffOptions(id(a, "1"), id(b, "1")).replaces, []);
        assert.deepEqual(diffOptions(id(a, "1"), id(a, "2")).replaces, ["clusterIdentifier"]);
        assert.deepEqual(diffOptions(a, id(a, "1")), { changed: ["clusterIdentifier"], replaces: [] });
        assert.deepEqual(diffOptions(a, { ...a, kubeconfig: UNKNOWN }).replaces, ["kubeconfig"]);
    });
});

describe("provider: errors and ignored fields", () => {
    const object = { kind: "Deployment", metadata: { name: "a", namespace: "n" } };

    it("says which object was refused, and why", () => {
        const error = new ApiError(403, { message: "not for you", reason: "Forbidden" });
        assert.equal(
            explain("created", object, error).message,
            "Deployment n/a was not created: not for you (Forbidden)",
        );
    });

    it("says of a conflict who set which field, and what to do", () => {
        const cause = {
            reason: "FieldManagerConflict",
            message: 'conflict with "kubectl-edit" using apps/v1',
            field: ".spec.replicas",
        };
        const error = new ApiError(409, {
            message: "Apply failed",
            reason: "Conflict",
            details: { causes: [cause] },
        });
        const { message } = explain("updated", object, error);
        assert.match(message, /\.spec\.replicas \(set by kubectl-edit\)/);
        assert.match(message, /pulumi\.com\/patchForce/);
    });

    it("leaves ignored fields to whoever set them, and keeps its own as they are", () => {
        const inputs = { spec: { replicas: 1, paused: false } };
        const live = (manager: string) => ({
            metadata: { managedFields: [{ manager, fieldsV1: { "f:spec": { "f:replicas": {} } } }] },
            spec: { replicas: 4 },
        });
        assert.deepEqual(withIgnored(inputs, live("hpa"), ["spec.replicas"], "me"), {
            spec: { paused: false },
        });
        assert.deepEqual(withIgnored(inputs, live("me"), ["spec.replicas"], "me"), {
            spec: { replicas: 4, paused: false },
        });
        assert.deepEqual(withIgnored(inputs, {}, ["spec.replicas"], "me"), inputs);
        assert.throws(() => withIgnored(inputs, {}, ["spec.x[0]"], "me"), /covers no lists \(spec\.x\[0\]\)/);
    });
});
