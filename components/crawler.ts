import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { selectorLabels } from "./labels";
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

export interface CrawlerArgs extends WorkloadArgs {
    /** Words that it counts in the books. */
    readonly keywords: readonly string[];
    /** Containers in each pod, which share the pod's cache. */
    readonly containers: number;
    /** Number of pods, each with a cache of its own. */
    readonly pods: number;
}

const cacheVolume = { name: "cache-volume", mountPath: "/cache" };

/**
 * The crawler: counts keywords in books.
 *
 * The containers of a pod share one network, so each listens on a port of its own, and one volume, so that they share
 * what they found. Only the first is behind the Service.
 */
export class Crawler extends pulumi.ComponentResource {
    /** Its address inside the cluster. */
    public readonly url: pulumi.Output<string>;

    public constructor(name: string, args: CrawlerArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Crawler", name, {}, opts);

        const numbers = Array.from({ length: args.containers }, (_, index) => index + 1);
        const environment = {
            ...Object.fromEntries(numbers.map((number) => [portKey(number), String(port(number))])),
            CRAWLER_KEYWORDS: args.keywords.join(","),
            CRAWLER_DB_PATH: `${cacheVolume.mountPath}/db`,
        };
        const config = configMap(name, "crawler", args, environment, { parent: this });

        new k8s.apps.v1.Deployment(
            `${name}-deployment`,
            {
                metadata: metadata("crawler", args, "synergychat-crawler"),
                spec: {
                    replicas: args.pods,
                    selector: { matchLabels: selectorLabels("crawler") },
                    template: podTemplate("crawler", args, environment, {
                        containers: numbers.map((number) => crawlerContainer(number, args, config)),
                        volumes: [{ name: cacheVolume.name, emptyDir: {} }],
                    }),
                },
            },
            { parent: this },
        );

        const { metadata: served } = service(name, "crawler", args, { parent: this });
        this.url = pulumi.interpolate`http://${served.name}`;
        this.registerOutputs({ url: this.url });
    }
}

function crawlerContainer(
    number: number,
    args: CrawlerArgs,
    config: k8s.core.v1.ConfigMap,
): k8s.types.input.core.v1.Container {
    const portName = number === 1 ? "http" : `http-${number}`;
    return container(args, {
        name: `synergychat-crawler-${number}`,
        ports: [{ name: portName, containerPort: port(number) }],
        ...environment(number, config.metadata.name),
        volumeMounts: [cacheVolume],
        ...probes({ ready: "/healthz", live: "/healthz" }, portName),
        memory: { request: "32Mi", limit: "256Mi" },
    });
}

/** The first container takes the ConfigMap whole; the others take their own port under the name that the image expects. */
function environment(
    number: number,
    configMapName: pulumi.Input<string>,
): Pick<k8s.types.input.core.v1.Container, "env" | "envFrom"> {
    if (number === 1) {
        return { envFrom: [{ configMapRef: { name: configMapName } }] };
    }
    const from = (name: string, key: string) => ({
        name,
        valueFrom: { configMapKeyRef: { name: configMapName, key } },
    });
    return {
        env: [
            from("CRAWLER_PORT", portKey(number)),
            from("CRAWLER_KEYWORDS", "CRAWLER_KEYWORDS"),
            from("CRAWLER_DB_PATH", "CRAWLER_DB_PATH"),
        ],
    };
}

function port(number: number): number {
    return containerPort + number - 1;
}

function portKey(number: number): string {
    return number === 1 ? "CRAWLER_PORT" : `CRAWLER_PORT_${number}`;
}
