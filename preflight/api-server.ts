/** The API server: its version, and what it says to the declared objects. */
import type { Settings } from "../config/settings.ts";
import type { Rejection } from "../kubernetes/dry-run.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Fix, type Found, error, fix } from "../model/finding.ts";
import { claimName } from "../model/names.ts";
import { isRetained } from "../model/ownership.ts";
import { isAtLeast, minimumVersions } from "../model/versions.ts";

/** A cluster that would drop a field on which the guard and the proof of a backup rely. */
export function oldCluster({ version }: ClusterSnapshot): Found {
    const { kubernetes } = minimumVersions;
    return version === undefined || isAtLeast(version, kubernetes)
        ? []
        : error(
              "cluster-too-old",
              `The cluster runs Kubernetes ${version}. Version ${kubernetes} or newer is required: an older one drops the field that makes a container a sidecar, and the api's pod does not start.`,
              fix("See the version", "kubectl version"),
          );
}

/** Objects that `pulumi up` could not make, after it has made others. */
export function rejectedObjects(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    return snapshot.rejections
        .filter(({ replaced }) => !replaced)
        .map((rejection) =>
            error(
                "rejected-by-cluster",
                `The cluster refuses ${rejection.object.kind} ${rejection.object.metadata.name}:\n${rejection.message.replace(/^/gm, "  ")}`,
                ...waysOn(rejection, settings, snapshot),
            ),
        );
}

function waysOn(
    { object: { kind, metadata }, message }: Rejection,
    { retainData }: Settings,
    { claims = [] }: ClusterSnapshot,
): readonly (Fix | false)[] {
    if (message.includes("failed calling webhook")) {
        return [
            fix("Wait until that webhook answers, as an ingress controller's does soon", "npm run up"),
            fix("See what does not run", "kubectl get pods --all-namespaces"),
            kind === "Ingress" && fix("Use no Ingress", "pulumi config set exposure none"),
        ];
    }
    const claim =
        kind === "PersistentVolumeClaim" && claims.find((one) => one.metadata.name === metadata.name);
    if (!claim) {
        return [];
    }
    return [
        fix(
            "Keep the size",
            `pulumi config set storageSize ${claim.spec?.resources?.requests?.storage ?? ""}`,
        ),
        metadata.name === claimName &&
            fix(
                "Move the messages to a new claim, of a class that allows it",
                // A claim that is kept would still be declared.
                retainData && "pulumi config set retainData false",
                "npm run switch -- ephemeral",
                // The switch does not delete a claim that has been kept so far.
                isRetained(claim) &&
                    `kubectl delete pvc ${claimName} --namespace ${metadata.namespace ?? ""}`,
                "pulumi config set storageClass NAME",
                "npm run switch -- persistent",
            ),
    ];
}
