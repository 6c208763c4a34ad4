import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { UnreachableError } from "../pulumi/client.ts";
import { type JsonObject, UNKNOWN, at } from "../pulumi/json.ts";
import { InitFailedError, Provider } from "../pulumi/provider.ts";
import { FakeCluster, kubeconfig } from "./provider-fake-cluster.ts";

const CONFIGMAPS = "/api/v1/namespaces/n/configmaps";
const DEPLOYMENT = "/apis/apps/v1/namespaces/n/deployments/d";

const configMap = (data: JsonObject = { a: "1" }): JsonObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "c", namespace: "n" },
    data,
});
const deployment: JsonObject = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", namespace: "n" },
    spec: { replicas: 1 },
};
const ROLLED_OUT = { replicas: 1, updatedReplicas: 1, availableReplicas: 1 };

describe("provider: on a cluster", () => {
    let cluster: FakeCluster;
    let provider: Provider;
    let options: JsonObject;
    const shown: string[] = [];
    const reporter = {
        status: (text: string) => void shown.push(text),
        warn: (text: string) => void shown.push(`warning: ${text}`),
    };

    beforeEach(async () => {
        cluster = new FakeCluster();
        options = { kubeconfig: kubeconfig(await cluster.start()) };
        provider = new Provider(options);
        shown.length = 0;
    });

    afterEach(() => {
        cluster.stop();
    });

    const check = (type: string, inputs: JsonObject) =>
        provider.check({ type, name: "res", old: undefined, inputs, seed: new Uint8Array([1]) });

    it("checks: adds kind, name and namespace, leaves out nulls and what the server writes", async () => {
        const given = { metadata: { uid: "x", labels: null }, data: { a: "1", b: null } };
        const inputs = await check("kubernetes:core/v1:ConfigMap", given);
        const name = at(inputs, "metadata", "name");
        const annotations = { "pulumi.com/autonamed": "true" };
        const metadata = { name, annotations, namespace: "default" };
        assert.deepEqual(inputs, { apiVersion: "v1", kind: "ConfigMap", metadata, data: { a: "1" } });
    });

    it("checks: a namespace is in no namespace, and a wrong kind is refused", async () => {
        const inputs = await check("kubernetes:core/v1:Namespace", { metadata: { name: "n" } });
        assert.deepEqual(inputs.metadata, { name: "n" });
        await assert.rejects(
            check("kubernetes:core/v1:ConfigMap", { kind: "Secret" }),
            /says kind Secret, not ConfigMap/,
        );
    });

    it("creates by apply, and refuses what exists already", async () => {
        const { id, outputs } = await provider.create(configMap(), 0, reporter);
        assert.equal(id, "n/c");
        assert.ok(at(outputs, "metadata", "uid"));
        await assert.rejects(
            provider.create(configMap(), 0, reporter),
            /ConfigMap n\/c already exists \(AlreadyExists\)/,
        );
        const upsert = new Provider({ ...options, upsertExistingObjects: "true" });
        assert.equal((await upsert.create(configMap(), 0, reporter)).id, "n/c");
    });

    it("waits for an object of that name that is being deleted, and makes a new one", async () => {
        const going = {
            ...configMap(),
            metadata: { name: "c", namespace: "n", uid: "old", deletionTimestamp: "now" },
        };
        cluster.put(`${CONFIGMAPS}/c`, going);
        const made = provider.create(configMap(), 0, reporter);
        await pause(200);
        cluster.remove(`${CONFIGMAPS}/c`);
        assert.notEqual(at((await made).outputs, "metadata", "uid"), "old");
    });

    it("previews on the server, with what only creation decides unknown", async () => {
        const outputs = await provider.previewCreate(configMap(), reporter);
        assert.equal(at(outputs, "metadata", "uid"), UNKNOWN);
        assert.equal(outputs.status, UNKNOWN);
        assert.deepEqual(cluster.requests.slice(-1), [`PATCH ${CONFIGMAPS}/c (dry run)`]);
        assert.equal(cluster.objects.size, 0);
    });

    it("previews unknown inputs without asking the cluster", async () => {
        const outputs = await provider.previewCreate(configMap({ a: UNKNOWN }), reporter);
        assert.deepEqual(outputs.data, { a: UNKNOWN });
        assert.deepEqual(cluster.requests, []);
    });

    it("previews: warns of what is forbidden, fails for what is invalid", async () => {
        const path = `PATCH ${CONFIGMAPS}/c`;
        cluster.refusals.set(path, { status: 403, body: { message: "not for you" } });
        await provider.previewCreate(configMap(), reporter);
        assert.deepEqual(shown, ["warning: the API server would refuse this: not for you"]);
        cluster.refusals.set(path, { status: 422, body: { message: "bad", reason: "Invalid" } });
        await assert.rejects(
            provider.previewCreate(configMap(), reporter),
            /ConfigMap n\/c was not created: bad \(Invalid\)/,
        );
    });

    it("updates what is there, and says when it is gone", async () => {
        const { outputs } = await provider.create(configMap(), 0, reporter);
        const updated = await provider.update(configMap({ a: "2" }), outputs, [], 0, reporter);
        assert.deepEqual(updated.data, { a: "2" });
        cluster.remove(`${CONFIGMAPS}/c`);
        await assert.rejects(
            provider.update(configMap(), outputs, [], 0, reporter),
            /not in the cluster any more.*pulumi refresh/,
        );
    });

    it("reads drift into the inputs, and none where there is none", async () => {
        const { outputs } = await provider.create(configMap(), 0, reporter);
        const read = () => provider.read("kubernetes:core/v1:ConfigMap", "n/c", configMap(), outputs);
        assert.deepEqual((await read())?.inputs, configMap());
        cluster.put(`${CONFIGMAPS}/c`, { ...configMap({ a: "1", other: "theirs" }), status: {} });
        assert.deepEqual((await read())?.inputs, configMap());
        cluster.put(`${CONFIGMAPS}/c`, configMap({ a: "changed" }));
        assert.deepEqual((await read())?.inputs, configMap({ a: "changed" }));
        cluster.remove(`${CONFIGMAPS}/c`);
        assert.equal(await read(), undefined);
    });

    it("imports all that somebody may have set", async () => {
        cluster.put(`${CONFIGMAPS}/c`, { ...configMap(), status: {} });
        const read = await provider.read("kubernetes:core/v1:ConfigMap", "n/c", {}, {});
        assert.deepEqual(read?.inputs, configMap());
    });

    it("waits for a rollout, says what for, and returns at once when it is over", async () => {
        const made = provider.create(deployment, 0, reporter);
        await pause(200);
        assert.match(shown.join(), /0 of 1 pods/);
        const since = performance.now();
        cluster.put(DEPLOYMENT, { ...deployment, status: ROLLED_OUT });
        assert.deepEqual((await made).outputs.status, ROLLED_OUT);
        assert.ok(performance.now() - since < 100);
        assert.equal(shown.at(-1), "");
    });

    it("keeps what was made but is not ready in time", async () => {
        await assert.rejects(provider.create(deployment, 0.2, reporter), (error: unknown) => {
            assert.ok(error instanceof InitFailedError);
            assert.equal(error.id, "n/d");
            assert.match(error.message, /Deployment n\/d is not ready: not done after 0.2 s: .*0 of 1 pods/);
            return true;
        });
    });

    it("ends its waits at once when cancelled, and keeps what was made", async () => {
        const made = provider.create(deployment, 0, reporter);
        await pause(200);
        provider.cancel();
        await assert.rejects(
            made,
            (error: unknown) => error instanceof InitFailedError && error.message.includes("cancelled"),
        );
    });

    it("does not wait where it is told not to", async () => {
        const metadata = { name: "d", namespace: "n", annotations: { "pulumi.com/skipAwait": "true" } };
        await provider.create({ ...deployment, metadata }, 0, reporter);
    });

    it("deletes until it is gone, and is content with what is gone already", async () => {
        await provider.create(configMap(), 0, reporter);
        cluster.holdDeleted = true;
        let done = false;
        const remove = () => provider.delete("kubernetes:core/v1:ConfigMap", "n/c", configMap(), 0, reporter);
        const deletion = remove().then(() => (done = true));
        await pause(200);
        assert.equal(done, false);
        assert.match(shown.join(), /waiting until it is gone/);
        cluster.remove(`${CONFIGMAPS}/c`);
        await deletion;
        await remove();
    });

    it("replaces a fixed name by deleting first, a made name by making first", async () => {
        const state = configMap();
        const diff = (inputs: JsonObject) => provider.diff({ old: state, inputs, ignoreChanges: [], state });
        const fixed = await diff(configMap({ a: "2" }));
        assert.deepEqual([fixed.replaces, fixed.deleteBeforeReplace], [["data.a"], true]);
        const annotations = { "pulumi.com/autonamed": "true" };
        const made = await diff({
            ...configMap({ a: "2" }),
            metadata: { name: "c", namespace: "n", annotations },
        });
        assert.equal(made.deleteBeforeReplace, false);
        const ignored = await provider.diff({
            old: state,
            inputs: configMap({ a: "2" }),
            ignoreChanges: ["data"],
            state,
        });
        assert.deepEqual(ignored, { changes: [], replaces: [], deleteBeforeReplace: false });
    });

    it("says which address does not answer", async () => {
        cluster.stop();
        await assert.rejects(provider.create(configMap(), 0, reporter), (error: unknown) => {
            assert.ok(error instanceof UnreachableError);
            assert.match(
                error.message,
                /no Kubernetes API server at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
            );
            return true;
        });
        const careless = new Provider({ ...options, deleteUnreachable: "true" });
        assert.equal(await careless.read("kubernetes:core/v1:ConfigMap", "n/c", configMap(), {}), undefined);
    });
});
