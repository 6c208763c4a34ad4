import { strict as assert } from "node:assert";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type RecordedObject, otherCluster, recordedIn, stopIfRecorded } from "../../state";

const provider = (context: string) => ({ type: "pulumi:providers:kubernetes", outputs: { context } });
const namespace = (name: string) => ({
    type: "kubernetes:core/v1:Namespace",
    outputs: { metadata: { name } },
});

describe("the state", () => {
    it("says in which cluster and namespace the stack's objects are", () => {
        const builtIn = { type: "pulumi:providers:pulumi", outputs: {} };
        const resources = [builtIn, provider("minikube"), namespace("chat"), namespace("chat-2")];
        const inAnother = {
            type: "kubernetes:core/v1:Service",
            outputs: { metadata: { name: "web", namespace: "old" } },
        };
        assert.deepEqual(recordedIn([...resources, inAnother, inAnother]), {
            context: "minikube",
            namespace: "chat",
            namespaces: ["chat", "chat-2", "old"],
            objects: [],
        });
    });

    it("says nothing of a stack without objects, new or destroyed", () => {
        const nothing = { context: undefined, namespace: undefined, namespaces: [], objects: [] };
        assert.deepEqual(recordedIn([]), nothing);
        assert.deepEqual(recordedIn([provider("minikube")]), nothing);
    });

    it("says which objects the cluster should have", () => {
        const metadata = { name: "web", namespace: "chat", uid: "1" };
        const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata };
        const resources = [
            provider("minikube"),
            { type: "kubernetes:apps/v1:Deployment", outputs: deployment },
            { type: "synergychat:index:Web", outputs: deployment },
        ];
        assert.deepEqual(recordedIn(resources).objects, [deployment]);
    });

    it("keeps a stack in its cluster", () => {
        const up = recordedIn([provider("minikube"), namespace("chat")]);
        assert.equal(otherCluster("minikube", up), undefined);
        assert.equal(otherCluster("prod", recordedIn([])), undefined);
        assert.match(
            otherCluster("prod", up) ?? "",
            /kubernetes:context is "prod", but this stack is up in the cluster of context "minikube"/,
        );
    });
});

describe("an object that the state has and the cluster does not have", () => {
    const absent = (uid: string): RecordedObject => ({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace: "chat", uid },
    });

    /** How often the program is stopped if Pulumi answers a registration with an object of this UID. */
    async function stops(uid: string | undefined): Promise<number> {
        let count = 0;
        await pulumi.runtime.setMocks({
            newResource: ({ inputs }) => ({
                id: "settings",
                state: { ...inputs, metadata: { ...inputs.metadata, ...(uid && { uid }) } },
            }),
            call: () => ({}),
        });
        // The mocks do not know hooks.
        const monitor = pulumi.runtime.getMonitor() as unknown as Record<string, unknown>;
        monitor.registerResourceHook = (_: unknown, done: (error: null) => void) => {
            done(null);
        };
        await pulumi.runtime.runInPulumiStack(() => {
            stopIfRecorded([absent("gone-1"), absent("gone-2")], () => count++);
            new pulumi.ComponentResource("synergychat:index:Part", "part");
            const { metadata } = new k8s.core.v1.ConfigMap("settings", { metadata: { name: "settings" } });
            return new Promise((resolve) => metadata.apply(() => setImmediate(resolve)));
        });
        await pulumi.runtime.disconnect();
        return count;
    }

    it("stops the program if Pulumi takes it for unchanged", async () => {
        assert.equal(await stops("gone-2"), 1);
    });

    it("stops nothing if Pulumi creates it", async () => {
        assert.equal(await stops(undefined), 0);
        assert.equal(await stops("new"), 0);
    });
});
