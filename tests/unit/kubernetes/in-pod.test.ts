/** A process in a pod has a service account and no kubeconfig. */
import { strict as assert } from "node:assert";
import { unknownContext } from "../../../kubernetes/kubectl.ts";

describe("the message about a context that the kubeconfig does not have", () => {
    const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

    it("has the commands that make the context of the pod's service account, in a pod", () => {
        const commands = [...unknownContext("prod", [], inPod).matchAll(/kubectl config (.*)/g)];
        const [cluster, user, context] = commands.map(([, rest = ""]) => rest);
        assert.match(cluster ?? "", /^set-cluster pod .*ca\.crt$/);
        assert.match(user ?? "", /^set users\.pod\.tokenFile .*token$/);
        assert.equal(context, "set-context prod --cluster pod --user pod");
        assert.equal(commands.length, 3);
        assert.doesNotMatch(unknownContext("prod", [], inPod), /minikube/);
    });

    it("says how to start a cluster elsewhere, and which contexts there are", () => {
        const text = unknownContext("prod", ["kind", "minikube"], {});
        assert.match(text, /"prod".* kind, minikube\./);
        assert.match(text, /minikube start/);
        assert.doesNotMatch(text, /kubectl config/);
    });
});
