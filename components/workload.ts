/**
 * What the app's three workloads have in common: a ConfigMap with the environment, a Deployment with hardened pods, and a
 * Service. `Workload` makes the three; the other functions return plain resource args.
 */
import { createHash } from "node:crypto";
import type * as k8s from "@pulumi/kubernetes";
import { Deployment } from "@pulumi/kubernetes/apps/v1/index.js";
import { ConfigMap, Service } from "@pulumi/kubernetes/core/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { partLabels, selectorLabels } from "../model/labels.ts";
import { type Part, configMapName, nonRoot, portName, serviceName, workloadName } from "../model/names.ts";
import { type Exception, exceptions } from "./exceptions.ts";
import { type PlaceArgs, metadata } from "./place.ts";

type Container = k8s.types.input.core.v1.Container;
type DeploymentSpec = k8s.types.input.apps.v1.DeploymentSpec;
type PodSpec = k8s.types.input.core.v1.PodSpec;
type Probe = k8s.types.input.core.v1.Probe;

/** Arguments of every part of the app. */
export interface WorkloadArgs extends PlaceArgs {
    /** Image reference. */
    readonly image: pulumi.Input<string>;
    /**
     * When a node pulls the image.
     *
     * @default "IfNotPresent"
     */
    readonly imagePullPolicy?: pulumi.Input<"IfNotPresent" | "Always" | "Never">;
    /**
     * Names of the secrets that the nodes pull the image with.
     *
     * @default []
     */
    readonly imagePullSecrets?: readonly string[];
    /**
     * Whether the pods share the node's user IDs.
     *
     * @default true
     */
    readonly hostUsers?: boolean;
    /**
     * Seconds that the pods stay on a node that does not answer.
     *
     * @default - The cluster's, which is 300.
     */
    readonly tolerationSeconds?: number;
    /**
     * Memory that each container may use, in MiB.
     *
     * @default - The part's own.
     */
    readonly memory?: number;
}

/** What distinguishes a part's Deployment from the other parts'. */
export interface WorkloadSpec {
    /** Without `replicas`, something else manages the number of pods. */
    readonly rollout: Pick<DeploymentSpec, "replicas" | "strategy">;
    /** The data of the ConfigMap, which the containers read as their environment. */
    readonly environment: Environment;
    readonly containers: (configMap: pulumi.Input<string>) => Container[];
    readonly initContainers?: Container[];
    readonly volumes?: k8s.types.input.core.v1.Volume[];
    /** Undefined: the namespace's default account, of which no pod has a token. */
    readonly serviceAccountName?: pulumi.Input<string>;
    readonly podAnnotations?: Record<string, string>;
    readonly topologySpreadConstraints?: k8s.types.input.core.v1.TopologySpreadConstraint[];
    /** Whether the Service also leads to a pod that is not ready. */
    readonly publishNotReadyAddresses?: boolean;
    /** What scanners find in the Deployment and what is meant. */
    readonly exceptions?: readonly Exception[];
}

/** A ConfigMap's data: the environment of a part's containers. */
export type Environment = Record<string, pulumi.Input<string>>;

/**
 * How long a rollout may take before `pulumi up` fails with what the pods say. The provider's own limit is ten minutes. The
 * first rollout may have to pull images over a slow connection.
 */
const rolloutLimits = { create: "5m", update: "2m" };

/** A part of the app: its resources are called `<name>-configmap`, `<name>-deployment` and `<name>-service`. */
export class Workload extends pulumi.ComponentResource {
    public readonly deployment: k8s.apps.v1.Deployment;

