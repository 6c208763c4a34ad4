/** A cluster that somebody else runs: it answers, and this project neither starts nor changes it. */
import { waitUntilIngressesAreAccepted } from "../../kubernetes/ingress.ts";
import type { Cluster, ClusterQuery } from "./cluster.ts";

/** The cluster behind a context that answers. */
export function existingCluster({ env, output }: ClusterQuery): Cluster {
    return {
        kind: "existing",
        env,
        prepare: async ({ client, instance, ingressClass }) => {
            if (ingressClass !== undefined) {
                await waitUntilIngressesAreAccepted(client, instance, output.info);
            }
        },
        folderExists: () => undefined,
        nodeAddresses: () => [],
        reachAdvice: (_hosts, published) => [
            published === undefined
                ? "Its controller has published no address. Some never do: see its documentation."
                : `The published address ${published} does not answer from this machine. A firewall or a VPN may be in the way.`,
        ],
        notes: [],
    };
}
