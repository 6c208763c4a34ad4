/** `npm run verify` beside what others add to a namespace: sidecars of a service mesh, pods that have ended. */
import { strict as assert } from "node:assert";
import { checksOf, readLiveStack } from "../../../cli/commands/verify/checks.ts";
import type { LiveSession } from "../../../cli/session.ts";
import type { Answer } from "../../../kubernetes/client.ts";
import { fakeClient } from "../support/client.ts";
import { object, settings } from "../support/snapshots.ts";

const list = (kind: string, ...items: readonly object[]): Answer => ({
    kind: "found",
    body: { kind: `${kind}List`, items },
});
const status = (...names: readonly string[]) => names.map((name) => ({ name, ready: true }));
const template = {
    spec: {
        containers: [{ name: "synergychat-api" }],
        initContainers: [{ name: "synergychat-guard", restartPolicy: "Always" }],
    },
};
const deployment = { ...object("Deployment", "synergychat-api"), spec: { replicas: 1, template } };
const apiPod = (name: string, more: object) => ({
    ...object("Pod", name, { labels: { app: "synergychat-api" } }),
    ...{ spec: {}, status: more },
});

/** What verify says of the api's pods, and which logs it asks for. */
async function apiPods(...pods: readonly object[]) {
    const logs: string[] = [];
    const client = fakeClient((path) => {
        if (path.includes("/log?")) {
            logs.push(path);
            return { kind: "found", body: "" };
        }
        if (path.endsWith("/deployments")) {
            return list("Deployment", deployment);
        }
        return path.endsWith("/pods") ? list("Pod", ...pods) : { kind: "not found", message: "" };
    });
    const outputs = { namespaceName: "synergychat", storageMode: "persistent" };
    const session = { client, outputs, settings: settings({ exposure: "none" }) };
    const live = await readLiveStack(session as unknown as LiveSession);
    const seen = (await checksOf(live)).find(({ tried }) => tried.endsWith("app=synergychat-api"));
    return { seen: `${seen?.result ?? ""}: ${seen?.seen ?? ""}`, logs };
}

describe("npm run verify", () => {
    const guard = { initContainerStatuses: status("synergychat-guard") };

    it("counts the app's own containers, the guard among them, and none that a mesh has added", async () => {
        const meshed = { ...guard, containerStatuses: status("istio-proxy", "synergychat-api") };
        assert.equal((await apiPods(apiPod("api-1", meshed))).seen, "ok: 1 of 1 pods ready (2/2)");
        const unready = { containerStatuses: status("istio-proxy", "linkerd-proxy") };
        assert.equal((await apiPods(apiPod("api-1", unready))).seen, "failed: 0 of 1 pods ready (0/2)");
    });

    it("does not take a pod that has ended for the api's", async () => {
        const running = apiPod("api-2", { ...guard, containerStatuses: status("synergychat-api") });
        for (const phase of ["Succeeded", "Failed"]) {
            const { seen, logs } = await apiPods(apiPod("api-1", { phase }), running);
            assert.equal(seen, "ok: 1 of 1 pods ready (2/2)");
            assert.deepEqual(logs, [
                "/api/v1/namespaces/synergychat/pods/api-2/log?container=synergychat-api",
            ]);
        }
    });
});
