import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { selectorLabels } from "./labels";
import type { ApiStorage } from "./storage";
import {
    type WorkloadArgs,
    configMap,
    container,
    containerPort,
    metadata,
    podTemplate,
    probes,
    service,
} from "./workload";

export interface ApiArgs extends WorkloadArgs {
    /** Where it keeps its messages. */
    readonly storage: ApiStorage;
    /** Address of the crawler inside the cluster. */
    readonly crawlerUrl: pulumi.Input<string>;
}

/**
 * The api: a JSON API that keeps the messages in one file.
 *
 * Always one pod, and never a new one beside the old: two processes on one file lose messages (the app reads it, then
 * rewrites it whole, and locks only within itself).
 */
export class Api extends pulumi.ComponentResource {
    /** Name of its Service. */
    public readonly serviceName: pulumi.Output<string>;

    public constructor(name: string, args: ApiArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Api", name, {}, opts);

        const { database, claim } = args.storage;
        const environment = {
            API_PORT: String(containerPort),
            API_DB_FILEPATH: database.databasePath,
            CRAWLER_BASE_URL: args.crawlerUrl,
        };
        const config = configMap(name, "api", args, environment, { parent: this });

        new k8s.apps.v1.Deployment(
            `${name}-deployment`,
            {
                metadata: metadata("api", args, "synergychat-api"),
                spec: {
                    replicas: 1,
                    strategy: { type: "Recreate" },
                    selector: { matchLabels: selectorLabels("api") },
                    template: podTemplate("api", args, environment, {
                        containers: [
                            container(args, {
                                name: "synergychat-api",
                                ports: [{ name: "http", containerPort }],
                                envFrom: [{ configMapRef: { name: config.metadata.name } }],
                                volumeMounts: [{ name: database.volume.name, mountPath: database.mountPath }],
                                // Ready only while it can read its file: with a damaged one /healthz stays green.
                                ...probes({ ready: "/messages", live: "/healthz" }, "http"),
                                memory: { request: "32Mi", limit: "256Mi" },
                            }),
                        ],
                        volumes: [database.volume],
                    }),
                },
            },
            // A claim that must be replaced cannot go while a pod uses it: the pod goes first.
            { parent: this, ...(claim && { replaceWith: [claim], deleteBeforeReplace: true }) },
        );

        this.serviceName = service(name, "api", args, { parent: this }).metadata.name;
        this.registerOutputs({ serviceName: this.serviceName });
    }
}
