/** What keeps a claim or a volume from being deleted, and how to release it. Pure: every finding has a unit test. */
import { type Claim, type Pod, type Volume, podsThatMount } from "../../../kubernetes/objects.ts";
import { provisionerOf } from "../../../kubernetes/volumes.ts";
import { type Finding, error, fix } from "../../../model/finding.ts";
import { deleteVolume } from "../../../preflight/volumes.ts";
import { listNames } from "../../../preflight/text.ts";
import { stopPods } from "./refusals.ts";

/** Kubernetes keeps a claim while a pod uses it. */
const inUseFinalizer = "kubernetes.io/pvc-protection";

/** What holds a claim that should be gone. */
export function claimBlocker(claim: Claim, pods: readonly Pod[]): Finding {
    const { name, namespace = "", deletionTimestamp, finalizers = [] } = claim.metadata;
    if (deletionTimestamp === undefined) {
        return error(
            "claim-not-deleted",
            `Claim ${name} was not deleted.`,
            fix("Delete it", `kubectl delete pvc ${name} --namespace ${namespace}`),
        );
    }
    const mounting = podsThatMount(name, pods);
    if (mounting.length > 0) {
        return error(
            "claim-mounted",
            `Claim ${name} is Terminating until no pod mounts it. It is mounted by: ${listNames(mounting)}.`,
            ...stopPods(mounting),
        );
    }
    const others = finalizers.filter((finalizer) => finalizer !== inUseFinalizer);
    return error(
        "claim-held-by-finalizer",
        `Claim ${name} is Terminating. The finalizer ${others.join(", ") || inUseFinalizer} holds it, and whoever set the finalizer must remove it.`,
        fix("See the claim", `kubectl describe pvc ${name} --namespace ${namespace}`),
    );
}

/** What holds a volume that should be gone. */
export function volumeBlocker(volume: Volume, context: string): Finding {
    const { metadata, spec, status } = volume;
    const { name, finalizers = [] } = metadata;
    const phase = status?.phase ?? "unknown";
    const provisioner = provisionerOf(volume) || "an unknown provisioner";
    if (spec?.persistentVolumeReclaimPolicy === "Retain") {
        return error(
            "volume-retained",
            `Volume ${name} is ${phase}. Its reclaim policy is Retain, so it stays with its data until somebody deletes both.`,
            fix("Delete the volume, but not its data", `kubectl delete pv ${name}`),
        );
    }
    if (phase === "Released" && provisioner.includes("minikube-hostpath")) {
        return error(
            "volume-ignored-by-minikube",
            `Volume ${name} is Released, and minikube does not delete it: its provisioner ignores volumes that it made before its last start. ` +
                `A new claim of the same name would get the old data in ${spec?.hostPath?.path ?? "FOLDER"}.`,
            deleteVolume(volume, context),
        );
    }
    const why = status?.message ?? (finalizers.length > 0 ? `held by ${finalizers.join(", ")}` : "");
    return error(
        "volume-not-deleted",
        `Volume ${name} is ${phase}${why && `: ${why}`}. Its provisioner ${provisioner} must delete it.`,
        fix("See the volume", `kubectl describe pv ${name}`),
    );
}
