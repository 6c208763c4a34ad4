import assert from "node:assert/strict";
import type { JsonObject } from "../pulumi/json.ts";
import * as readiness from "../pulumi/readiness.ts";

function verdict(found: readiness.Verdict): string {
    if (found.ready) {
        return "ready";
    }
    return "waiting" in found ? `waiting: ${found.waiting}` : `failed: ${found.failed}`;
}

function deployment(status: JsonObject, spec: JsonObject = {}): JsonObject {
    return {
        metadata: { generation: 2 },
        spec: { replicas: 3, ...spec },
        status: { observedGeneration: 2, replicas: 3, updatedReplicas: 3, availableReplicas: 3, ...status },
    };
}

describe("provider: when a Deployment is ready", () => {
    it("waits for the controller to see the change", () => {
        assert.match(
            verdict(readiness.deployment(deployment({ observedGeneration: 1 }))),
            /waiting.*controller/,
        );
    });

    it("waits for new pods, for old ones to end, for all to be available", () => {
        const text = (status: JsonObject) => verdict(readiness.deployment(deployment(status)));
        assert.match(text({ updatedReplicas: 1 }), /1 of 3 pods are of the new version/);
        assert.match(text({ replicas: 4 }), /waiting for 1 old pods to end/);
        assert.match(text({ availableReplicas: 2 }), /2 of 3 pods are available/);
        assert.equal(text({}), "ready");
    });

    it("needs no pods where none are wanted", () => {
        const none = { replicas: 0, updatedReplicas: 0, availableReplicas: 0 };
        assert.equal(verdict(readiness.deployment(deployment(none, { replicas: 0 }))), "ready");
    });

    it("fails when the progress deadline is exceeded", () => {
        const conditions = [
            { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "too slow" },
        ];
        assert.equal(
            verdict(readiness.deployment(deployment({ conditions, updatedReplicas: 1 }))),
            "failed: too slow",
        );
    });
});

describe("provider: when other kinds are ready", () => {
    it("a claim is when bound, or at once where its class waits for a pod", () => {
        const pending = { status: { phase: "Pending" } };
        assert.match(verdict(readiness.claim(pending)), /waiting/);
        assert.equal(verdict(readiness.claim({ status: { phase: "Bound" } })), "ready");
        assert.equal(verdict(readiness.claimOfWaitingClass(pending)), "ready");
        assert.match(verdict(readiness.claim({ status: { phase: "Lost" } })), /failed/);
    });

    it("a service needs a ready pod, unless it selects none", () => {
        const service = (spec: JsonObject) => readiness.selectsPods({ spec });
        assert.ok(service({ selector: { a: "b" }, clusterIP: "10.0.0.1" }));
        assert.ok(!service({ selector: { a: "b" }, clusterIP: "None" }));
        assert.ok(!service({ selector: { a: "b" }, type: "ExternalName" }));
        assert.ok(!service({ clusterIP: "10.0.0.1" }));
        assert.match(
            verdict(readiness.endpoints([{ endpoints: [{ conditions: { ready: false } }] }])),
            /waiting/,
        );
        assert.equal(
            verdict(readiness.endpoints([{ endpoints: [{ conditions: { ready: true } }] }])),
            "ready",
        );
    });

    it("an ingress and a load balancer need an address", () => {
        const addressed = { status: { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } } };
        assert.match(verdict(readiness.ingress({ status: { loadBalancer: {} } })), /waiting/);
        assert.equal(verdict(readiness.ingress(addressed)), "ready");
        assert.match(verdict(readiness.loadBalancer({ spec: { type: "LoadBalancer" } })), /waiting/);
        assert.equal(verdict(readiness.loadBalancer({ spec: { type: "ClusterIP" } })), "ready");
    });

    it("a job is when complete, and fails with its reason", () => {
        const job = (type: string) => ({
            status: { conditions: [{ type, status: "True", message: "no luck" }] },
        });
        assert.equal(verdict(readiness.job(job("Complete"))), "ready");
        assert.equal(verdict(readiness.job(job("Failed"))), "failed: the job failed: no luck");
        assert.match(verdict(readiness.job({})), /waiting/);
    });

    it("pulumi.com/waitFor has the last word", () => {
        const gateway = { status: { phase: "Up", conditions: [{ type: "Programmed", status: "True" }] } };
        for (const text of [
            "condition=Programmed",
            "jsonpath={.status.phase}=Up",
            '["condition=Programmed","jsonpath={.status.phase}"]',
        ]) {
            assert.equal(verdict(readiness.customRule(text)(gateway)), "ready", text);
            assert.match(verdict(readiness.customRule(text)({})), /waiting/, text);
        }
        assert.throws(
            () => readiness.customRule("jsonpath={.a[0]}"),
            /does not cover "jsonpath=\{\.a\[0\]\}"/,
        );
    });
});

describe("provider: what holds things up", () => {
    it("names each pod's trouble", () => {
        const pod = (status: JsonObject) => ({ metadata: { name: "p" }, status });
        const waiting = (reason: string, message: string) => ({
            name: "c",
            state: { waiting: { reason, message } },
        });
        const pods = [
            pod({ conditions: [{ type: "PodScheduled", status: "False", message: "0/1 nodes" }] }),
            pod({ containerStatuses: [waiting("ImagePullBackOff", "no such image")] }),
            pod({
                containerStatuses: [
                    {
                        ...waiting("CrashLoopBackOff", "back-off"),
                        lastState: { terminated: { exitCode: 3 } },
                    },
                ],
            }),
            pod({ containerStatuses: [waiting("ContainerCreating", "")] }),
            pod({ containerStatuses: [{ name: "c", state: { running: {} }, ready: false }] }),
            {
                ...pod({ containerStatuses: [waiting("Error", "ending")] }),
                metadata: { name: "q", deletionTimestamp: "now" },
            },
        ];
        assert.deepEqual(readiness.podTroubles(pods), [
            "pod p is not scheduled: 0/1 nodes",
            "pod p, container c: ImagePullBackOff: no such image",
            "pod p, container c: CrashLoopBackOff: back-off (it ended with exit code 3)",
            "pod p, container c: running, but not ready",
        ]);
    });

    it("names the finalizers of an object that is being deleted, and what a namespace still holds", () => {
        const held = { metadata: { finalizers: ["kubernetes.io/pvc-protection"] } };
        assert.match(readiness.deletionHolders(held), /kubernetes.io\/pvc-protection/);
        const conditions = [
            { status: "True", message: "1 pod left" },
            { status: "False", message: "fine" },
        ];
        assert.equal(readiness.deletionHolders({ kind: "Namespace", status: { conditions } }), "1 pod left");
    });
});
