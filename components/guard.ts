import type * as k8s from "@pulumi/kubernetes";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/index.js";
import { Role, RoleBinding } from "@pulumi/kubernetes/rbac/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import {
    apiVolumeName,
    containerPort,
    eventsRoleName,
    guardHealthPort,
    guardName,
    guardPort,
    portName,
    serviceAccountName,
    toolPaths,
    workloadName,
} from "../model/names.ts";
import { type PlaceArgs, metadata } from "./place.ts";
import type { DatabaseVolume } from "./storage.ts";
import { type ToolsImage, toolsChecksum, toolsMount, toolsVolume } from "./tools.ts";
import { type WorkloadArgs, type WorkloadSpec, container } from "./workload.ts";

type Container = k8s.types.input.core.v1.Container;
type Volume = k8s.types.input.core.v1.Volume;

/** What makes the api's pod a guarded one. */
export interface GuardedPod {
    /** The api's own command and its arguments, which the supervisor starts. */
    readonly command: readonly string[];
    /** What the sidecar runs. */
    readonly tools: ToolsImage;
    /** Name of the service account by which the sidecar makes Events. */
    readonly serviceAccountName: pulumi.Input<string>;
    /**
     * The backups, of which the newest can repair a torn file.
     *
     * @default - No backups.
     */
    readonly backups?: {
        /** Name of their claim. */
        readonly claim: pulumi.Input<string>;
        /** Age of the newest backup, in seconds, above which an Event reports it as overdue. Undefined: no Event. */
        readonly maxAge: number | undefined;
    };
}

/** A service account that may create Events in the namespace, and nothing else. */
export class Guard extends pulumi.ComponentResource {
    /** Name of the service account, known once it may create Events. */
    public readonly serviceAccountName: pulumi.Output<string>;

    public constructor(name: string, args: PlaceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Guard", name, {}, opts);

        const account = new ServiceAccount(
            `${name}-service-account`,
            { metadata: metadata(args, serviceAccountName, "api"), automountServiceAccountToken: false },
            { parent: this },
        );
        const role = new Role(
            `${name}-role`,
            {
                metadata: metadata(args, eventsRoleName, "api"),
                rules: [{ apiGroups: [""], resources: ["events"], verbs: ["create"] }],
            },
            { parent: this },
        );
        new RoleBinding(
            `${name}-role-binding`,
            {
                metadata: metadata(args, eventsRoleName, "api"),
                roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: role.metadata.name },
                subjects: [
                    { kind: "ServiceAccount", name: account.metadata.name, namespace: args.namespace },
                ],
            },
            { parent: this },
        );
        this.serviceAccountName = account.metadata.name;
        this.registerOutputs({ serviceAccountName: this.serviceAccountName });
    }
}

const guardProgram = "guard.js";
const supervisor = "supervisor.sh";
const runVolume = "synergychat-run";
const tokenVolume = "synergychat-guard-token";
const backupsVolume = "synergychat-backups";
const runMount = { name: runVolume, mountPath: toolPaths.run };

/**
 * The spec of the api with the guard: a sidecar, which the Service leads to, and the api as a child of a supervisor, which
 * restarts it without the back-off of the kubelet.
 *
 * The sidecar is a container like the api, and no init container that is restarted: the kubelet would start the api up to a
 * second later, and the Service would find the named port from Kubernetes 1.33 on only. Neither needs the other to start, and
 * on SIGTERM the guard waits until the api has ended.
 */
export function guarded(
    spec: WorkloadSpec,
    args: WorkloadArgs,
    guard: GuardedPod,
    database: DatabaseVolume,
): WorkloadSpec {
    // The guard has all messages in memory twice as often as the api, and warns before either is killed.
    const memory = args.memory === undefined ? {} : { memory: 2 * args.memory };
    return {
        ...spec,
        serviceAccountName: guard.serviceAccountName,
        podAnnotations: {
            "checksum/tools": toolsChecksum([guardProgram, supervisor]),
            "kubectl.kubernetes.io/default-container": workloadName("api"),
        },
        // The guard answers for an api that is not ready. A new pod gets requests as soon as the guard listens, without a probe.
        publishNotReadyAddresses: true,
        containers: (configMap) => [
            // The kubelet starts them in this order. The guard takes longer to listen than the api.
            sidecar({ ...args, ...memory, image: guard.tools.image }, guard, database),
            ...spec.containers(configMap).map((api) => ({
                ...api,
                // The image's own shell: the supervisor is PID 1 of the api's container, and the api its child.
                command: ["sh", `${toolPaths.code}/${supervisor}`],
                args: [...guard.command],
                volumeMounts: [...((api.volumeMounts ?? []) as []), toolsMount, runMount],
            })),
        ],
        volumes: [
            ...(spec.volumes ?? []),
            toolsVolume(guard.tools),
            { name: runVolume, emptyDir: { sizeLimit: "16Mi" } },
            token,
            ...(guard.backups
                ? [{ name: backupsVolume, persistentVolumeClaim: { claimName: guard.backups.claim } }]
                : []),
        ],
    };
}

const wayIn = { tcpSocket: { port: portName }, timeoutSeconds: 3 };

function sidecar(args: WorkloadArgs, guard: GuardedPod, database: DatabaseVolume): Container {
    const fromPod = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    return container(args, {
        name: guardName,
        // The Service's port leads to whichever container has a port of this name.
        ports: [{ name: portName, containerPort: guardPort }],
        command: ["node", `${toolPaths.code}/${guardProgram}`],
        env: [
            { name: "API_DB_FILEPATH", value: database.databasePath },
            { name: "API_PORT", value: String(containerPort) },
            { name: "GUARD_PORT", value: String(guardPort) },
            { name: "HEALTH_PORT", value: String(guardHealthPort) },
            ...(guard.backups ? [{ name: "BACKUPS", value: toolPaths.backups }] : []),
            ...(guard.backups?.maxAge === undefined
                ? []
                : [{ name: "BACKUP_MAX_AGE", value: String(guard.backups.maxAge) }]),
            fromPod("POD_NAME", "metadata.name"),
            fromPod("POD_UID", "metadata.uid"),
            fromPod("POD_NAMESPACE", "metadata.namespace"),
        ],
        volumeMounts: [
            { name: apiVolumeName, mountPath: database.mountPath },
            toolsMount,
            runMount,
            { name: tokenVolume, mountPath: toolPaths.token, readOnly: true },
            ...(guard.backups ? [{ name: backupsVolume, mountPath: toolPaths.backups, readOnly: true }] : []),
        ],
        // The pod is not ready before the way in is open.
        startupProbe: { ...wayIn, periodSeconds: 1, failureThreshold: 60 },
        readinessProbe: { ...wayIn, periodSeconds: 5, failureThreshold: 2 },
        // On a port of its own: it must not wait for a turn, nor fail while the way in has all the connections that it takes.
        livenessProbe: {
            httpGet: { path: "/", port: guardHealthPort },
            ...{ timeoutSeconds: 10, periodSeconds: 10, failureThreshold: 3 },
        },
        // Requests wait while Node.js starts, which takes longer with half of a processor.
        cpu: "1",
        memory: { request: "48Mi", limit: "512Mi" },
    });
}

/** The service account's token and the certificate of the cluster, as the kubelet would mount them, but into one container alone. */
const token: Volume = {
    name: tokenVolume,
    projected: {
        sources: [{ serviceAccountToken: { path: "token" } }, { configMap: { name: "kube-root-ca.crt" } }],
    },
};
