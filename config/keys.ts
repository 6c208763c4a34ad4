/**
 * Every config key of the stack: its default, its rule and its description, in one entry. `Settings` follows from the
 * entries, and so do the `config:` block of Pulumi.yaml and docs/configuration.md (`npm run docs` writes both).
 */
import type { Part } from "../model/names.ts";
import {
    type Rule,
    annotations,
    commandLine,
    dnsLabel,
    dnsSubdomain,
    flag,
    hostName,
    imageReferences,
    listOf,
    matching,
    mebibytes,
    oneOf,
    optional,
    orWord,
    origin,
    uid,
    wholeNumber,
} from "./rules.ts";

export interface Key<T> extends Rule<T> {
    /** Default, as it stands in Pulumi.yaml. */
    readonly default: string | readonly string[] | Readonly<Record<string, string>>;
    /** What the key means, in one sentence without a full stop. */
    readonly description: string;
}

/** Image references of the app's parts, and of the programs that guard and back up the api's file. */
export type Images = Readonly<Record<Part | "tools" | "restic", string>>;

const defaultImages: Images = {
    web: "bootdotdev/synergychat-web:latest",
    api: "bootdotdev/synergychat-api:latest",
    crawler: "bootdotdev/synergychat-crawler:latest",
    tools: "node:24-alpine",
    restic: "restic/restic:0.19.1",
};

const aHostName = {
    allowed: "a host name of letters, digits, dashes and dots, such as synchat.internal",
    parse: hostName,
};

