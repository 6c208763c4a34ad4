/** The whole stack in one function: settings in, components and outputs out. It has no access to any cluster. */
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { Api, type ApiArgs, apiDeployment } from "./components/api.ts";
import { type BackupJobArgs, Backups, backupJob } from "./components/backups.ts";
import { claimCheckJob } from "./components/claim-check.ts";
import { Crawler, crawlerUrl } from "./components/crawler.ts";
import { AppExposure } from "./components/exposure.ts";
import { Guard } from "./components/guard.ts";
import { AppNamespace } from "./components/namespace.ts";
import { ApiStorage } from "./components/storage.ts";
import { Tools } from "./components/tools.ts";
import { Web } from "./components/web.ts";
import type { WorkloadArgs } from "./components/workload.ts";
import type { Settings } from "./config/settings.ts";
import {
    type Part,
    backupsClaimName,
    serviceAccountName,
    serviceName,
    toolsConfigMapName,
    workloadName,
} from "./model/names.ts";
import { mountedClaim } from "./model/storage.ts";

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

/** What `deploy` has declared. */
export interface Deployed {
    readonly outputs: Outputs;
    /** The Deployments of crawler, api and web. */
    readonly deployments: readonly k8s.apps.v1.Deployment[];
}

/**
 * Declares every component of the stack.
 *
 * @param instance the value of the label app.kubernetes.io/instance.
 * @param provider the cluster that they are in.
 */
export function deploy(settings: Settings, instance: string, provider: k8s.Provider): Deployed {
    const opts = { provider };
    const protection = { retain: settings.retainData, protect: settings.protectData };

    const namespace = new AppNamespace(
        "app",
        { name: settings.namespace, instance, ...protection, retain: settings.retainNamespace },
        opts,
    );
    const common = { namespace: namespace.namespaceName, instance };

    const storage = new ApiStorage(
        "api-storage",
        { ...common, storage: settings.storage, ...protection },
        opts,
    );
    // Names that the stack fixes are passed as such. An output would make one object wait for another that it does not need:
    // on up for its creation, and on destroy for its deletion.
    const crawler = new Crawler(
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
    const apiArgs = { ...common, ...imageArgs(settings, "api") };
    const tools = settings.guard || settings.backups ? new Tools("tools", common, opts) : undefined;
    const toolsConfigMap = tools?.configMap.metadata.name ?? "";
    const backups =
        settings.backups &&
        new Backups(
            "api-backups",
            {
                ...settings.backups,
                ...protection,
                api: apiArgs,
                tools: toolsImage(settings, toolsConfigMap),
                apiUrl: apiUrl(),
            },
            opts,
        );
    const guard = settings.guard && new Guard("api-guard", common, opts);
    const api = new Api(
        "api",
        {
            ...apiArgs,
            storage,
            crawlerUrl: crawlerUrl(serviceName("crawler")),
            ...(guard && guardArgs(settings, toolsConfigMap, guard.serviceAccountName, backups?.claimName)),
        },
        opts,
    );
    const web = new Web(
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
    return {
        outputs: outputsOf(settings, namespace, storage),
        deployments: [crawler, api, web].map(({ deployment }) => deployment),
    };
}

/** The api's Deployment as `deploy` declares it, without declaring it: the preflight compares it with the live one. */
export function declaredApiDeployment(settings: Settings, instance: string): k8s.apps.v1.DeploymentArgs {
    return apiDeployment(
        {
            namespace: settings.namespace,
            instance,
            ...imageArgs(settings, "api"),
            crawlerUrl: crawlerUrl(serviceName("crawler")),
            ...guardArgs(settings, toolsConfigMapName, serviceAccountName, backupsClaimName),
        },
        mountedClaim(settings.storage),
    );
}

/**
 * A Job that makes a backup and starts the api's declared image on a copy of it: the preflight tries a new image with it.
 *
 * @returns undefined if the stack has neither guard nor backups, or nothing that could be copied.
 */
export function declaredTrial(settings: Settings, instance: string): BackupJob | undefined {
    if (settings.storage.mode === "ephemeral" || !(settings.guard ?? settings.backups)) {
        return undefined;
    }
    const job = backupJob({
        api: { namespace: settings.namespace, instance, ...imageArgs(settings, "api") },
        apiUrl: apiUrl(),
        tools: toolsImage(settings, toolsConfigMapName),
        backupsClaim: settings.backups && backupsClaimName,
        reason: "before-upgrade",
        kept: settings.backups?.kept ?? 1,
    });
    // An image that fails once would fail again.
    return { ...job, backoffLimit: 0 };
}

/** A Job that looks into the claim that somebody else made, before the api mounts it. Undefined: there is no such claim. */
export function declaredClaimCheck(settings: Settings, instance: string): ClaimCheckJob | undefined {
    const { namespace, storage } = settings;
    return "existingClaim" in storage
        ? claimCheckJob({ namespace, instance, ...imageArgs(settings, "api") }, storage.existingClaim)
        : undefined;
}

type ClaimCheckJob = ReturnType<typeof claimCheckJob>;
type BackupJob = ReturnType<typeof backupJob>;

/** Address of the api inside the cluster. A fixed name: nothing has to wait for the Service itself. */
function apiUrl(): string {
    return `http://${serviceName("api")}`;
}

function toolsImage({ images }: Settings, configMap: pulumi.Input<string>): BackupJobArgs["tools"] {
    return { image: images.tools, configMap };
}

/** The guard sees the backups if there are any, and if the file that they can repair is on a claim as well. */
function guardArgs(
    settings: Settings,
    toolsConfigMap: pulumi.Input<string>,
    account: pulumi.Input<string>,
    backups: pulumi.Input<string> | undefined,
): Pick<ApiArgs, "guard"> {
    const { guard, storage } = settings;
    const sees = settings.backups && storage.mode === "persistent" && backups !== undefined;
    return guard
        ? {
              guard: {
                  command: guard.command,
                  tools: toolsImage(settings, toolsConfigMap),
                  serviceAccountName: account,
                  ...(sees && { backupsClaim: backups }),
              },
          }
        : {};
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
