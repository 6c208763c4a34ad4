/** A process in a pod has a service account and no kubeconfig. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { unknownContext } from "../../../kubernetes/kubectl.ts";

describe("the message about a context that the kubeconfig does not have", () => {
    it("names the page that has the commands, in a pod", () => {
        const text = unknownContext("prod", [], { KUBERNETES_SERVICE_HOST: "10.96.0.1" });
        const [, file = "", heading = ""] = /see (\S+), (.*)/.exec(text) ?? [];
        const page = readFileSync(file, "utf8");
        assert.match(page, new RegExp(`^## ${heading}$`, "m"));
        assert.doesNotMatch(text, /minikube/);
    });

    it("says how to start a cluster elsewhere, and which contexts there are", () => {
        const text = unknownContext("prod", ["kind", "minikube"], {});
        assert.match(text, /"prod".* kind, minikube\./);
        assert.match(text, /minikube start/);
        assert.doesNotMatch(text, /kubectl config/);
    });
});
