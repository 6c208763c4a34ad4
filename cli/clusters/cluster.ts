/** The kinds of clusters that a stack can be on. */
import { UserError } from "../../system/errors.ts";
import type { ExposureKind } from "../../model/kinds.ts";
import type { StackOutputs } from "../../pulumi/state.ts";
import type { Environment } from "../../system/process.ts";
import type { Output } from "../output.ts";

/** The cluster does not answer, or does not exist. */
export class NoCluster extends UserError {}

export interface Cluster {
    readonly kind: "existing" | "minikube" | "sandbox";
    /** Environment in which kubectl reaches it. */
    readonly env: Environment;
    /**
     * Installs an ingress controller for a class, if this cluster is one that brings one. Empty: for the default class.
     *
     * @throws UserError if another controller is in its way.
     */
    readonly enableIngress?: (ingressClass: string) => void;
    /** The folders of its node, if this machine sees them. Whether one exists is undefined if that is not known. */
    readonly folders?: {
        readonly exists: (folder: string) => boolean | undefined;
        readonly remove: (folder: string) => unknown;
    };
    /** Address of the node at which its ingress controller answers, published or not. */
    readonly nodeAddress?: () => string | undefined;
    /** How a browser on this machine reaches the app if nothing answers. `published`: the address that the controller names. */
    readonly reachAdvice: (
        app: Pick<StackOutputs, "webUrl" | "apiUrl">,
        exposure: ExposureKind,
        published: string | undefined,
    ) => readonly string[];
    /** What a person should know about this cluster. */
    readonly note?: string;
}

/** How a cluster is found. */
export interface ClusterQuery {
    readonly context: string;
    /** The stack whose cluster it is, for advice. */
    readonly stack: string;
    /** Environment in which kubectl finds its kubeconfig. */
    readonly env: Environment;
    /** Whether a cluster may be started or built. `down` and `verify` do not start one. */
    readonly mayStart: boolean;
    readonly yes: boolean;
    readonly output: Output;
}
