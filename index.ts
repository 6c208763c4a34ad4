/** SynergyChat on Kubernetes: the whole system in one picture. Config in, a look at the cluster, components, outputs. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { Api } from "./components/api";
import { Crawler } from "./components/crawler";
import { AppExposure } from "./components/exposure";
import { instanceOf } from "./components/labels";
import { AppNamespace } from "./components/namespace";
import { ApiStorage } from "./components/storage";
import { Web } from "./components/web";
import { readSettings } from "./config";
import { preflight } from "./preflight";

export = async () => {
    const settings = readSettings(pulumi.runtime.allConfig(), pulumi.getProject());
    const instance = instanceOf(pulumi.getProject(), pulumi.getStack());
    await preflight(settings, instance);

    const provider = new k8s.Provider("cluster", {
        context: settings.context,
        ...(settings.kubeconfig && { kubeconfig: pulumi.secret(settings.kubeconfig) }),
        // A context names the cluster here: where its address changes (minikube's does at a start), it is still the same.
        clusterIdentifier: settings.context,
        // ConfigMaps keep their names, so they are changed in place: a replacement would be a moment without the map.
        enableConfigMapMutable: true,
        // What a killed run made and did not record is taken over by the next. The preflight lets through what is this
        // stack's own, and nothing else.
        upsertExistingObjects: true,
        // Then the stack's word counts, whatever an earlier run or a person's kubectl edit wrote there.
        enablePatchForce: true,
    });
    const opts = { provider };
    const guards = { retain: settings.retainData, protect: settings.protectData };

    const namespace = new AppNamespace(
        "app",
        { name: settings.namespace, instance, ...guards, retain: settings.retainNamespace },
        opts,
    );
    const common = { namespace: namespace.namespaceName, instance };
    const workload = { ...common, imagePullPolicy: settings.imagePullPolicy };

    const storage = new ApiStorage("api-storage", { ...common, storage: settings.storage, ...guards }, opts);

    const crawler = new Crawler(
        "crawler",
        {
            ...workload,
            image: settings.images.crawler,
            keywords: settings.crawlerKeywords,
            containers: settings.crawlerContainers,
            pods: settings.crawlerPods,
        },
        opts,
    );

    const api = new Api(
        "api",
        { ...workload, image: settings.images.api, storage, crawlerUrl: crawler.url },
        opts,
    );

    const apiUrl = `http://${settings.apiHost}`;
    const web = new Web(
        "web",
        { ...workload, image: settings.images.web, replicas: settings.webReplicas, apiUrl },
        opts,
    );

    new AppExposure(
        "app",
        {
            ...common,
            exposure: settings.exposure,
            web: { host: settings.webHost, serviceName: web.serviceName },
            api: { host: settings.apiHost, serviceName: api.serviceName },
        },
        opts,
    );

    return {
        /** Address of the page. */
        webUrl: `http://${settings.webHost}`,
        /** Address of the api, as the page's browser calls it. */
        apiUrl,
        /** Namespace that holds the app. */
        namespaceName: namespace.namespaceName,
        /** Where the api keeps its messages: persistent or ephemeral. */
        storageMode: settings.storage.mode,
        /** Name of the claim that the api uses; null with ephemeral storage. */
        claimName: storage.claimName ?? null,
        /** Whether claim and namespace stay when the stack is destroyed. */
        retainsData: settings.retainData,
        /** What a person would type next. */
        nextCommands: [
            `kubectl config use-context ${settings.context}`,
            `kubectl config set-context --current --namespace=${settings.namespace}`,
            "kubectl get pods",
            "kubectl logs deployment/synergychat-api",
        ],
    };
};
