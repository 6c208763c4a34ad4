import * as pulumi from "@pulumi/pulumi";
import { apiVolumeName, containerPort, portName, workloadName } from "../model/names.ts";
import { type GuardedPod, guarded } from "./guard.ts";
import type { ApiStorage, DatabaseVolume } from "./storage.ts";
import { Workload, type WorkloadArgs, type WorkloadSpec, container, probes } from "./workload.ts";

export interface ApiArgs extends WorkloadArgs {
    /** Where it keeps its messages. */
    readonly storage: ApiStorage;
    /** Address of the crawler inside the cluster. */
    readonly crawlerUrl: pulumi.Input<string>;
    /**
     * What guards the file and restarts the api.
     *
     * @default - Nothing: the pod is the chapter's.
     */
    readonly guard?: GuardedPod;
}

/**
 * The api: a JSON API that keeps the messages in one file.
 *
 * It is always one pod, and never a new one beside the old: two processes on one file lose messages, because the app reads
 * the file, rewrites it whole, and locks only within itself.
 */
export class Api extends Workload {
    public constructor(name: string, args: ApiArgs, opts?: pulumi.ComponentResourceOptions) {
        const { database, claim } = args.storage;
        // A claim that must be replaced cannot be deleted while a pod mounts it, so the Deployment is replaced with it.
        const order = claim ? { replaceWith: [claim], deleteBeforeReplace: true } : {};
        super("Api", name, "api", args, apiSpec(args, database), opts, order);
    }
}

const oneWriter = "Two pods would write to one file and lose messages.";

function apiSpec(args: Omit<ApiArgs, "storage">, database: DatabaseVolume): WorkloadSpec {
    // The Service leads to the port named portName, which is the guard's if there is one.
    const port = args.guard ? "api" : portName;
    const spec: WorkloadSpec = {
        rollout: { replicas: 1, strategy: { type: "Recreate" } },
        exceptions: [
            { kubeScore: "deployment-replicas", reason: oneWriter },
            { kubeScore: "deployment-strategy", reason: oneWriter },
        ],
        environment: {
            API_PORT: String(containerPort),
            API_DB_FILEPATH: database.databasePath,
            CRAWLER_BASE_URL: args.crawlerUrl,
        },
        containers: (configMap) => [
            container(args, {
                name: workloadName("api"),
                ports: [{ name: port, containerPort }],
                envFrom: [{ configMapRef: { name: configMap } }],
                volumeMounts: [{ name: apiVolumeName, mountPath: database.mountPath }],
                // Ready only while it can read its file: with a torn file, /healthz still succeeds.
                ...probes({ ready: "/messages", live: "/healthz" }, port),
                memory: { request: "32Mi", limit: "256Mi" },
            }),
        ],
        volumes: [database.volume],
    };
    return args.guard ? guarded(spec, args, args.guard, database) : spec;
}
