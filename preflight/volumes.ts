/** Volumes of earlier claims, whose data a new claim gets. */
import type { Settings } from "../config/settings.ts";
import type { Volume } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { sentence } from "../kubernetes/obstacles.ts";
import { isInheritable, isLeftByMinikube, provisionerOf } from "../kubernetes/volumes.ts";
import { type Finding, type Fix, error, fix, warning } from "../model/finding.ts";
import { claimName } from "../model/names.ts";
import { type FatedClaim, newClaims } from "./fates.ts";

/** Old messages that the claim would get which the stack is about to make. */
export function inheritedVolumes(
    settings: Settings,
    { earlierVolumes }: ClusterSnapshot,
    claims: readonly FatedClaim[],
): readonly Finding[] {
    return newClaims(settings, claims).some(({ use }) => use === "messages")
        ? earlierVolumes.filter(isInheritable).map((volume) => inheritedVolume(volume, settings.context))
        : [];
}

export function inheritedVolume(volume: Volume, context: string): Finding {
    const { name } = volume.metadata;
    const folder = folderOf(volume);
    return warning(
        "released-volume-has-old-data",
        `Volume ${name} stays in the cluster, although its claim ${claimName} is deleted: minikube's provisioner ignores volumes that it made before its last start. ` +
            `A new claim of this name gets the old messages in ${folder}.`,
        fix("See the old messages", `minikube ssh --profile ${context} -- sudo cat '${folder}/db.json'`),
        deleteVolume(volume, context),
    );
}

/**
 * How a volume of minikube is deleted with its folder. Safe also if it is run later: a new claim of the same name has a
 * volume with this folder again, which must stay. It must stay too if kubectl does not reach the cluster.
 */
export function deleteVolume(volume: Volume, context: string): Fix {
    const folder = folderOf(volume);
    const users = `{.kind}{.items[?(@.spec.hostPath.path=="${folder}")].metadata.name}`;
    return fix(
        "Delete the volume and its data",
        `kubectl --context ${context} delete pv ${volume.metadata.name}`,
        `test "$(kubectl --context ${context} get pv --output jsonpath='${users}')" = List && minikube ssh --profile ${context} -- sudo rm -rf '${folder}'`,
    );
}

function folderOf({ spec }: Volume): string {
    return spec?.hostPath?.path ?? "FOLDER";
}

/** What keeps a volume that is to be deleted. */
export function volumeBlocker(volume: Volume, context: string): Finding {
    const { metadata, spec, status } = volume;
    const { name, finalizers = [] } = metadata;
    if (isLeftByMinikube(volume)) {
        return error(
            "volume-ignored-by-minikube",
            `Volume ${name} is Released, and minikube does not delete it: its provisioner ignores volumes that it made before its last start. ` +
                `A new claim of the same name would get the old data in ${folderOf(volume)}.`,
            deleteVolume(volume, context),
        );
    }
    const isRetained = spec?.persistentVolumeReclaimPolicy === "Retain";
    const why = isRetained
        ? "Its reclaim policy is Retain, so it stays with its data until somebody deletes both."
        : `Its provisioner ${provisionerOf(volume) || "(unknown)"} must delete it${status?.message ? `: ${status.message}` : ""}`;
    const held = finalizers.length > 0 ? ` Its finalizers: ${finalizers.join(", ")}.` : "";
    const reason = `Volume ${name} is ${status?.phase ?? "unknown"}. ${sentence(why)}${held}`;
    const look = fix("See the volume", `kubectl describe pv ${name}`);
    const remove = fix("Delete the volume, but not its data", `kubectl delete pv ${name}`);
    return error("volume-not-deleted", reason, look, isRetained && remove);
}
