import { strict as assert } from "node:assert";
import { isClaim, knownOutputs, outputsIn, recordedIn } from "../../../pulumi/state.ts";
import { isUserError } from "../../../system/errors.ts";

const provider = (context: string, kubeconfig?: string) => ({
    type: "pulumi:providers:kubernetes",
    outputs: { context, kubeconfig },
});
const namespace = (name: string) => ({
    type: "kubernetes:core/v1:Namespace",
    outputs: { metadata: { name, labels: { "app.kubernetes.io/instance": "synergychat-dev" } } },
});

describe("recordedIn", () => {
    it("returns the cluster and the namespace of the stack's objects", () => {
        const builtIn = { type: "pulumi:providers:pulumi", outputs: {} };
        const inAnother = {
            type: "kubernetes:core/v1:Service",
            outputs: {
                metadata: {
                    name: "web",
                    namespace: "old",
                    labels: { "app.kubernetes.io/instance": "synergychat-former" },
                },
            },
        };
        const users = { type: "kubernetes:core/v1:Namespace", outputs: { metadata: { name: "monitoring" } } };
        const resources = [builtIn, provider("minikube", "config"), users, namespace("chat")];
        assert.deepEqual(recordedIn([...resources, inAnother, inAnother]), {
            context: "minikube",
            kubeconfig: "config",
            namespace: "chat",
            instances: ["synergychat-dev", "synergychat-former"],
            objects: [],
            urns: [...resources, inAnother, inAnother].map(() => ""),
        });
    });

    it("returns the cluster of the stack's own provider, whatever others there are", () => {
        const own = {
            ...provider("minikube"),
            urn: "urn:pulumi:dev::chat::pulumi:providers:kubernetes::cluster",
        };
        const users = {
            ...provider("other"),
            urn: "urn:pulumi:dev::chat::pulumi:providers:kubernetes::monitoring",
        };
        assert.equal(recordedIn([users, own, namespace("chat")]).context, "minikube");
    });

    it("returns nothing for a stack without objects, new or destroyed", () => {
        const nothing = {
            context: undefined,
            kubeconfig: undefined,
            namespace: undefined,
            instances: [],
            objects: [],
        };
        assert.deepEqual(recordedIn([]), { ...nothing, urns: [] });
        assert.deepEqual(recordedIn([provider("minikube", "config")]), { ...nothing, urns: [""] });
    });

    it("returns the objects that the cluster should have", () => {
        const metadata = { name: "web", namespace: "chat", uid: "1" };
        const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata };
        const resources = [
            provider("minikube"),
            { urn: "urn:web", type: "kubernetes:apps/v1:Deployment", outputs: deployment },
            { urn: "urn:patch", type: "kubernetes:apps/v1:DeploymentPatch", outputs: deployment },
            { urn: "urn:component", type: "synergychat:index:Web", outputs: deployment },
        ];
        assert.deepEqual(recordedIn(resources).objects, [{ ...deployment, urn: "urn:web" }]);
    });
});

describe("the outputs", () => {
    const stack = (outputs: object) => ({ type: "pulumi:pulumi:Stack", outputs });

    it("are known once an up has come to its end", () => {
        const outputs = { namespaceName: "chat" };
        assert.deepEqual(outputsIn([stack(outputs)], "dev"), outputs);
        assert.equal(knownOutputs([stack({})]), undefined);
        assert.equal(knownOutputs([]), undefined);
    });

    it("of a stack that is not up name the command that brings it up", () => {
        assert.throws(
            () => outputsIn([], "dev"),
            (error) => isUserError(error) && error.message.includes("npm run up -- dev"),
        );
    });
});

describe("isClaim", () => {
    it("goes by the name in any namespace", () => {
        const claim = (id: string) => ({ type: "kubernetes:core/v1:PersistentVolumeClaim", id });
        assert.ok(isClaim(claim("chat/one"), ["one", "two"]));
        assert.ok(!isClaim(claim("chat/someone"), ["one", "two"]));
        assert.ok(!isClaim({ ...claim("chat/one"), type: "kubernetes:core/v1:Secret" }, ["one"]));
    });
});
