/** The whole stack in one function: settings in, components and outputs out. It has no access to any cluster. */
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { Api } from "./components/api.ts";
import { Backups, trialJob } from "./components/backups.ts";
import { claimCheckJob } from "./components/claim-check.ts";
import { Crawler } from "./components/crawler.ts";
import { AppExposure } from "./components/exposure.ts";
import { Guard } from "./components/guard.ts";
import { AppNamespace } from "./components/namespace.ts";
import { NetworkPolicies } from "./components/network-policies.ts";
import { ApiStorage } from "./components/storage.ts";
import { Tools } from "./components/tools.ts";
import { Web } from "./components/web.ts";
import type { Settings } from "./config/settings.ts";
import { type Part, serviceName, workloadName } from "./model/names.ts";
import type { Trials } from "./preflight/trials.ts";
import type { StackOutputs } from "./pulumi/state.ts";

/** The stack's outputs, some of which are known only once the cluster has made the object. */
export type Outputs = { readonly [Name in keyof StackOutputs]: pulumi.Input<StackOutputs[Name]> };

/** What `deploy` has declared. */
export interface Deployed {
    readonly outputs: Outputs;
    /** The Deployments of crawler, api and web. */
    readonly deployments: readonly k8s.apps.v1.Deployment[];
    readonly trials: Trials;
}

/**
 * Declares every component of the stack. What you add here is part of the stack, and needs no other change.
 *
 * It runs twice in each command: first as a rehearsal, from which the preflight knows what is declared.
 *
 * @param instance the value of the label app.kubernetes.io/instance.
 * @param provider the cluster that they are in.
 */
export function deploy(settings: Settings, instance: string, provider: k8s.Provider): Deployed {
    const opts = { provider };
    const { exposure, guard, images, storage: stored } = settings;
    const protection = { retain: settings.retainData, protect: settings.protectData };

    const namespace = new AppNamespace(
        "app",
        { name: settings.namespace, instance, ...protection, retain: settings.retainNamespace },
        opts,
    );
    const common = { namespace: namespace.namespaceName, instance };
    const workload = (part: Part) => ({
        ...(part === "api" && { memory: settings.apiMemory }),
        ...common,
        image: images[part],
        imagePullPolicy: settings.imagePullPolicy,
        imagePullSecrets: settings.imagePullSecrets,
        hostUsers: settings.hostUsers,
        ...(settings.tolerationSeconds !== "" && { tolerationSeconds: settings.tolerationSeconds }),
    });

    const storage = new ApiStorage("api-storage", { ...common, storage: stored, ...protection }, opts);

    const crawler = new Crawler(
        "crawler",
        {
            ...workload("crawler"),
            keywords: settings.crawlerKeywords,
            containers: settings.crawlerContainers,
            pods: settings.crawlerPods,
        },
        opts,
    );

    // Names that the stack fixes are passed as such. An output would make one object wait for another that it does not need:
    // on up for its creation, and on destroy for its deletion.
    const programs = guard || settings.backups ? new Tools("tools", common, opts) : undefined;
    const tools = { image: images.tools, configMap: programs?.configMap.metadata.name ?? "" };
    // The guard repairs a file that is on a claim from the backups.
    const mountedByApi = guard !== undefined && stored.mode === "persistent";
    const backup = { api: workload("api"), apiUrl: `http://${serviceName("api")}`, tools, mountedByApi };
    const backups =
        settings.backups &&
        new Backups("api-backups", { ...settings.backups, ...protection, ...backup }, opts);
    const account = guard && new Guard("api-guard", common, opts).serviceAccountName;

    const api = new Api(
        "api",
        {
            ...workload("api"),
            storage,
            crawlerUrl: `http://${serviceName("crawler")}`,
            ...(account && {
                guard: {
                    command: guard.command,
                    tools,
                    serviceAccountName: account,
                    ...(backups &&
                        mountedByApi && {
                            backups: { claim: backups.claimName, maxAge: settings.backups.maxAge },
                        }),
                },
            }),
        },
        opts,
    );

    const web = new Web(
        "web",
        {
            ...workload("web"),
            ...(settings.webReplicas !== "unmanaged" && { replicas: settings.webReplicas }),
            apiUrl: settings.apiUrl,
        },
        opts,
    );

    if (settings.networkPolicies) {
        new NetworkPolicies(
            "app",
            {
                ...common,
                guard: guard !== undefined,
                jobs: programs !== undefined,
                backupTarget: settings.backups?.target?.repository,
            },
            opts,
        );
    }

    new AppExposure(
        "app",
        {
            ...common,
            exposure,
            web: { host: settings.webHost, serviceName: serviceName("web") },
            api: { host: settings.apiHost, serviceName: serviceName("api") },
        },
        opts,
    );

    return {
        outputs: outputsOf(settings, namespace, storage),
        deployments: [crawler, api, web].map(({ deployment }) => deployment),
        trials: {
            newImage:
                programs && stored.mode === "persistent"
                    ? trialJob({
                          ...backup,
                          backupsClaim: backups?.claimName,
                          kept: settings.backups?.kept ?? 1,
                      })
                    : undefined,
            existingClaim:
                "existingClaim" in stored ? claimCheckJob(workload("api"), stored.existingClaim) : undefined,
        },
    };
}

function outputsOf(settings: Settings, namespace: AppNamespace, storage: ApiStorage): Outputs {
    return {
        webUrl: settings.webUrl,
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
