import { strict as assert } from "node:assert";
import { codes, findings, fresh, object, running, runningEphemeral, uid } from "../support/snapshots.ts";

describe("evaluate", () => {
    it("finds nothing in a fresh cluster, and nothing for a stack that does not change", () => {
        assert.deepEqual(findings(fresh), []);
        assert.deepEqual(findings(running), []);
        assert.deepEqual(findings(runningEphemeral, { storageMode: "ephemeral" }), []);
    });

    it("shows no way to a storage class that the cluster does not have", () => {
        assert.deepEqual(codes(running, { storageClass: "nope" }), ["class-missing"]);
    });

    it("returns every problem at once", () => {
        const foreign = object("Service", "api-service", { labels: {} });
        const snapshot = { ...running, objects: [...running.objects, foreign] };
        assert.deepEqual(
            codes(snapshot, { ingressClass: "traefik", existingClaim: "mine", discardClaim: uid }),
            ["class-missing", "foreign-object", "existing-claim-missing"],
        );
    });
});
