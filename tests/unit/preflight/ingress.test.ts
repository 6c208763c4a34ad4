/** A cluster that refuses every Ingress, because a webhook does not answer. */
import { strict as assert } from "node:assert";
import {
    assertFinding,
    claim,
    codes,
    commandsOf,
    fresh,
    object,
    only,
    running,
} from "../support/snapshots.ts";

const ingressRefusal = 'failed calling webhook "validate.example.org": connection refused';
const subject = { kind: "Ingress", name: "app-ingress", namespace: "synergychat" };

describe("a webhook for Ingresses that does not answer", () => {
    it("stops the program before the Ingress is created, and names how to wait", () => {
        const finding = only({ ...fresh, ingressRefusal });
        assertFinding(finding, { code: "ingress-webhook-not-ready", severity: "error", subject });
        assert.match(finding.reason, /validate\.example\.org/);
        const [wait, ...more] = commandsOf(finding);
        assert.match(wait ?? "", /^kubectl --context minikube wait /);
        assert.deepEqual(more, ["pulumi up", "npm run up", "pulumi config set exposure none"]);
    });

    it("is a warning if the Ingress exists, because it need not change", () => {
        const objects = [object("Ingress", "app-ingress"), claim()];
        const finding = only({ ...running, objects, ingressRefusal });
        assertFinding(finding, { code: "ingress-webhook-not-ready", severity: "warning", subject });
    });

    it("does not matter if it answers", () => {
        assert.deepEqual(codes(fresh), []);
    });
});
