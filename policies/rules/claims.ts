import type { ResourceValidationPolicy, StackValidationPolicy } from "@pulumi/policy";
import { type KubernetesObject, namespaceOf, objectOf, objectsOf, podsOf } from "../objects.ts";

export const claimsOutlivePods: ResourceValidationPolicy = {
    name: "claims-outlive-pods",
    description: "No claim is deleted with the pod or the StatefulSet that uses it.",
    validateResource: ({ type, props }, report) => {
        const object = objectOf(type, props);
        const { whenDeleted, whenScaled } = object?.spec?.persistentVolumeClaimRetentionPolicy ?? {};
        if (whenDeleted === "Delete" || whenScaled === "Delete") {
            report(
                "persistentVolumeClaimRetentionPolicy deletes the claims of this StatefulSet. " +
                    "Set whenDeleted and whenScaled to Retain, which is the default.",
            );
        }
        for (const { name, ephemeral } of (object && podsOf(object))?.volumes ?? []) {
            if (ephemeral) {
                report(
                    `The claim of volume ${name} is deleted with its pod. Mount a PersistentVolumeClaim, ` +
                        "or use emptyDir for temporary data.",
                );
            }
        }
    },
};

export const claimsProtected: StackValidationPolicy = {
    name: "claims-protected",
    description:
        "Claims, and the namespaces that they are in, are protected, and their volumes outlive them.",
    enforcementLevel: "disabled",
    validateStack: ({ resources }, report) => {
        const objects = objectsOf(resources);
        const claims = objects.filter(({ object }) => object.kind === "PersistentVolumeClaim");
        const withClaims = claims.map(({ object }) => namespaceOf(object));
        for (const { object, urn, isProtected } of objects) {
            const isHome = object.kind === "Namespace" && withClaims.includes(object.metadata?.name ?? "");
            if ((isHome || object.kind === "PersistentVolumeClaim") && !isProtected) {
                report(
                    "Pulumi would delete this with the data, if the program or somebody asks for it. " +
                        "Set the resource option protect.",
                    urn,
                );
            }
            if (deletesVolumes(object)) {
                report("Volumes are deleted with their claims. Set the reclaim policy Retain.", urn);
            }
        }
    },
};

/** Without a policy, a StorageClass deletes volumes, and a PersistentVolume stays. */
function deletesVolumes({ kind, spec, reclaimPolicy = "Delete" }: KubernetesObject): boolean {
    return kind === "StorageClass"
        ? reclaimPolicy === "Delete"
        : spec?.persistentVolumeReclaimPolicy === "Delete";
}