    /**
     * @param type of the component.
     * @param order options of the Deployment.
     */
    protected constructor(
        type: string,
        name: string,
        part: Part,
        args: WorkloadArgs,
        {
            rollout,
            environment,
            containers,
            podAnnotations,
            publishNotReadyAddresses,
            exceptions: own,
            ...parts
        }: WorkloadSpec,
        opts?: pulumi.ComponentResourceOptions,
        order?: pulumi.CustomResourceOptions,
    ) {
        super(`synergychat:index:${type}`, name, {}, opts);

        const configMap = new ConfigMap(
            `${name}-configmap`,
            { metadata: metadata(args, configMapName(part), part), data: environment },
            { parent: this },
        );
        const pod = podSpec(args, { ...parts, containers: containers(configMap.metadata.name) });
        const tolerations = args.tolerationSeconds !== undefined && deadNodes(args.tolerationSeconds);
        this.deployment = new Deployment(
            `${name}-deployment`,
            {
                metadata: {
                    ...metadata(args, workloadName(part), part),
                    annotations: exceptions(pod, own),
                },
                spec: {
                    ...rollout,
                    selector: { matchLabels: selectorLabels(part) },
                    template: {
                        metadata: {
                            labels: partLabels(part, args.instance),
                            // With a checksum of the environment, so that a change of it rolls the pods.
                            annotations: {
                                "checksum/config": pulumi.output(environment).apply(checksum),
                                ...podAnnotations,
                            },
                        },
                        spec: { ...pod, ...(tolerations && { tolerations }) },
                    },
                },
            },
            { parent: this, customTimeouts: rolloutLimits, ...order },
        );
        new Service(
            `${name}-service`,
            {
                // Pulumi awaits the Deployment's rollout. Waiting for the endpoints as well takes ten seconds and adds nothing.
                metadata: metadata(args, serviceName(part), part, { "pulumi.com/skipAwait": "true" }),
                spec: {
                    selector: selectorLabels(part),
                    ports: [{ name: portName, port: 80, targetPort: portName }],
                    ...(publishNotReadyAddresses && { publishNotReadyAddresses }),
                },
            },
            { parent: this },
        );
        this.registerOutputs({});
    }
}

/** Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions */
function deadNodes(tolerationSeconds: number): k8s.types.input.core.v1.Toleration[] {
    return ["not-ready", "unreachable"].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds,
    }));
}

/** A pod that meets the `restricted` pod security standard and has no service account token. */
export function podSpec({ imagePullSecrets = [], hostUsers = true }: WorkloadArgs, own: PodSpec): PodSpec {
    const { serviceAccountName: serviceAccount } = own;
    return {
        automountServiceAccountToken: false,
        ...(!hostUsers && { hostUsers }),
        enableServiceLinks: false,
        securityContext: {
            runAsNonRoot: true,
            runAsUser: nonRoot,
            runAsGroup: nonRoot,
            fsGroup: nonRoot,
            fsGroupChangePolicy: "OnRootMismatch",
            seccompProfile: { type: "RuntimeDefault" },
        },
        // Under its deprecated name as well, which the API server fills in otherwise. Left there when the guard is switched
        // off, it would keep naming an account that is gone, and the api would get no pod.
        ...(serviceAccount !== undefined && { serviceAccount }),
        ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
        ...own,
    };
}

/** The metadata of a Job's pod. A service mesh must leave it alone: the Job would end only when the mesh's proxy does. */
export function jobPodMetadata(app: string, instance: string): k8s.types.input.meta.v1.ObjectMeta {
    return {
        // Another `app` label than the api's: its Service must not lead to this pod.
        labels: { ...partLabels("api", instance), app, "sidecar.istio.io/inject": "false" },
        annotations: { "linkerd.io/inject": "disabled" },
    };
}

/** A container without privileges, with a read-only root file system and limited resources. */
export function container(
    args: WorkloadArgs,
    {
        cpu = "500m",
        memory,
        ...own
    }: Container & { cpu?: string; memory: { request: string; limit: string } },
): Container {
    return {
        image: args.image,
        imagePullPolicy: args.imagePullPolicy ?? "IfNotPresent",
        securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
        },
        // `ephemeral-storage` is the node's disk, for logs and `emptyDir` volumes. A pod that uses more is evicted.
        resources: {
            requests: { cpu: "10m", memory: memory.request, "ephemeral-storage": "16Mi" },
            limits: {
                cpu,
                memory: args.memory === undefined ? memory.limit : `${args.memory}Mi`,
                "ephemeral-storage": "1Gi",
            },
        },
        ...own,
    };
}

/**
 * Probes of one container. The startup probe asks every second, so that a rollout ends as soon as the pod can serve. The
 * other two begin after it and ask less often.
 *
 * @param ready path that may fail and recover.
 * @param live path that restarts the container when it fails. Undefined: only a closed port does.
 * @param port name of the container's port.
 */
export function probes(
    { ready, live }: { ready: string; live?: string },
    port: string,
): { startupProbe: Probe; readinessProbe: Probe; livenessProbe: Probe } {
    const get = (path: string) => ({ httpGet: { path, port }, timeoutSeconds: 3 });
    const alive = live === undefined ? { tcpSocket: { port }, timeoutSeconds: 3 } : get(live);
    return {
        startupProbe: { ...get(live ?? ready), periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { ...get(ready), periodSeconds: 5, failureThreshold: 2 },
        livenessProbe: { ...alive, periodSeconds: 10, failureThreshold: 3 },
    };
}

function checksum(data: Record<string, string>): string {
    const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
    return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
