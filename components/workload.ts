/**
 * What the app's three workloads have in common: their args, hardened pods and containers, probes, ConfigMap and Service.
 * Plain functions that return resource args, or make one resource, so that each component reads as its own manifest.
 */
import { createHash } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type Part, partLabels, selectorLabels } from "./labels";

type Container = k8s.types.input.core.v1.Container;
type Probe = k8s.types.input.core.v1.Probe;

/** What every part of the app is told. */
export interface WorkloadArgs {
    readonly namespace: pulumi.Input<string>;
    /** The stack that it belongs to, for the label app.kubernetes.io/instance. */
    readonly instance: string;
    /** Image reference. */
    readonly image: string;
    /** When a node pulls the image. */
    readonly imagePullPolicy: "IfNotPresent" | "Always" | "Never";
}

/** A ConfigMap's data: the environment of a part's containers. */
export type Environment = Record<string, pulumi.Input<string>>;

/** The port that each service's containers listen on; their Services offer it as 80. */
export const containerPort = 8080;

/** User and group of every container: the images name none of their own, and start as root where nobody says otherwise. */
const nonRoot = 65532;

/** The ConfigMap of one part: its containers' environment. It keeps its name, so its data is changed in place. */
export function configMap(
    name: string,
    part: Part,
    args: WorkloadArgs,
    data: Environment,
    opts: pulumi.CustomResourceOptions,
): k8s.core.v1.ConfigMap {
    return new k8s.core.v1.ConfigMap(
        `${name}-configmap`,
        { metadata: metadata(part, args, `synergychat-${part}-configmap`), data },
        opts,
    );
}

/** The Service of one part: port 80 to the named port `http`, that of the first container. */
export function service(
    name: string,
    part: Part,
    args: WorkloadArgs,
    opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
    return new k8s.core.v1.Service(
        `${name}-service`,
        {
            metadata: {
                ...metadata(part, args, `${part}-service`),
                // The Deployment's rollout is awaited; waiting for its endpoints to settle again adds seconds and no knowledge.
                annotations: { "pulumi.com/skipAwait": "true" },
            },
            spec: { selector: selectorLabels(part), ports: [{ name: "http", port: 80, targetPort: "http" }] },
        },
        opts,
    );
}

/** Metadata of one part's object. */
export function metadata(part: Part, args: WorkloadArgs, name: string): k8s.types.input.meta.v1.ObjectMeta {
    return { name, namespace: args.namespace, labels: partLabels(part, args.instance) };
}

/**
 * A Deployment's pods: what the `restricted` pod security standard asks for, no service account token, and a checksum
 * of the config they read, so that a change of it rolls them.
 *
 * @param environment the data of the ConfigMap that the pods read.
 */
export function podTemplate(
    part: Part,
    args: WorkloadArgs,
    environment: Environment,
    spec: Pick<k8s.types.input.core.v1.PodSpec, "containers" | "volumes">,
): k8s.types.input.core.v1.PodTemplateSpec {
    return {
        metadata: {
            labels: partLabels(part, args.instance),
            annotations: { "checksum/config": pulumi.output(environment).apply(checksum) },
        },
        spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            securityContext: {
                runAsNonRoot: true,
                runAsUser: nonRoot,
                runAsGroup: nonRoot,
                fsGroup: nonRoot,
                fsGroupChangePolicy: "OnRootMismatch",
                seccompProfile: { type: "RuntimeDefault" },
            },
            ...spec,
        },
    };
}

/** A container that can do nothing but its work: no privileges, a read-only root file system, a share of the node. */
export function container(
    args: WorkloadArgs,
    own: Container & { name: string; memory: { request: string; limit: string } },
): Container {
    const { memory, ...rest } = own;
    return {
        image: args.image,
        imagePullPolicy: args.imagePullPolicy,
        securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
        },
        resources: {
            requests: { cpu: "10m", memory: memory.request },
            limits: { cpu: "500m", memory: memory.limit },
        },
        ...rest,
    };
}

/**
 * Probes of one container. The startup probe asks every second, so that a rollout ends as soon as the pod can serve;
 * the other two, which begin after it, ask seldom.
 *
 * @param paths what is asked: `ready` may fail and recover, `live` restarts the container when it fails.
 * @param port name or number of the container's port.
 */
export function probes(
    paths: { ready: string; live: string },
    port: string | number,
): { startupProbe: Probe; readinessProbe: Probe; livenessProbe: Probe } {
    const get = (path: string) => ({ httpGet: { path, port }, timeoutSeconds: 3 });
    return {
        startupProbe: { ...get(paths.live), periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { ...get(paths.ready), periodSeconds: 5, failureThreshold: 2 },
        livenessProbe: { ...get(paths.live), periodSeconds: 10, failureThreshold: 3 },
    };
}

function checksum(data: Record<string, string>): string {
    const sorted = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1));
    return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
