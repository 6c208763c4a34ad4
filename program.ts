/** The whole stack in one function: settings in, components and outputs out. It has no access to any cluster. */
import type * as k8s from "@pulumi/kubernetes";
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import { Api, apiDeployment } from "./components/api";
import { Crawler, crawlerUrl } from "./components/crawler";
import { AppExposure } from "./components/exposure";
import { AppNamespace } from "./components/namespace";
import { ApiStorage } from "./components/storage";
import { Web } from "./components/web";
import type { WorkloadArgs } from "./components/workload";
import type { Settings } from "./config/settings";
import { type Part, serviceName, workloadName } from "./model/names";
import { mountedClaim } from "./model/storage";

/** The stack's outputs. */
export interface Outputs {
    /** Address of the page. */
    readonly webUrl: string;
    /** Address of the api as the page's browser reaches it. */
    readonly apiUrl: string;
    /** Namespace of the app, known once it exists. */
    readonly namespaceName: pulumi.Output<string>;
    /** Where the api keeps its messages. */
    readonly storageMode: "persistent" | "ephemeral";
    /** Name of the claim that the api mounts. Null with ephemeral storage. */
    readonly claimName: pulumi.Output<string> | null;
    /** Whether claim and namespace stay when the stack is destroyed. */
    readonly retainsData: boolean;
    /** Commands to look around. */
    readonly nextCommands: readonly string[];
}

/**
 * Declares every component of the stack.
 *
 * @param instance the value of the label app.kubernetes.io/instance.
 */
export function deploy(settings: Settings, instance: string): Outputs {
    const opts = { provider: clusterProvider(settings) };
    const guards = { retain: settings.retainData, protect: settings.protectData };

    const namespace = new AppNamespace(
        "app",
        { name: settings.namespace, instance, ...guards, retain: settings.retainNamespace },
        opts,
    );
    const common = { namespace: namespace.namespaceName, instance };

    const storage = new ApiStorage("api-storage", { ...common, storage: settings.storage, ...guards }, opts);
    // Names that the stack fixes are passed as such. An output would make one object wait for another that it does not need:
    // on up for its creation, and on destroy for its deletion.
    new Crawler(
        "crawler",
        {
            ...common,
            ...imageArgs(settings, "crawler"),
            keywords: settings.crawlerKeywords,
            containers: settings.crawlerContainers,
            pods: settings.crawlerPods,
        },
        opts,
    );
    new Api(
        "api",
        { ...common, ...imageArgs(settings, "api"), storage, crawlerUrl: crawlerUrl(serviceName("crawler")) },
        opts,
    );
    new Web(
        "web",
        {
            ...common,
            ...imageArgs(settings, "web"),
            ...(settings.webReplicas !== "unmanaged" && { replicas: settings.webReplicas }),
            apiUrl: settings.apiUrl,
        },
        opts,
    );
    new AppExposure(
        "app",
        {
            ...common,
            exposure: settings.exposure,
            web: { host: settings.webHost, serviceName: serviceName("web") },
            api: { host: settings.apiHost, serviceName: serviceName("api") },
        },
        opts,
    );
    return outputsOf(settings, namespace, storage);
}

/** The api's Deployment as `deploy` declares it, without declaring it: the preflight compares it with the live one. */
export function declaredApiDeployment(settings: Settings, instance: string): k8s.apps.v1.DeploymentArgs {
    return apiDeployment(
        {
            namespace: settings.namespace,
            instance,
            ...imageArgs(settings, "api"),
            crawlerUrl: crawlerUrl(serviceName("crawler")),
        },
        mountedClaim(settings.storage),
    );
}

function clusterProvider({ context, kubeconfig }: Settings): Provider {
    return new Provider("cluster", {
        context,
        ...(kubeconfig && { kubeconfig: pulumi.secret(kubeconfig) }),
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

function imageArgs(
    { images, imagePullPolicy, imagePullSecrets }: Settings,
    part: Part,
): Pick<WorkloadArgs, "image" | "imagePullPolicy" | "imagePullSecrets"> {
    return { image: images[part], imagePullPolicy, imagePullSecrets };
}

function outputsOf(settings: Settings, namespace: AppNamespace, storage: ApiStorage): Outputs {
    return {
        webUrl: `http://${settings.webHost}`,
        apiUrl: settings.apiUrl,
        namespaceName: namespace.namespaceName,
        storageMode: settings.storage.mode,
        claimName: storage.claimName ?? null,
        retainsData: settings.retainData,
        nextCommands: [
            `kubectl config use-context ${settings.context}`,
            `kubectl config set-context --current --namespace=${settings.namespace}`,
            "kubectl get pods",
            `kubectl logs deployment/${workloadName("api")}`,
        ],
    };
}
