/**
 * Every name that the stack uses in the cluster, once. The names are the chapter's: people who follow it look for these.
 */

export type Part = "web" | "api" | "crawler";
export const parts: readonly Part[] = ["web", "api", "crawler"];

/** Name of a part's Deployment, which is also the value of its `app` label. */
export function workloadName(part: Part): string {
    return `synergychat-${part}`;
}

export function configMapName(part: Part): string {
    return `${workloadName(part)}-configmap`;
}

export function serviceName(part: Part): string {
    return `${part}-service`;
}

/** Name of the HTTPRoute that leads to a part, or from http to https. The crawler has none. */
export function httpRouteName(to: "web" | "api" | "https"): string {
    return `${to}-httproute`;
}

/** Name of a crawler container. The first has the number 1. */
export function crawlerContainerName(number: number): string {
    return `${workloadName("crawler")}-${number}`;
}

// Storage.
export const claimName = "synergychat-api-pvc";
export const apiVolumeName = "synergychat-api-volume";
/** The volume that the crawler's containers share. */
export const cacheVolumeName = "cache-volume";

// Guard and backups.
export const backupsClaimName = "synergychat-api-backups-pvc";
/** The CronJob that makes the backups. Also the `app` label of its pods, and how its Jobs' names begin. */
export const backupName = "synergychat-api-backup";
/** Of the Jobs that try a new image of the api on a backup. */
export const upgradeJobPrefix = `${backupName}-before-upgrade-`;
export const firstBackupName = `${backupName}-first`;
/** The `app` label of the pod that lists and reads backups. */
export const backupsReaderName = "synergychat-backups-reader";
/** The container of a backup that copies it to the target. */
export const sendContainer = "send";
/** The network policy that lets backups reach the target. */
export const targetPolicyName = "synergychat-backup-target";
/** The ConfigMap with the programs of folder pods/. */
export const toolsConfigMapName = "synergychat-tools-configmap";
/** The container that looks into a claim before the api mounts it. Also the `app` label of its pod. */
export const claimCheckName = "synergychat-claim-check";
export const guardName = "synergychat-guard";
/** The api's service account, by which the guard makes Events. */
export const serviceAccountName = workloadName("api");
/** The Role and the RoleBinding that let the guard make Events. */
export const eventsRoleName = `${workloadName("api")}-events`;

/** Pulumi's name of the provider of all the stack's objects. */
export const providerName = "cluster";

/** The network policy for all pods. Those for one part have its Deployment's name. */
export const denyPolicyName = "synergychat";

// Exposure.
export const ingressName = "app-ingress";
export const gatewayName = "app-gateway";

/** The port that each part's first container listens on. Its Service offers it as port 80. */
export const containerPort = 8080;

/** Name of that port in the container and in the Service. */
export const portName = "http";

/** The port of a guarded api's sidecar, which has that name then. */
export const guardPort = 8081;
/** Where the sidecar answers the kubelet. */
export const guardHealthPort = 8082;

/** Where the api's volume is mounted, and its file on it, in each storage mode. */
export const databasePaths = {
    persistent: { mountPath: "/persist", databasePath: "/persist/db.json" },
    ephemeral: {
        mountPath: "/var/lib/synergychat/api",
        databasePath: "/var/lib/synergychat/api/db.json",
    },
} as const;

/** User and group of every container: the images set none and start as root otherwise. */
export const nonRoot = 65532;

/** Where the programs of folder pods/ find themselves, what they exchange, the backups, and the copy that is proven. */
export const toolPaths = {
    code: "/opt/synergychat",
    run: "/run/synergychat",
    backups: "/backups",
    proof: "/proof",
    token: "/var/run/secrets/kubernetes.io/serviceaccount",
} as const;

/** Where the crawler's containers share what they found. */
export const cachePaths = { mountPath: "/cache", databasePath: "/cache/db" } as const;
