/** SynergyChat on Kubernetes: the whole system in one picture. Config in, components, outputs. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Api } from "./components/api";
import { Crawler } from "./components/crawler";
import { AppExposure } from "./components/exposure";
import { AppNamespace } from "./components/namespace";
import { ApiStorage } from "./components/storage";
import { Web } from "./components/web";
import { readSettings } from "./config";

const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject());

const provider = new k8s.Provider("cluster", {
    context: settings.context,
    ...(settings.kubeconfig && { kubeconfig: settings.kubeconfig }),
    // A context names the cluster here: where its address changes (minikube's does at every start), it is still the same.
    clusterIdentifier: settings.context,
    // ConfigMaps keep their names, so they are changed in place: a replacement would be a moment without the map.
    enableConfigMapMutable: true,
});
const instance = pulumi.getStack();
const guards = { retain: settings.retainData, protect: settings.protectData };

const namespace = new AppNamespace("app", { name: settings.namespace, instance, ...guards }, { provider });

const common = { namespace: namespace.namespaceName, instance };
const workload = { ...common, imagePullPolicy: settings.imagePullPolicy };

const storage = new ApiStorage(
    "api-storage",
    { ...common, storage: settings.storage, ...guards },
    { provider },
);

const crawler = new Crawler(
    "crawler",
    {
        ...workload,
        image: settings.images.crawler,
        keywords: settings.crawlerKeywords,
        containers: settings.crawlerContainers,
        pods: settings.crawlerPods,
    },
    { provider },
);

const api = new Api(
    "api",
    { ...workload, image: settings.images.api, storage, crawlerUrl: crawler.url },
    { provider },
);

const web = new Web(
    "web",
    {
        ...workload,
        image: settings.images.web,
        replicas: settings.webReplicas,
        apiUrl: `http://${settings.apiHost}`,
    },
    { provider },
);

new AppExposure(
    "app",
    {
        ...common,
        exposure: settings.exposure,
        web: { host: settings.webHost, serviceName: web.serviceName },
        api: { host: settings.apiHost, serviceName: api.serviceName },
    },
    { provider },
);

/** Address of the page. */
export const webUrl = `http://${settings.webHost}`;
/** Address of the api, as the page's browser calls it. */
export const apiUrl = `http://${settings.apiHost}`;
/** Namespace that holds the app. */
export const namespaceName = namespace.namespaceName;
/** Where the api keeps its messages: persistent or ephemeral. */
export const storageMode = settings.storage.mode;
/** Name of the claim that the api uses; null with ephemeral storage. */
export const claimName = storage.claimName ?? null;
/** Whether claim and namespace stay when the stack is destroyed. */
export const retainsData = settings.retainData;
/** What a person would type next. */
export const nextCommands = [
    `kubectl config use-context ${settings.context}`,
    `kubectl config set-context --current --namespace=${settings.namespace}`,
    "kubectl get pods",
    "kubectl logs deployment/synergychat-api",
];
