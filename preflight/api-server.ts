/** The API server: its version, and what it says to the declared objects. */
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, error, fix } from "../model/finding.ts";
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
export function rejectedObjects({ rejections }: ClusterSnapshot): readonly Finding[] {
    return rejections
        .filter(({ replaced }) => !replaced)
        .map(({ object, message }) =>
            error(
                "rejected-by-cluster",
                `The cluster refuses ${object.kind} ${object.metadata.name}:\n${message.replace(/^/gm, "  ")}`,
            ),
        );
}
