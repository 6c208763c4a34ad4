import { strict as assert } from "node:assert";
import type { Deployment } from "../../../kubernetes/objects";
import { isComplete } from "../../../kubernetes/rollout";

const complete = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };

function deployment(status: Deployment["status"], replicas = 1): Deployment {
    return { metadata: { name: "web", uid: "1", generation: 2 }, spec: { replicas }, status };
}

describe("isComplete", () => {
    it("is true if every pod is of the newest template and available", () => {
        assert.equal(isComplete(deployment(complete)), true);
    });

    it("is true of a Deployment that is to have no pod", () => {
        assert.equal(isComplete(deployment({ observedGeneration: 2 }, 0)), true);
    });

    for (const [what, status] of [
        ["before the controller has seen the change", { observedGeneration: 1 }],
        ["while an old pod is left", { replicas: 2 }],
        [
            "between the old and the new pod of Recreate",
            { replicas: 0, updatedReplicas: 0, availableReplicas: 0 },
        ],
        ["while the new pod is not available", { availableReplicas: 0 }],
    ] as const) {
        it(`is false ${what}`, () => {
            assert.equal(isComplete(deployment({ ...complete, ...status })), false);
        });
    }
});
