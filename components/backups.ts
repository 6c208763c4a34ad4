import type * as k8s from "@pulumi/kubernetes";
import { CronJob } from "@pulumi/kubernetes/batch/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { classAnnotation, nodeOfApi, preferNodeOfApi } from "../model/labels.ts";
import {
    backupName,
    backupsClaimName,
    sendContainer,
    configMapName,
    containerPort,
    toolPaths,
    workloadName,
} from "../model/names.ts";
import type { ClaimArgs } from "../model/storage.ts";
import type { BackupReason } from "../pods/backups.ts";
import { type Exception, exceptions } from "./exceptions.ts";
import { type ProtectionArgs, metadata } from "./place.ts";
import { declareClaim } from "./storage.ts";
import { type ToolsImage, toolsMount, toolsVolume } from "./tools.ts";
import { type WorkloadArgs, container, jobPodMetadata, podSpec } from "./workload.ts";

type Container = k8s.types.input.core.v1.Container;
type JobSpec = k8s.types.input.batch.v1.JobSpec;

export interface BackupsArgs extends ProtectionArgs {
    /** The api: each backup is proven by its image. */
    readonly api: WorkloadArgs;
    /** What the backup's pods run. */
    readonly tools: ToolsImage;
    /** Address of the api inside the cluster. */
    readonly apiUrl: pulumi.Input<string>;
    /** What the claim of the backups requests. */
    readonly claim: ClaimArgs;
    /** When backups are made: a cron line. */
    readonly schedule: string;
    /** Number of scheduled backups that are kept. */
    readonly kept: number;
    /** Whether the api mounts the backups as well: then its node may be the only one that can. */
    readonly mountedByApi: boolean;
    /** Where each proven backup is copied to. Undefined: it stays in the cluster. */
    readonly target?: BackupTarget | undefined;
    /**
     * Make none for now.
     *
     * @default false
     */
    readonly suspend?: boolean;
}

/** A place outside of the cluster. */
export interface BackupTarget {
    /** A restic repository, such as s3:https://host/bucket/prefix. */
    readonly repository: string;
    /** Name of a Secret in the namespace. Its keys are restic's environment: its password, and the bucket's credentials. */
    readonly secretName: string;
    /** Reference of an image with restic and a shell. */
    readonly image: string;
}

/**
 * Backups of the api's file, on a claim of their own, which stays when the api's claim goes. Each is proven: the api's own
 * image starts on a copy of it and has to return as many messages.
 */
export class Backups extends pulumi.ComponentResource {
    public readonly claim: k8s.core.v1.PersistentVolumeClaim;
    /** Name of that claim, known once it exists. */
    public readonly claimName: pulumi.Output<string>;

    public constructor(name: string, args: BackupsArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:Backups", name, {}, opts);

        const { namespace, instance } = args.api;
        this.claim = declareClaim(
            this,
            `${name}-claim`,
            backupsClaimName,
            { ...args, namespace, instance },
            args.claim,
            // A change of the class would delete the backups, and nobody who moves the messages means that.
            { ignoreChanges: ["spec.storageClassName", `metadata.annotations["${classAnnotation}"]`] },
        );
        this.claimName = this.claim.metadata.name;
        const job = backupJob({ ...args, backupsClaim: this.claimName, reason: "scheduled" });
        new CronJob(
            `${name}-cronjob`,
            {
                metadata: {
                    ...metadata(args.api, backupName, "api"),
                    annotations: exceptions(job.template.spec, args.target && [secretEnvironment]),
                },
                spec: {
                    schedule: args.schedule,
                    timeZone: "Etc/UTC",
                    suspend: args.suspend ?? false,
                    concurrencyPolicy: "Forbid",
                    // If times have passed while the cluster was off, one run makes up for all of them, up to a month later.
                    startingDeadlineSeconds: 31 * 24 * 3600,
                    successfulJobsHistoryLimit: 3,
                    failedJobsHistoryLimit: 3,
                    jobTemplate: {
                        metadata: jobPodMetadata(backupName, instance),
                        spec: job,
                    },
                },
            },
            { parent: this },
        );
        this.registerOutputs({ claimName: this.claimName });
    }
}

/** Arguments of a Job that makes a backup. */
export interface BackupJobArgs extends Pick<
    BackupsArgs,
    "api" | "apiUrl" | "tools" | "kept" | "mountedByApi" | "target"
> {
    /** Name of the claim of the backups. Undefined: the backup is deleted with the Job's pod, and only proves the image. */
    readonly backupsClaim: pulumi.Input<string> | undefined;
    readonly reason: BackupReason;
}

