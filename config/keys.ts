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

function key<T>(rule: Rule<T>, byDefault: Key<T>["default"], description: string): Key<T> {
    return { ...rule, default: byDefault, description };
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

const aHostName: Rule<string> = {
    allowed: "a host name of letters, digits, dashes and dots, such as synchat.internal",
    parse: hostName,
};

/** The keys, in the order in which people meet them. */
export const keys = {
    storageMode: key(
        oneOf("persistent", "ephemeral"),
        "persistent",
        "Where the api keeps its messages: on a claim, or on a volume that is deleted with its pod",
    ),
    storageSize: key(
        matching(
            (text) => /^\d+(\.\d+)?[MGTP]i?$/.test(text) && parseFloat(text) > 0,
            "a Kubernetes quantity in Mi, Gi or Ti (or M, G, T), such as 1Gi or 500Mi",
        ),
        "1Gi",
        "Size of the api's claim (persistent only). It can grow if the storage class allows it, and never shrinks",
    ),
    storageClass: key(
        optional(matching(dnsSubdomain, "the name of a storage class")),
        "",
        "Storage class of the api's claim, or empty for the cluster's default (persistent only). A new class is a new, empty claim",
    ),
    accessMode: key(
        oneOf("ReadWriteOnce", "ReadWriteOncePod"),
        "ReadWriteOnce",
        "Access mode of the api's claim (persistent only). With ReadWriteOncePod, no new pod starts before the old one is gone for certain. A new mode is a new, empty claim",
    ),
    existingClaim: key(
        optional(matching(dnsSubdomain, "the name of a claim in the stack's namespace")),
        "",
        "Name of a claim that somebody else made, to use instead of the stack's own (persistent only). The stack never deletes it",
    ),
    retainData: key(
        flag(),
        "false",
        "Keep claim, volume and namespace on destroy, and the claim on a switch to ephemeral",
    ),
    protectData: key(
        flag(),
        "false",
        "Protect claim and namespace in the state, so that Pulumi refuses to delete them",
    ),
    discardClaim: key(
        optional(matching(uid, "the UID of a claim (kubectl get pvc --output yaml)")),
        "",
        "UID of the one claim whose messages may be deleted",
    ),
    guard: key(
        flag(),
        "false",
        "Run a sidecar with the api: a message is acknowledged once its mirror has it, a torn file is repaired, a crashed api restarts at once",
    ),
    apiCommand: key(
        commandLine(),
        "/bin/api",
        "Command of the api's image, which has to have a shell (guard only)",
    ),
    apiMemory: key(
        mebibytes(64, 65_536),
        "256Mi",
        "Memory that the api, and each container of a backup, may use. The guard may use twice as much. The api needs twelve times the size of all messages",
    ),
    backupSchedule: key(
        // The API server judges it, by a dry run of the preflight.
        matching(() => true, "a cron line as a CronJob takes it, such as 0 3 * * * for 3:00, or empty"),
        "",
        'When backups are made, in UTC, such as "0 3 * * *", or empty for none. They have a claim of their own, in both storage modes',
    ),
    backupsKept: key(
        wholeNumber(1, 1000),
        "7",
        "Number of scheduled backups that are kept. The newest proven one and the one with most messages are never deleted",
    ),
    backupSuspend: key(flag(), "false", "Make no scheduled backups for now"),
    backupTarget: key(
        optional(
            matching(
                (text) => /^s3:https?:\/\/[a-z0-9.-]+(:\d{1,5})?\/[^/\s]+(\/\S*)?$/.test(text),
                "a restic repository in an S3 bucket without credentials, such as s3:https://s3.example.org/bucket/chat",
            ),
        ),
        "",
        "Bucket outside of the cluster that restic copies every proven backup to, encrypted. One prefix for each stack",
    ),
    backupTargetSecret: key(
        matching(dnsSubdomain, "the name of a secret in the stack's namespace"),
        "synergychat-backup-target",
        "Secret with RESTIC_PASSWORD, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (backupTarget only)",
    ),
    namespace: key(
        matching(
            (text) => dnsLabel(text) && text !== "default" && !text.startsWith("kube-"),
            "a namespace of the stack's own: at most 63 lower-case letters, digits and dashes, not default, and without the prefix kube-",
        ),
        "synergychat",
        "Kubernetes namespace that the stack makes and fills. A new name is a new namespace and a new, empty claim",
    ),
    webReplicas: key(
        orWord("unmanaged", wholeNumber(1, 50)),
        "3",
        "Number of web pods. Set unmanaged if a HorizontalPodAutoscaler sets it",
    ),
    crawlerContainers: key(
        wholeNumber(1, 20),
        "3",
        "Crawler containers in each crawler pod, on the ports 8080, 8081, ...",
    ),
    crawlerPods: key(wholeNumber(1, 50), "1", "Number of crawler pods, each with a cache of its own"),
    crawlerKeywords: key(
        listOf(
            (text) => /^[^\s,](?:[^,\n]{0,62}[^\s,])?$/.test(text),
            1,
            100,
            "a list of 1 to 100 different words without commas",
        ),
        ["love", "hate", "joy", "sadness", "anger", "disgust", "fear", "surprise"],
        "Words that the crawler counts: a list, or one text with commas",
    ),
    webHost: key(aHostName, "synchat.internal", "Host name of the page"),
    apiHost: key(aHostName, "synchatapi.internal", "Host name of the api, which the page's browser calls"),
    apiUrl: key(
        optional({
            allowed: "an http or https URL without a path, such as http://localhost:8080",
            parse: origin,
        }),
        "",
        "Address of the api as the page's browser reaches it, for port-forwarding and other ports. Empty: <apiHost> by http, or with tlsSecret by https",
    ),
    exposure: key(
        oneOf("ingress", "gateway", "none"),
        "ingress",
        "How the two hosts are reached: by an Ingress, by the Gateway API, or not at all",
    ),
    ingressClass: key(
        optional(matching(dnsSubdomain, "the name of an ingress class")),
        "",
        "Ingress class, or empty for the cluster's default (exposure ingress only)",
    ),
    ingressAnnotations: key(
        annotations,
        {},
        "Annotations of the Ingress or the Gateway, which some controllers and cert-manager need",
    ),
    gatewayClass: key(
        optional(matching(dnsSubdomain, "the name of a gateway class")),
        "",
        "Gateway class (exposure gateway only, which requires it)",
    ),
    tlsSecret: key(
        optional(matching(dnsSubdomain, "the name of a secret in the stack's namespace")),
        "",
        "Name of the secret of type kubernetes.io/tls with the certificate of both hosts, or empty. With it they are served by https",
    ),
    networkPolicies: key(
        flag(),
        "true",
        "Deny the app's pods every connection that they do not need. A cluster whose network knows no policies ignores them",
    ),
    images: key(
        imageReferences(defaultImages),
        {},
        "Image references of web, api and crawler, of tools (guard and backups) and of restic (backupTarget). What is left out keeps its default",
    ),
    imagePullPolicy: key(
        oneOf("IfNotPresent", "Always", "Never"),
        "IfNotPresent",
        "When a node pulls an image",
    ),
    imagePullSecrets: key(
        listOf(dnsSubdomain, 0, Infinity, "a list of names of secrets in the stack's namespace"),
        [],
        "Secrets that the nodes pull the images with",
    ),
    tolerationSeconds: key(
        orWord("", wholeNumber(0, 9999)),
        "",
        "Seconds that the app's pods stay on a node that is NotReady, or empty for the cluster's default, which is 300",
    ),
    hostUsers: key(
        flag(),
        "true",
        "Whether the pods share the node's user IDs. With false, nobody who leaves a container is a user of the node, if the cluster has user namespaces",
    ),
} satisfies Record<string, Key<unknown>>;

export type KeyName = keyof typeof keys;

/** The values of all keys, each as its rule parsed it. */
export type Values = { [K in KeyName]: Exclude<ReturnType<(typeof keys)[K]["parse"]>, undefined> };

/** The default of a key as the text that Pulumi hands to the program. */
export function defaultText(key: KeyName): string {
    const value: Key<unknown>["default"] = keys[key].default;
    return typeof value === "string" ? value : JSON.stringify(value);
}
