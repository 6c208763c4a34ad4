/** What keeps a claim or a volume from being deleted, and how to release it. Pure: every finding has a unit test. */
import { type Claim, type Pod, type Volume, podsThatMount } from "../../../kubernetes/objects.ts";
import { provisionerOf } from "../../../kubernetes/volumes.ts";
import type { Finding, FindingCode, Fix } from "../../../model/finding.ts";
import { deleteVolume } from "../../../preflight/volumes.ts";
import { stopPods } from "./refusals.ts";

/** Kubernetes keeps a claim while a pod uses it. */
const inUseFinalizer = "kubernetes.io/pvc-protection";

/** What holds a claim that should be gone. */
export function claimBlocker(claim: Claim, pods: readonly Pod[]): Finding {
    const { name, namespace = "", deletionTimestamp, finalizers = [] } = claim.metadata;
    const finding = (code: FindingCode, reason: string, fixes: readonly Fix[]): Finding => ({
        code,
        severity: "error",
        subject: { kind: "PersistentVolumeClaim", name, namespace },
        reason,
        fixes,
    });
    if (deletionTimestamp === undefined) {
        return finding("claim-not-deleted", `Claim ${name} was not deleted.`, [
            { to: "Delete it", run: [`kubectl delete pvc ${name} --namespace ${namespace}`] },
        ]);
    }
    const mounting = podsThatMount(name, pods);
    if (mounting.length > 0) {
        const names = mounting.map(({ metadata }) => metadata.name).join(", ");
        return finding(
            "claim-mounted",
            `Claim ${name} is Terminating until no pod mounts it. It is mounted by: ${names}.`,
            stopPods(mounting),
        );
    }
    const others = finalizers.filter((finalizer) => finalizer !== inUseFinalizer);
    return finding(
        "claim-held-by-finalizer",
        `Claim ${name} is Terminating. The finalizer ${others.join(", ") || inUseFinalizer} holds it, and whoever set the finalizer must remove it.`,
        [{ to: "See the claim", run: [`kubectl describe pvc ${name} --namespace ${namespace}`] }],
    );
}

/** What holds a volume that should be gone. */
export function volumeBlocker(volume: Volume, context: string): Finding {
    const { metadata, spec, status } = volume;
    const { name, finalizers = [] } = metadata;
    const phase = status?.phase ?? "unknown";
    const provisioner = provisionerOf(volume) || "an unknown provisioner";
    const finding = (code: FindingCode, reason: string, fixes: readonly Fix[]): Finding => ({
        code,
        severity: "error",
        subject: { kind: "PersistentVolume", name },
        reason,
        fixes,
    });
    if (spec?.persistentVolumeReclaimPolicy === "Retain") {
        return finding(
            "volume-retained",
            `Volume ${name} is ${phase}. Its reclaim policy is Retain, so it stays with its data until somebody deletes both.`,
            [{ to: "Delete the volume, but not its data", run: [`kubectl delete pv ${name}`] }],
        );
    }
    if (phase === "Released" && provisioner.includes("minikube-hostpath")) {
        const folder = spec?.hostPath?.path ?? "FOLDER";
        return finding(
            "volume-ignored-by-minikube",
            `Volume ${name} is Released, and minikube does not delete it: its provisioner ignores volumes that it made before its last start. ` +
                `A new claim of the same name would get the old data in ${folder}.`,
            [deleteVolume(volume, context)],
        );
    }
    const why = status?.message ?? (finalizers.length > 0 ? `held by ${finalizers.join(", ")}` : "");
    return finding(
        "volume-not-deleted",
        `Volume ${name} is ${phase}${why && `: ${why}`}. Its provisioner ${provisioner} must delete it.`,
        [{ to: "See the volume", run: [`kubectl describe pv ${name}`] }],
    );
}
