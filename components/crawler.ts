import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
    cachePaths,
    cacheVolumeName,
    containerPort,
    crawlerContainerName,
    portName,
} from "../model/names.ts";
import { Workload, type WorkloadArgs, type WorkloadSpec, container, probes } from "./workload.ts";

export interface CrawlerArgs extends WorkloadArgs {
    /** Words that it counts in the books. */
    readonly keywords: pulumi.Input<readonly string[]>;
    /** Number of containers in each pod. They share the pod's cache. */
    readonly containers: number;
    /** Number of pods, each with a cache of its own. */
    readonly pods: pulumi.Input<number>;
}

/**
 * The crawler: counts keywords in books.
 *
 * The containers of a pod share one network, so each listens on a port of its own, and one volume, so that they share
 * what they found. Only the first is behind the Service.
 */
export class Crawler extends Workload {
    public constructor(name: string, args: CrawlerArgs, opts?: pulumi.ComponentResourceOptions) {
        const numbers = Array.from({ length: args.containers }, (_, index) => index + 1);
        const spec: WorkloadSpec = {
            rollout: { replicas: args.pods },
            environment: {
                ...Object.fromEntries(numbers.map((number) => [portKey(number), String(port(number))])),
                CRAWLER_KEYWORDS: pulumi.output(args.keywords).apply((words) => words.join(",")),
                CRAWLER_DB_PATH: cachePaths.databasePath,
            },
            containers: (configMap) => numbers.map((number) => crawlerContainer(number, args, configMap)),
            volumes: [{ name: cacheVolumeName, emptyDir: {} }],
            exceptions: [
                {
                    kubeScore: "deployment-replicas",
                    reason: "Each pod would count all books by itself. To have more pods, set crawlerPods.",
                },
            ],
        };
        super("Crawler", name, "crawler", args, spec, opts);
    }
}

function crawlerContainer(
    number: number,
    args: CrawlerArgs,
    configMap: pulumi.Input<string>,
): k8s.types.input.core.v1.Container {
    const ownPort = number === 1 ? portName : `${portName}-${number}`;
    const from = (name: string, key = name) => ({
        name,
        valueFrom: { configMapKeyRef: { name: configMap, key } },
    });
    return container(args, {
        name: crawlerContainerName(number),
        ports: [{ name: ownPort, containerPort: port(number) }],
        // The first container takes the ConfigMap whole. The others take their own port under the name that the image expects.
        ...(number === 1
            ? { envFrom: [{ configMapRef: { name: configMap } }] }
            : {
                  env: [
                      from("CRAWLER_PORT", portKey(number)),
                      from("CRAWLER_KEYWORDS"),
                      from("CRAWLER_DB_PATH"),
                  ],
              }),
        volumeMounts: [{ name: cacheVolumeName, mountPath: cachePaths.mountPath }],
        ...probes({ ready: "/healthz" }, ownPort),
        memory: { request: "32Mi", limit: "256Mi" },
    });
}

function port(number: number): number {
    return containerPort + number - 1;
}

function portKey(number: number): string {
    return number === 1 ? "CRAWLER_PORT" : `CRAWLER_PORT_${number}`;
}
