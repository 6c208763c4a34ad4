/** `npm run verify` beside what others add to a namespace: Deployments of their own, pods that have ended. */
import { strict as assert } from "node:assert";
import { type Check, checksOf, readLiveStack } from "../../../cli/commands/verify/checks.ts";
import type { LiveSession } from "../../../cli/session.ts";
import { ChatApi } from "../../../kubernetes/chat-api.ts";
import type { Answer } from "../../../kubernetes/client.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { fakeClient } from "../support/client.ts";
import { object, settings } from "../support/snapshots.ts";

const list = (kind: string, ...items: readonly object[]): Answer => ({
    kind: "found",
    body: { kind: `${kind}List`, items },
});
const deployment = (name: string, availableReplicas: number) => ({
    ...object("Deployment", name, { namespace: "synergychat" }),
    apiVersion: "apps/v1",
    spec: { replicas: 1, template: { spec: { containers: [{ name: "app" }] } } },
    status: { replicas: 1, updatedReplicas: 1, availableReplicas, observedGeneration: 1 },
});
const apiPod = (name: string, phase: string) => ({
    ...object("Pod", name, { labels: { app: "synergychat-api" } }),
    ...{ spec: {}, status: { phase } },
});

/** What verify says of the Deployments, and which logs it asks for. */
async function checked(deployments: readonly LiveObject[], ...pods: readonly object[]) {
    const logs: string[] = [];
    const client = fakeClient((path) => {
        if (path.includes("/log?")) {
            logs.push(path);
            return { kind: "found", body: "" };
        }
        if (path.endsWith("/deployments")) {
            return list("Deployment", ...deployments);
        }
        return path.endsWith("/pods") ? list("Pod", ...pods) : { kind: "not found", message: "" };
    });
    const outputs = { namespaceName: "synergychat", storageMode: "persistent" };
    const state = deployments.map((outputs) => ({ type: "kubernetes:apps/v1:Deployment", outputs }));
    const api = new ChatApi(client, "synergychat");
    const session = { client, api, outputs, state, settings: settings({ exposure: "none" }) };
    const live = await readLiveStack(session as unknown as LiveSession);
    const checks: Check[] = [];
    for await (const check of checksOf(live)) {
        checks.push(...(check.heading === "Containers in pods" ? [check] : []));
    }
    const byName = (field: "result" | "seen"): Record<string, string> =>
        Object.fromEntries(
            checks.map((one) => [one.tried.replace("kubectl get deployment ", ""), one[field]]),
        );
    return { results: byName("result"), seen: byName("seen"), logs };
}

describe("npm run verify", () => {
    it("fails for each Deployment whose pods are not ready, one that a user has added among them", async () => {
        const { results } = await checked([deployment("synergychat-api", 1), deployment("redis", 0)]);
        assert.deepEqual(results, {
            "synergychat-api": "ok",
            "synergychat-crawler": "failed",
            "synergychat-web": "failed",
            redis: "failed",
        });
    });

    it("says why a Deployment has no pod that runs", async () => {
        const message = "0/2 nodes are available: 2 node(s) were unschedulable.";
        const conditions = [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }];
        const labels = { app: "redis" };
        const { seen } = await checked(
            [
                {
                    ...deployment("redis", 0),
                    spec: { replicas: 1, selector: { matchLabels: labels } },
                } as LiveObject,
            ],
            { ...object("Pod", "redis-1", { labels }), status: { phase: "Pending", conditions } },
        );
        assert.ok(seen.redis?.includes(message), seen.redis);
    });

    it("does not take a pod that has ended for the api's", async () => {
        for (const phase of ["Succeeded", "Failed"]) {
            const { logs } = await checked([], apiPod("api-1", phase), apiPod("api-2", "Running"));
            assert.deepEqual(logs, [
                "/api/v1/namespaces/synergychat/pods/api-2/log?container=synergychat-api",
            ]);
        }
    });
});
