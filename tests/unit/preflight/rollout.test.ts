import { strict as assert } from "node:assert";
import type { Deployment, Pod } from "../../../kubernetes/objects.ts";
import { podProblem } from "../../../kubernetes/obstacles.ts";
import {
    isComplete,
    podCannotStart,
    podsNotCreated,
    reportObstacles,
    rolloutObstacles,
    rolloutProblems,
} from "../../../preflight/rollout.ts";
import { poll } from "../../../kubernetes/poll.ts";
import { recorded } from "../support/snapshots.ts";
import { fakeClient } from "../support/client.ts";

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
        const [finding] = podsNotCreated(deployment({ conditions: condition("ReplicaFailure", "True") }));
        assert.equal(finding?.code, "pods-not-created");
        assert.match(finding.reason, /exceeded quota: small\.$/);
    });

    it("finds nothing in a Deployment that has its pods", () => {
        assert.deepEqual(
            podsNotCreated(deployment({ conditions: condition("ReplicaFailure", "False") })),
            [],
        );
        assert.deepEqual(podsNotCreated(deployment({ conditions: condition("Progressing", "True") })), []);
        assert.deepEqual(podsNotCreated(deployment({})), []);
    });
});

describe("podCannotStart", () => {
    const waiting = { reason: "CrashLoopBackOff", message: "back-off 10s restarting failed container." };
    const terminated = { exitCode: 128, message: 'exec: "sh": executable file not found in $PATH: unknown' };

    function pod(guarded: boolean): Pod {
        return {
            metadata: { name: "api-1", uid: "1" },
            spec: { containers: guarded ? [{ name: "synergychat-guard" }] : [] },
            status: {
                containerStatuses: [
                    { name: "synergychat-api", state: { waiting }, lastState: { terminated } },
                ],
            },
        };
    }

    it("tells why the last start failed, not only that the next one waits", () => {
        const [finding] = [podCannotStart(pod(false), podProblem(pod(false)) ?? "")];
        assert.equal(finding.code, "pod-cannot-start");
        assert.match(finding.reason, /executable file not found/);
    });

    it("names the guard if it is the guard that needs a shell", () => {
        assert.equal(podCannotStart(pod(true), podProblem(pod(true)) ?? "").code, "image-without-shell");
    });
});

describe("podProblem", () => {
    const waiting = (reason?: string) =>
        podProblem({
            metadata: { name: "web-1", uid: "1" },
            status: { containerStatuses: [{ name: "web", state: { waiting: { reason } } }] },
        });

    it("is whatever the kubelet says of a container that waits, also if the reason is new", () => {
        for (const reason of ["ErrImagePull", "CreateContainerConfigError", "SignatureValidationFailed"]) {
            assert.equal(waiting(reason), `container web: ${reason}.`);
        }
    });

    it("is none while the container starts", () => {
        for (const reason of ["ContainerCreating", "PodInitializing", undefined]) {
            assert.equal(waiting(reason), undefined);
        }
    });
});

describe("the rollout of a stack", () => {
    const namespace = "synergychat";
    const selecting = (name: string, status: Deployment["status"]): Deployment => ({
        metadata: { name, uid: name, generation: 2 },
        spec: { replicas: 1, selector: { matchLabels: { app: name } } },
        status,
    });
    const stuck = (app: string): Pod => ({
        metadata: { name: `${app}-1`, uid: app, labels: { app } },
        status: {
            containerStatuses: [
                { name: app, state: { waiting: { reason: "ImagePullBackOff", message: "" } } },
            ],
        },
    });
    const cluster = (deployments: readonly Deployment[], pods: readonly Pod[] = []) =>
        fakeClient((path) => {
            const items = path.endsWith("/deployments") ? deployments : pods;
            return { kind: "found", body: { kind: "List", items } };
        });
    const [done, waiting] = [complete, { ...complete, availableReplicas: 0 }];

    it("is complete if all that is asked for runs, whatever else is in the namespace", async () => {
        const api = selecting("synergychat-api", done);
        const web = selecting("synergychat-web", waiting);
        const foreign = selecting("somebody-elses", waiting);
        assert.deepEqual(await rolloutProblems(cluster([api, foreign]), namespace, 1), []);
        const isApi = ({ metadata }: Deployment) => metadata.name === "synergychat-api";
        assert.deepEqual(await rolloutProblems(cluster([api, web]), namespace, 1, isApi), []);
    });

    it("fails when the time is over", async () => {
        await assert.rejects(rolloutProblems(cluster([selecting("synergychat-web", waiting)]), namespace, 0));
    });

    it("says within seconds why a claim is not bound, once, while Pulumi waits", async () => {
        const claim = { metadata: { name: "synergychat-api-pvc", uid: "1" }, status: { phase: "Pending" } };
        const message = 'failed to provision volume with StorageClass "slow": no such disk';
        const client = fakeClient((path) => ({
            kind: "found",
            body: {
                kind: "List",
                items: path.endsWith("/persistentvolumeclaims")
                    ? [claim]
                    : path.includes("/events?")
                      ? [{ type: "Warning", message, metadata: { name: "e", uid: "2" } }]
                      : [],
            },
        }));
        const said: string[] = [];
        const reached = { client, recorded: recorded(undefined) };
        const stop = reportObstacles(reached, { namespace }, (text) => said.push(text), {
            look: 2,
            patience: 0,
        });
        await poll(() => Promise.resolve(said.length > 0), { seconds: 10, inVain: "said", interval: 5 });
        stop();
        assert.deepEqual(said, [`Claim synergychat-api-pvc is not bound to a volume (Pending). ${message}.`]);
    });

    it("is hindered by the stack's own pods only", async () => {
        const web = selecting("synergychat-web", waiting);
        const pods = [stuck("synergychat-web"), stuck("somebody-elses")];
        const found = await rolloutObstacles(cluster([web], pods), namespace);
        assert.equal(found.length, 1);
        assert.match(found[0]?.reason ?? "", /^Pod synergychat-web-1 /);
    });
});
