import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/index.js";
import type * as pulumi from "@pulumi/pulumi";
import { selectorLabels } from "../model/labels.ts";
import { containerPort, portName, workloadName } from "../model/names.ts";
import { metadata } from "./place.ts";
import { Workload, type WorkloadArgs, type WorkloadSpec, container, probes } from "./workload.ts";

export interface WebArgs extends WorkloadArgs {
    /**
     * Number of pods.
     *
     * @default - The stack does not manage it: a new Deployment has one pod, and an autoscaler may change that.
     */
    readonly replicas?: pulumi.Input<number>;
    /** Address of the api as the page's browser reaches it, from outside the cluster. */
    readonly apiUrl: pulumi.Input<string>;
}

/**
 * The web: the page where people chat. It keeps nothing, so any number of pods can serve it. While nodes are drained, at most
 * one of its pods is stopped at a time.
 */
export class Web extends Workload {
    public constructor(name: string, args: WebArgs, opts?: pulumi.ComponentResourceOptions) {
        const selected = { matchLabels: selectorLabels("web") };
        const spec: WorkloadSpec = {
            rollout: args.replicas === undefined ? {} : { replicas: args.replicas },
            environment: { WEB_PORT: String(containerPort), API_URL: args.apiUrl },
            containers: (configMap) => [
                container(args, {
                    name: workloadName("web"),
                    ports: [{ name: portName, containerPort }],
                    envFrom: [{ configMapRef: { name: configMap } }],
                    ...probes({ ready: "/" }, portName),
                    // Whoever sends it requests hears only meanwhile that it ends. The action `sleep` needs Kubernetes 1.30.
                    lifecycle: { preStop: { exec: { command: ["sleep", "5"] } } },
                    memory: { request: "16Mi", limit: "128Mi" },
                }),
            ],
            exceptions: [
                ...(args.replicas === undefined
                    ? [
                          {
                              kubeScore: "deployment-replicas",
                              reason: "A HorizontalPodAutoscaler sets the number of pods.",
                          },
                      ]
                    : []),
                {
                    kubeScore: "deployment-has-host-podantiaffinity",
                    reason: "The topologySpreadConstraints spread the pods over the nodes.",
                },
            ],
            topologySpreadConstraints: [
                {
                    maxSkew: 1,
                    topologyKey: "kubernetes.io/hostname",
                    whenUnsatisfiable: "ScheduleAnyway",
                    labelSelector: selected,
                    // Or the pods that a rollout replaces would count.
                    matchLabelKeys: ["pod-template-hash"],
                },
            ],
        };
        super("Web", name, "web", args, spec, opts);

        new PodDisruptionBudget(
            `${name}-poddisruptionbudget`,
            {
                metadata: metadata(args, workloadName("web"), "web"),
                spec: { maxUnavailable: 1, selector: selected },
            },
            { parent: this },
        );
    }
}
