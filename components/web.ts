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

export interface WebArgs extends WorkloadArgs {
    /** Number of pods. */
    readonly replicas: number;
    /** Address of the api as the page's browser sees it, from outside the cluster. */
    readonly apiUrl: pulumi.Input<string>;
}

/** The web: the page where people chat. It keeps nothing, so any number of pods serve it. */
export class Web extends pulumi.ComponentResource {
    /** Name of its Service. */
    public readonly serviceName: pulumi.Output<string>;

    public constructor(name: string, args: WebArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Web", name, {}, opts);

        const environment = { WEB_PORT: String(containerPort), API_URL: args.apiUrl };
        const config = configMap(name, "web", args, environment, { parent: this });

        new k8s.apps.v1.Deployment(
            `${name}-deployment`,
            {
                metadata: metadata("web", args, "synergychat-web"),
                spec: {
                    replicas: args.replicas,
                    selector: { matchLabels: selectorLabels("web") },
                    template: podTemplate("web", args, environment, {
                        containers: [
                            container(args, {
                                name: "synergychat-web",
                                ports: [{ name: "http", containerPort }],
                                envFrom: [{ configMapRef: { name: config.metadata.name } }],
                                ...probes({ ready: "/", live: "/" }, "http"),
                                memory: { request: "16Mi", limit: "128Mi" },
                            }),
                        ],
                    }),
                },
            },
            { parent: this },
        );

        this.serviceName = service(name, "web", args, { parent: this }).metadata.name;
        this.registerOutputs({ serviceName: this.serviceName });
    }
}
