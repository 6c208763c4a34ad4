import { strict as assert } from "node:assert";
import { otherCluster, recordedIn } from "../../state";

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
        });
    });

    it("says nothing of a stack without objects, new or destroyed", () => {
        const nothing = { context: undefined, namespace: undefined, namespaces: [] };
        assert.deepEqual(recordedIn([]), nothing);
        assert.deepEqual(recordedIn([provider("minikube")]), nothing);
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
