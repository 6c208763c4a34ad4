/** What holds a claim or a volume that should be gone. */
import { strict as assert } from "node:assert";
import { explainClaim, explainVolume, holders } from "../../operations/holders";

const pod = (name: string, claimName?: string, phase = "Running") => ({
    metadata: { name },
    spec: { volumes: [{}, ...(claimName ? [{ persistentVolumeClaim: { claimName } }] : [])] },
    status: { phase },
});
const claim = (more: object = {}) => ({ metadata: { name: "mine", namespace: "chat", ...more } });
const deleted = { deletionTimestamp: "now", finalizers: ["kubernetes.io/pvc-protection"] };
const volume = (spec: object, status: object, metadata: object = {}) => ({
    metadata: {
        name: "pvc-1",
        annotations: { "pv.kubernetes.io/provisioned-by": "k8s.io/minikube-hostpath" },
        ...metadata,
    },
    spec: { persistentVolumeReclaimPolicy: "Delete", ...spec },
    status,
});

describe("what holds", () => {
    it("a claim: pods that mount it and have not ended", () => {
        const pods = [pod("a", "mine"), pod("b", "other"), pod("c"), pod("d", "mine", "Succeeded")];
        assert.deepEqual(
            holders("mine", pods).map(({ metadata }) => metadata.name),
            ["a"],
        );
    });

    it("a claim is told by the pod's name", () => {
        const text = explainClaim(claim(deleted), [pod("debug", "mine")]);
        assert.match(text, /Terminating until no pod mounts it\. It is mounted by: debug\./);
        assert.match(text, /kubectl delete pod debug --namespace chat/);
    });

    it("a claim is told by the finalizer where no pod mounts it", () => {
        const finalizers = ["kubernetes.io/pvc-protection", "snapshot.example/source"];
        assert.match(
            explainClaim(claim({ ...deleted, finalizers }), []),
            /held by snapshot\.example\/source:/,
        );
        assert.match(explainClaim(claim(), []), /was not deleted/);
    });

    it("a volume: minikube's provisioner that was started since", () => {
        const text = explainVolume(volume({ hostPath: { path: "/tmp/x" } }, { phase: "Released" }));
        assert.match(text, /ignores volumes that it made\s+before its last start/);
        assert.match(text, /kubectl delete pv pvc-1, and minikube ssh -- sudo rm -rf \/tmp\/x/);
    });

    it("a volume: its reclaim policy, before anything else", () => {
        const text = explainVolume(
            volume({ persistentVolumeReclaimPolicy: "Retain" }, { phase: "Released" }),
        );
        assert.match(text, /reclaim policy is Retain/);
    });

    it("a volume: what its provisioner says, or a finalizer", () => {
        const failed = volume({}, { phase: "Failed", message: "disk is busy" });
        assert.match(explainVolume(failed), /is Failed: disk is busy\. k8s\.io\/minikube-hostpath made it/);
        const held = volume({}, { phase: "Bound" }, { finalizers: ["a/b"] });
        assert.match(explainVolume(held), /is Bound: held by a\/b/);
    });
});
