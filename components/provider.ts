/** Pulumi's Kubernetes provider, and what this stack asks of it. */
import { Provider } from "@pulumi/kubernetes/provider.js";
import { secret } from "@pulumi/pulumi";
import { providerName } from "../model/names.ts";

/** Which cluster. */
export interface ClusterProviderArgs {
    /** Context of the kubeconfig. */
    readonly context: string;
    /**
     * Path or content of the kubeconfig.
     *
     * @default - The one of KUBECONFIG, else ~/.kube/config.
     */
    readonly kubeconfig?: string | undefined;
}

/** The provider of all the stack's objects. It starts as soon as it is declared, and makes nothing by itself. */
export function clusterProvider({ context, kubeconfig }: ClusterProviderArgs): Provider {
    return new Provider(providerName, {
        context,
        // Empty, the provider looks for a kubeconfig as kubectl does, in all files of KUBECONFIG. Undefined, the SDK would pass on
        // KUBECONFIG as the path of one file, which gets into the state, and the provider would leave a copy of that file in
        // the temporary folder of each run. Source: `writeKubeconfigToFile` in the provider's provider.go.
        kubeconfig: kubeconfig ? secret(kubeconfig) : "",
        // The context identifies the cluster: if its address changes (minikube's does at a start), it is the same cluster.
        clusterIdentifier: context,
        // ConfigMaps keep their names, so they are changed in place: a replacement would leave a moment without the map.
        enableConfigMapMutable: true,
        // The next run takes over what a killed run made and did not record. The preflight lets through only objects
        // that this stack owns.
        upsertExistingObjects: true,
        // The program wins over whatever an earlier run or a kubectl edit wrote to the same field.
        enablePatchForce: true,
    });
}