const backupsVolume = "synergychat-backups";
const proofVolume = "proof";
const proofFile = `${toolPaths.proof}/db.json`;

/**
 * A Job that makes a backup and proves it: copy what the api returns, start the api's own image on the copy, and compare what
 * that returns.
 */
function backupJob(args: BackupJobArgs) {
    const { api, backupsClaim, mountedByApi, target } = args;
    const tool = (name: "copy" | "prove") => {
        const command = ["node", `${toolPaths.code}/backup.js`, name];
        return backupContainer(args, { name, image: args.tools.image, command });
    };
    const before = [tool("copy"), provingApi(api)];
    const prove = tool("prove");
    const pod = podSpec(api, {
        initContainers: target ? [...before, prove] : before,
        containers: [target ? sendTo(target, args) : prove],
        volumes: [
            {
                name: backupsVolume,
                ...(backupsClaim === undefined
                    ? { emptyDir: {} }
                    : { persistentVolumeClaim: { claimName: backupsClaim } }),
            },
            { name: proofVolume, emptyDir: {} },
            toolsVolume(args.tools),
        ],
    });
    return {
        backoffLimit: 1,
        activeDeadlineSeconds: 600,
        // Another attempt would make another backup, although this one is proven.
        ...(target && { podFailurePolicy: { rules: [failedSend] } }),
        template: {
            metadata: jobPodMetadata(backupName, api.instance),
            spec: {
                ...pod,
                restartPolicy: "Never",
                // A ReadWriteOnce volume is mounted on one node only. If the api does not mount the backups, their volume may be on
                // another node than the api, and then the backup runs there.
                affinity: mountedByApi
                    ? { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [nodeOfApi] } }
                    : preferNodeOfApi,
            },
        },
    } satisfies JobSpec;
}

const secretEnvironment: Exception = {
    checkov: ["CKV_K8S_35"],
    reason: "Restic takes the credentials of a bucket from its environment, and ends after each copy.",
};

const failedSend: k8s.types.input.batch.v1.PodFailurePolicyRule = {
    action: "FailJob",
    onExitCodes: { containerName: sendContainer, operator: "NotIn", values: [0] },
};

/** As `backupJob`, to try an image of the api on a copy of the messages. An image that fails once would fail again. */
export function trialJob(args: Omit<BackupJobArgs, "reason" | "target">): JobSpec {
    return { ...backupJob({ ...args, reason: "before-upgrade" }), backoffLimit: 0 };
}

/** Restic, which copies the proven backup. Without the Secret, it says what it lacks, and the backup stays proven. */
function sendTo({ image, repository, secretName }: BackupTarget, args: BackupJobArgs): Container {
    const command = ["sh", `${toolPaths.code}/target.sh`, "send"];
    const envFrom = [{ secretRef: { name: secretName, optional: true } }];
    return backupContainer(
        args,
        { name: sendContainer, image, command, envFrom },
        { RESTIC_REPOSITORY: repository, NAMESPACE: args.api.namespace, TMPDIR: toolPaths.proof },
    );
}

function backupContainer(
    { api, apiUrl, reason, kept }: BackupJobArgs,
    own: Container,
    more: Record<string, pulumi.Input<string>> = {},
): Container {
    const environment = {
        BACKUPS: toolPaths.backups,
        BACKUPS_KEPT: String(kept),
        REASON: reason,
        SOURCE: pulumi.interpolate`${apiUrl}/messages`,
        API_PORT: String(containerPort),
        PROOF: proofFile,
        ...more,
    };
    return container(api, {
        ...own,
        env: Object.entries(environment).map(([name, value]) => ({ name, value })),
        volumeMounts: [
            // The one container that reaches the internet reads them only.
            {
                name: backupsVolume,
                mountPath: toolPaths.backups,
                ...(own.name === sendContainer && { readOnly: true }),
            },
            { name: proofVolume, mountPath: toolPaths.proof },
            toolsMount,
        ],
        memory: { request: "48Mi", limit: "256Mi" },
    });
}

/** The api on the copy. As a sidecar, so that the Job ends when the proof does. */
function provingApi(api: WorkloadArgs): Container {
    return container(api, {
        name: workloadName("api"),
        restartPolicy: "Always",
        envFrom: [{ configMapRef: { name: configMapName("api") } }],
        env: [{ name: "API_DB_FILEPATH", value: proofFile }],
        volumeMounts: [{ name: proofVolume, mountPath: toolPaths.proof }],
        memory: { request: "32Mi", limit: "256Mi" },
    });
}
