import { strict as assert } from "node:assert";
import type { RecordedObject } from "../../../kubernetes/snapshot.ts";
import { absentObjects, keepsProvider, otherCluster } from "../../../preflight/recorded.ts";
import { assertFinding, commandsOf, recorded, single } from "../support/snapshots.ts";

const object = (kind: string, name: string): RecordedObject => ({
    apiVersion: "v1",
    kind,
    metadata: { name, ...(kind !== "Namespace" && { namespace: "chat" }), uid: "1" },
});
const claim = object("PersistentVolumeClaim", "synergychat-api-pvc");
const service = object("Service", "api-service");
const objects = [object("Namespace", "chat"), claim, service];

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

describe("keepsProvider", () => {
    const objects = [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "chat", uid: "1" } }];
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

describe("absentObjects", () => {
    it("names each object that the cluster does not have, and the command that creates it again", () => {
        const finding = absentObjects(recorded("chat", objects), [service]);
        assertFinding(finding, {
            code: "objects-absent",
            severity: "error",
            subject: { key: "kubernetes:context", value: "minikube" },
        });
        assert.match(finding.reason, /^ {2}Service api-service in namespace chat$/m);
        assert.doesNotMatch(finding.reason, /synergychat-api-pvc|no messages/);
        assert.deepEqual(commandsOf(finding), ["pulumi up --refresh"]);
    });

    it("says that a claim comes back without its messages", () => {
        assert.match(absentObjects(recorded("chat", objects), [claim]).reason, /no messages/);
    });

    it("takes a cluster that has none of the objects for a new one", () => {
        const { reason } = absentObjects(recorded("chat", objects), objects);
        assert.match(reason, /none of the 3 objects/);
        assert.doesNotMatch(reason, /api-service/);
    });
});
