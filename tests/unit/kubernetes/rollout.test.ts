import { strict as assert } from "node:assert";
import type { Deployment, Pod } from "../../../kubernetes/objects.ts";
import { isComplete, podsNotCreated, podsThatCannotStart } from "../../../kubernetes/rollout.ts";

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

describe("podsNotCreated", () => {
    const condition = (type: string, status: "True" | "False") => [
        { type, status, message: "exceeded quota: small" },
    ];

    it("finds the Deployments whose pods the cluster refuses, with its words", () => {
        const [finding] = podsNotCreated([deployment({ conditions: condition("ReplicaFailure", "True") })]);
        assert.equal(finding?.code, "pods-not-created");
        assert.match(finding.reason, /exceeded quota: small\.$/);
    });

    it("finds nothing in a Deployment that has its pods", () => {
        assert.deepEqual(
            podsNotCreated([deployment({ conditions: condition("ReplicaFailure", "False") })]),
            [],
        );
        assert.deepEqual(podsNotCreated([deployment({ conditions: condition("Progressing", "True") })]), []);
        assert.deepEqual(podsNotCreated([deployment({})]), []);
    });
});

describe("podsThatCannotStart", () => {
    const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container." };
    const terminated = { exitCode: 128, message: 'exec: "sh": executable file not found in $PATH: unknown' };

    function pod(guarded: boolean): Pod {
        return {
            metadata: { name: "api-1", uid: "1" },
            spec: { initContainers: guarded ? [{ name: "synergychat-guard" }] : [] },
            status: {
                containerStatuses: [
                    { name: "synergychat-api", state: { waiting }, lastState: { terminated } },
                ],
            },
        };
    }

    it("tells why the last start failed, not only that the next one waits", () => {
        const [finding] = podsThatCannotStart([pod(false)]);
        assert.equal(finding?.code, "pod-cannot-start");
        assert.match(finding.reason, /executable file not found/);
    });

    it("names the guard if it is the guard that needs a shell", () => {
        assert.equal(podsThatCannotStart([pod(true)])[0]?.code, "image-without-shell");
    });
});
