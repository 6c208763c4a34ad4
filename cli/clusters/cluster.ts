/** The kinds of clusters that a stack can be on. */
import type { Client } from "../../kubernetes/client.ts";
import { UserError } from "../../system/errors.ts";
import type { Environment } from "../../system/process.ts";
import type { Output } from "../output.ts";

/** The cluster does not answer, or does not exist. */
export class NoCluster extends UserError {}

/** A cluster that answers. */
export interface Cluster {
    readonly kind: "existing" | "minikube" | "sandbox";
    /** Environment in which kubectl reaches it. */
    readonly env: Environment;
    /**
     * Prepares the cluster for a stack: the ingress controller is installed and available.
     *
     * @throws UserError if it does not become available.
     */
    readonly prepare: (needs: ClusterNeeds) => Promise<void>;
    /** Whether a folder of a node exists. Undefined if this machine cannot see the node's files. */
    readonly folderExists: (folder: string) => boolean | undefined;
    /** Addresses of the node at which its ingress controller answers. None if they are not known. */
    readonly nodeAddresses: () => readonly string[];
    /**
     * How a browser on this machine reaches the app, if nothing answers.
     *
     * @param hosts the app's host names, as a line of the hosts file has them.
     * @param published the address that the controller has published, if there is one.
     */
    readonly reachAdvice: (hosts: string, published: string | undefined) => readonly string[];
    /** What a person should know about this cluster, as the last lines of `up`. */
    readonly notes: readonly string[];
}

/** What a stack needs of its cluster. */
export interface ClusterNeeds {
    readonly client: Client;
    /** The stack: the value of the label app.kubernetes.io/instance. */
    readonly instance: string;
    /** The ingress class that the stack uses: empty for the default class. Undefined: it uses no Ingress. */
    readonly ingressClass: string | undefined;
}

/** How a cluster is found. */
export interface ClusterQuery {
    /** Context of the kubeconfig. */
    readonly context: string;
    /** Environment in which kubectl finds its kubeconfig. */
    readonly env: Environment;
    /** Whether a cluster may be started or built. `down` and `verify` do not start one. */
    readonly mayStart: boolean;
    /** Whether to build without asking. */
    readonly yes: boolean;
    readonly output: Output;
}