/** The keys, in the order in which people meet them. */
export const keys = {
    storageMode: {
        ...oneOf("persistent", "ephemeral"),
        default: "persistent",
        description:
            "Where the api keeps its messages: on a claim, or on a volume that is deleted with its pod",
    },
    storageSize: {
        ...matching(
            (text) => /^\d+(\.\d+)?[MGTP]i?$/.test(text) && parseFloat(text) > 0,
            "a Kubernetes quantity in Mi, Gi or Ti (or M, G, T), such as 1Gi or 500Mi",
        ),
        default: "1Gi",
        description:
            "Size of the api's claim (persistent only). It can grow if the storage class allows it, and never shrinks",
    },
    storageClass: {
        ...optional(matching(dnsSubdomain, "the name of a storage class")),
        default: "",
        description:
            "Storage class of the api's claim, or empty for the cluster's default (persistent only). A new class is a new, empty claim",
    },
    accessMode: {
        ...oneOf("ReadWriteOnce", "ReadWriteOncePod"),
        default: "ReadWriteOnce",
        description:
            "Access mode of the api's claim (persistent only). With ReadWriteOncePod, no new pod starts before the old one is gone for certain. A new mode is a new, empty claim",
    },
    existingClaim: {
        ...optional(matching(dnsSubdomain, "the name of a claim in the stack's namespace")),
        default: "",
        description:
            "Name of a claim that somebody else made, to use instead of the stack's own (persistent only). The stack never deletes it",
    },
    retainData: {
        ...flag(),
        default: "false",
        description: "Keep claim, volume and namespace on destroy, and the claim on a switch to ephemeral",
    },
    protectData: {
        ...flag(),
        default: "false",
        description: "Protect claim and namespace in the state, so that Pulumi refuses to delete them",
    },
    discardClaim: {
        ...optional(matching(uid, "the UID of a claim (kubectl get pvc --output yaml)")),
        default: "",
        description: "UID of the one claim whose messages may be deleted",
    },
    guard: {
        ...flag(),
        default: "false",
        description:
            "Run a sidecar with the api: a message is acknowledged once its mirror has it, a torn file is repaired, a crashed api restarts at once",
    },
    apiCommand: {
        ...commandLine(),
        default: "/bin/api",
        description: "Command of the api's image, which has to have a shell (guard only)",
    },
    apiMemory: {
        ...mebibytes(64, 65_536),
        default: "256Mi",
        description:
            "Memory that the api, and each container of a backup, may use. The guard may use twice as much. The api needs twelve times the size of all messages",
    },
    backupSchedule: {
        // The API server judges it, by a dry run of the preflight.
        ...matching(() => true, "a cron line as a CronJob takes it, such as 0 3 * * * for 3:00, or empty"),
        default: "",
        description:
            'When backups are made, in UTC, such as "0 3 * * *", or empty for none. They have a claim of their own, in both storage modes',
    },
    backupsKept: {
        ...wholeNumber(1, 1000),
        default: "7",
        description:
            "Number of scheduled backups that are kept. The newest proven one and the one with most messages are never deleted",
    },
    backupSuspend: {
        ...flag(),
        default: "false",
        description: "Make no scheduled backups for now",
    },
    backupTarget: {
        ...optional(
            matching(
                (text) => /^s3:https?:\/\/[a-z0-9.-]+(:\d{1,5})?\/[^/\s]+(\/\S*)?$/.test(text),
                "a restic repository in an S3 bucket without credentials, such as s3:https://s3.example.org/bucket/chat",
            ),
        ),
        default: "",
        description:
            "Bucket outside of the cluster that restic copies every proven backup to, encrypted. One prefix for each stack",
    },
    backupTargetSecret: {
        ...matching(dnsSubdomain, "the name of a secret in the stack's namespace"),
        default: "synergychat-backup-target",
        description:
            "Secret with RESTIC_PASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (backupTarget only)",
    },
    namespace: {
        ...matching(
            (text) => dnsLabel(text) && text !== "default" && !text.startsWith("kube-"),
            "a namespace of the stack's own: at most 63 lower-case letters, digits and dashes, not default, and without the prefix kube-",
        ),
        default: "synergychat",
        description:
            "Kubernetes namespace that the stack makes and fills. A new name is a new namespace and a new, empty claim",
    },
    webReplicas: {
        ...orWord("unmanaged", wholeNumber(1, 50)),
        default: "3",
        description: "Number of web pods. Set unmanaged if a HorizontalPodAutoscaler sets it",
    },
    crawlerContainers: {
        ...wholeNumber(1, 20),
        default: "3",
        description: "Crawler containers in each crawler pod, on the ports 8080, 8081, ...",
    },
    crawlerPods: {
        ...wholeNumber(1, 50),
        default: "1",
        description: "Number of crawler pods, each with a cache of its own",
    },
    crawlerKeywords: {
        ...listOf(
            (text) => /^[^\s,](?:[^,\n]{0,62}[^\s,])?$/.test(text),
            1,
            100,
            "a list of 1 to 100 different words without commas",
        ),
        default: ["love", "hate", "joy", "sadness", "anger", "disgust", "fear", "surprise"],
        description: "Words that the crawler counts: a list, or one text with commas",
    },
    webHost: { ...aHostName, default: "synchat.internal", description: "Host name of the page" },
    apiHost: {
        ...aHostName,
        default: "synchatapi.internal",
        description: "Host name of the api, which the page's browser calls",
    },
    apiUrl: {
        ...optional({
            allowed: "an http or https URL without a path, such as http://localhost:8080",
            parse: origin,
        }),
        default: "",
        description:
            "Address of the api as the page's browser reaches it, for port-forwarding and other ports. Empty: <apiHost> by http, or with tlsSecret by https",
    },
    exposure: {
        ...oneOf("ingress", "gateway", "none"),
        default: "ingress",
        description: "How the two hosts are reached: by an Ingress, by the Gateway API, or not at all",
    },
    ingressClass: {
        ...optional(matching(dnsSubdomain, "the name of an ingress class")),
        default: "",
        description: "Ingress class, or empty for the cluster's default (exposure ingress only)",
    },
    ingressAnnotations: {
        ...annotations,
        default: {},
        description:
            "Annotations of the Ingress or the Gateway, which some controllers and cert-manager need",
    },
    gatewayClass: {
        ...optional(matching(dnsSubdomain, "the name of a gateway class")),
        default: "",
        description: "Gateway class (exposure gateway only, which requires it)",
    },
    tlsSecret: {
        ...optional(matching(dnsSubdomain, "the name of a secret in the stack's namespace")),
        default: "",
        description:
            "Name of the secret of type kubernetes.io/tls with the certificate of both hosts, or empty. With it they are served by https",
    },
    networkPolicies: {
        ...flag(),
        default: "true",
        description:
            "Deny the app's pods every connection that they do not need. A cluster whose network knows no policies ignores them",
    },
    images: {
        ...imageReferences(defaultImages),
        default: {},
        description:
            "Image references of web, api and crawler, of tools (guard and backups) and of restic (backupTarget). What is left out keeps its default",
    },
    imagePullPolicy: {
        ...oneOf("IfNotPresent", "Always", "Never"),
        default: "IfNotPresent",
        description: "When a node pulls an image",
    },
    imagePullSecrets: {
        ...listOf(dnsSubdomain, 0, Infinity, "a list of names of secrets in the stack's namespace"),
        default: [],
        description: "Secrets that the nodes pull the images with",
    },
    tolerationSeconds: {
        ...orWord("", wholeNumber(0, 9999)),
        default: "",
        description:
            "Seconds that the app's pods stay on a node that is NotReady, or empty for the cluster's default, which is 300",
    },
    hostUsers: {
        ...flag(),
        default: "true",
        description:
            "Whether the pods share the node's user IDs. With false, nobody who leaves a container is a user of the node, if the cluster has user namespaces",
    },
} satisfies Record<string, Key<unknown>>;

export type KeyName = keyof typeof keys;

/** The values of all keys, each as its rule parsed it. */
export type Values = { [K in KeyName]: Exclude<ReturnType<(typeof keys)[K]["parse"]>, undefined> };

/** The default of a key as the text that Pulumi hands to the program. */
export function defaultText(key: KeyName): string {
    const value: Key<unknown>["default"] = keys[key].default;
    return typeof value === "string" ? value : JSON.stringify(value);
}
