import { strict as assert } from "node:assert";
import type { ClusterSnapshot } from "../../../kubernetes/snapshot.ts";
import { keepsProvider, otherCluster, otherNamespace } from "../../../preflight/recorded.ts";
import type { RecordedObject } from "../../../kubernetes/objects.ts";
import {
    assertFinding,
    claim,
    commandsOf,
    findings,
    fresh,
    recorded,
    running,
    settings,
    single,
} from "../support/snapshots.ts";

const object = (kind: string, name: string): RecordedObject => ({
    urn: "",
    apiVersion: "v1",
    kind,
    metadata: { name, ...(kind !== "Namespace" && { namespace: "chat" }), uid: "1" },
});

describe("otherCluster", () => {
    it("keeps a stack in the cluster that has its objects", () => {
        const finding = single(otherCluster("prod", recorded("chat")));
        assertFinding(finding, {
            code: "other-cluster",
            severity: "error",
            subject: { key: "kubernetes:context", value: "prod" },
        });
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set kubernetes:context minikube",
            "pulumi stack init NAME",
            "kubectl config rename-context prod minikube",
            "pulumi config set kubernetes:context minikube",
        ]);
        assert.deepEqual(otherCluster("minikube", recorded("chat")), []);
    });

    it("lets a stack without objects go to any cluster", () => {
        assert.deepEqual(otherCluster("prod", recorded(undefined)), []);
    });
});

describe("otherNamespace", () => {
    it("keeps a stack in the namespace that has its objects, and names how it moves with its messages", () => {
        const finding = otherNamespace(settings({ namespace: "elsewhere" }), "chat") ?? assert.fail();
        assertFinding(finding, {
            code: "other-namespace",
            severity: "error",
            subject: { key: "namespace", value: "elsewhere" },
        });
        const [stay, move] = finding.fixes;
        assert.deepEqual(stay?.run, ["pulumi config set namespace chat"]);
        assert.equal(move?.run.at(-1), "npm run restore -- chat.json");
        assert.equal(otherNamespace(settings({ namespace: "chat" }), "chat"), undefined);
        assert.equal(otherNamespace(settings(), undefined), undefined);
    });
});

describe("keepsProvider", () => {
    const objects = [{ urn: "", apiVersion: "v1", kind: "Namespace", metadata: { name: "chat", uid: "1" } }];
    const state = { ...recorded("chat", objects), kubeconfig: "mine" };

    it("is true only if the cluster and the kubeconfig are those of the objects", () => {
        assert.equal(keepsProvider(state, { context: "minikube", kubeconfig: "mine" }), true);
        assert.equal(keepsProvider(state, { context: "minikube", kubeconfig: "another" }), false);
        assert.equal(keepsProvider(state, { context: "prod", kubeconfig: "mine" }), false);
    });

    it("is false for a stack of an earlier program, which recorded the kubeconfig of its environment", () => {
        assert.equal(keepsProvider(state, { context: "minikube", kubeconfig: undefined }), false);
        const today = { ...state, kubeconfig: undefined };
        assert.equal(keepsProvider(today, { context: "minikube", kubeconfig: undefined }), true);
    });

    it("is true for a stack that has no objects", () => {
        assert.equal(keepsProvider(recorded(undefined), { context: "prod", kubeconfig: "mine" }), true);
    });
});

describe("lostClaims", () => {
    const lost = (snapshot: ClusterSnapshot, objects: readonly RecordedObject[]) =>
        findings(snapshot, {}, { recorded: recorded("synergychat", objects) }).filter(
            ({ code }) => code === "recorded-claim-lost",
        );
    const recordedClaim = (uid: string): RecordedObject => ({
        urn: "",
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "synergychat-api-pvc", namespace: "synergychat", uid },
    });
    const uid = claim().metadata.uid;

    it("warns of a claim that the cluster no longer has, by its UID", () => {
        assertFinding(single(lost(running, [recordedClaim("gone")])), {
            code: "recorded-claim-lost",
            severity: "warning",
            subject: {
                kind: "PersistentVolumeClaim",
                name: "synergychat-api-pvc",
                namespace: "synergychat",
            },
        });
        assert.equal(lost(fresh, [recordedClaim("gone")]).length, 1);
        assert.deepEqual(lost(running, [recordedClaim(uid)]), []);
    });

    it("says nothing of other objects, which Pulumi creates again", () => {
        assert.deepEqual(lost(fresh, [object("Service", "api-service")]), []);
    });
});
