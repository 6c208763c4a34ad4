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
        assert.deepEqual(recordedIn(resources), { context: "minikube", namespaces: ["chat", "chat-2"] });
    });

    it("says nothing of a stack without objects, new or destroyed", () => {
        assert.deepEqual(recordedIn([]), { context: undefined, namespaces: [] });
        assert.deepEqual(recordedIn([provider("minikube")]), { context: undefined, namespaces: [] });
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
