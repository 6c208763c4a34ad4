/**
 * Every config key of the stack, its default and its rule, in one place.
 *
 * Pure: text in, settings or problems out. All problems come at once, so that one preview shows the whole list.
 * The defaults stand in Pulumi.yaml too, where `pulumi config` shows them; a unit test holds the two together.
 */
import { RunError } from "@pulumi/pulumi";
import { distance } from "fastest-levenshtein";
import type { ExposureArgs } from "./components/exposure";
import type { StorageArgs } from "./components/storage";
import { bytesOf } from "./quantity";

/** What the program needs to know, checked. Field names are the config keys where one field is one key. */
export interface Settings {
    /** Context of the kubeconfig: the cluster to deploy to. */
    readonly context: string;
    /** Path or content of the kubeconfig; unset: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig: string | undefined;
    readonly namespace: string;
    readonly storage: StorageArgs;
    /** Keep namespace and claim when the stack is destroyed. */
    readonly retainData: boolean;
    /** Keep the namespace when the stack is destroyed: with retainData, and for a claim in it that is somebody else's. */
    readonly retainNamespace: boolean;
    /** Protect namespace and claim in the state. */
    readonly protectData: boolean;
    /** UID of the one claim whose messages may be deleted; empty: none. */
    readonly discardClaim: string;
    readonly webReplicas: number;
    readonly crawlerContainers: number;
    readonly crawlerPods: number;
    readonly crawlerKeywords: readonly string[];
    readonly webHost: string;
    readonly apiHost: string;
    readonly exposure: ExposureArgs;
    readonly images: Images;
    readonly imagePullPolicy: "IfNotPresent" | "Always" | "Never";
}

/** Image references of the app's three services. */
export interface Images {
    readonly web: string;
    readonly api: string;
    readonly crawler: string;
}

/** The stack's config as Pulumi hands it over: full keys (`synergychat:storageMode`), every value as text. */
export type RawConfig = Readonly<Record<string, string>>;

/** A rule turns a key's text into a value, or says no. */
interface Rule<T> {
    readonly default: string;
    /** What a value may be, in words that end «must be …». */
    readonly allowed: string;
    readonly parse: (text: string) => T | undefined;
}

const imageDefaults: Images = {
    web: "bootdotdev/synergychat-web:latest",
    api: "bootdotdev/synergychat-api:latest",
    crawler: "bootdotdev/synergychat-crawler:latest",
};

const defaultKeywords = ["love", "hate", "joy", "sadness", "anger", "disgust", "fear", "surprise"];

const hostNameInWords =
    "a host name of lower-case letters, digits, dashes and dots, such as synchat.internal";

/** Every key of the stack's own namespace. */
export const rules = {
    storageMode: oneOf("persistent", "ephemeral"),
    storageSize: {
        default: "1Gi",
        allowed: "a Kubernetes quantity of at least 1Mi, such as 1Gi or 500Mi",
        parse: parseSize,
    },
    storageClass: optional(
        matching(dnsSubdomain, "the name of a storage class, or empty for the cluster's default"),
    ),
    existingClaim: optional(matching(dnsSubdomain, "the name of a claim in the stack's namespace, or empty")),
    retainData: flag(),
    protectData: flag(),
    discardClaim: optional(matching(uid, "the UID of a claim (kubectl get pvc --output yaml), or empty")),
    namespace: {
        default: "synergychat",
        allowed:
            "a namespace of the stack's own: lower-case letters, digits and dashes, at most 63, not default and not kube-…",
        parse: (text) =>
            dnsLabel(text) && text !== "default" && !text.startsWith("kube-") ? text : undefined,
    },
    webReplicas: wholeNumber(3, 1, 50),
    crawlerContainers: wholeNumber(3, 1, 20),
    crawlerPods: wholeNumber(1, 1, 50),
    crawlerKeywords: {
        default: JSON.stringify(defaultKeywords),
        allowed: "a list of 1 to 100 different words without commas",
        parse: parseKeywords,
    },
    webHost: { default: "synchat.internal", ...matching(hostName, hostNameInWords) },
    apiHost: { default: "synchatapi.internal", ...matching(hostName, hostNameInWords) },
    exposure: oneOf("ingress", "gateway", "none"),
    ingressClass: optional(
        matching(dnsSubdomain, "the name of an ingress class, or empty for the cluster's default"),
    ),
    gatewayClass: optional(matching(dnsSubdomain, "the name of a gateway class, or empty")),
    images: {
        default: "{}",
        allowed:
            'image references by service, such as {"api": "example.org/api:1.2"}, the services web, api and crawler',
        parse: parseImages,
    },
    imagePullPolicy: oneOf("IfNotPresent", "Always", "Never"),
} satisfies Record<string, Rule<unknown>>;

type Key = keyof typeof rules;
type Values = { [K in Key]: Exclude<ReturnType<(typeof rules)[K]["parse"]>, undefined> };

/**
 * Reads and checks the whole config.
 *
 * @param raw what `pulumi.runtime.allConfig()` gives.
 * @param project the project's name, the namespace of its own keys.
 * @throws RunError with every problem in it: the key, the value, what is allowed, what to do.
 */
export function readSettings(raw: RawConfig, project: string): Settings {
    const problems = [...unknownKeys(raw, project)];
    const values = parseAll(raw, project, problems);
    const context = raw["kubernetes:context"] ?? "";
    if (context === "") {
        problems.push(
            "kubernetes:context is not set: the stack must name its cluster, so that no command ever reaches another one.\n" +
                "    See your contexts with: kubectl config get-contexts\n" +
                "    Then run: pulumi config set kubernetes:context minikube",
        );
    }
    problems.push(...contradictions(values, project));
    if (problems.length > 0) {
        const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
        throw new RunError(
            `${count} in the stack's config, nothing was changed:\n\n  ${problems.join("\n\n  ")}\n`,
        );
    }
    return toSettings(values as Values, context, raw["kubernetes:kubeconfig"]);
}

/** Pulumi's own keys for Kubernetes that this stack reads; others are for a provider that it does not use. */
const kubernetesKeys = ["kubernetes:context", "kubernetes:kubeconfig"];

function unknownKeys(raw: RawConfig, project: string): string[] {
    const unread = Object.keys(raw)
        .filter((key) => key.startsWith("kubernetes:") && !kubernetesKeys.includes(key))
        .map(
            (key) =>
                `${key} is not read by this stack: of kubernetes: it reads context and kubeconfig.\n    Run: pulumi config rm ${key}`,
        );
    const unknown = Object.keys(raw)
        .filter((key) => key.startsWith(`${project}:`) && !(key.slice(project.length + 1) in rules))
        .map((key) => {
            const nearest = nearestKey(key.slice(project.length + 1));
            const meant = nearest ? ` Did you mean ${project}:${nearest}?` : "";
            return `${key} is not a key of this stack.${meant}\n    Run: pulumi config rm ${key}`;
        });
    return [...unread, ...unknown];
}

function parseAll(raw: RawConfig, project: string, problems: string[]): Partial<Values> {
    const values: Record<string, unknown> = {};
    for (const [key, rule] of Object.entries(rules) as [Key, Rule<unknown>][]) {
        const text = raw[`${project}:${key}`] ?? rule.default;
        const value = rule.parse(text.trim());
        if (value === undefined) {
            problems.push(problem(project, key, text, `it must be ${rule.allowed}`));
        }
        values[key] = value;
    }
    return values;
}

/** Rules that hold between keys. A value that is wrong in itself is reported once, not again here. */
function contradictions(values: Partial<Values>, project: string): string[] {
    const found: string[] = [];
    if (values.webHost !== undefined && values.webHost === values.apiHost) {
        found.push(
            `${project}:webHost and ${project}:apiHost are both ${JSON.stringify(values.apiHost)}: page and api need a name each.\n` +
                "    Run: pulumi config set apiHost ANOTHER, or: pulumi config set webHost ANOTHER",
        );
    }
    if (values.existingClaim) {
        for (const key of ["storageClass", "storageSize"] as const) {
            const value = values[key];
            if (value !== undefined && value !== rules[key].default) {
                found.push(
                    problem(project, key, value, "it must not be set with existingClaim, which has its own"),
                );
            }
        }
    }
    if (values.exposure === "gateway" && values.gatewayClass === "") {
        found.push(
            `${project}:gatewayClass is not set: exposure gateway needs the name of a gateway class.\n` +
                "    See what the cluster has with: kubectl get gatewayclasses\n" +
                "    Then run: pulumi config set gatewayClass NAME",
        );
    }
    return found;
}

function problem(project: string, key: Key, value: string, reason: string): string {
    return (
        `${project}:${key} is ${JSON.stringify(value)}: ${reason}.\n` +
        `    Run: pulumi config rm ${key}, for its default (${rules[key].default || "empty"}), or set it anew`
    );
}

function toSettings(values: Values, context: string, kubeconfig: string | undefined): Settings {
    return {
        context,
        kubeconfig,
        namespace: values.namespace,
        storage: toStorage(values),
        retainData: values.retainData,
        retainNamespace: values.retainData || values.existingClaim !== "",
        protectData: values.protectData,
        discardClaim: values.discardClaim,
        webReplicas: values.webReplicas,
        crawlerContainers: values.crawlerContainers,
        crawlerPods: values.crawlerPods,
        crawlerKeywords: values.crawlerKeywords,
        webHost: values.webHost,
        apiHost: values.apiHost,
        exposure: toExposure(values),
        images: values.images,
        imagePullPolicy: values.imagePullPolicy,
    };
}

function toStorage(values: Values): StorageArgs {
    const claim = {
        size: values.storageSize,
        ...(values.storageClass && { storageClass: values.storageClass }),
    };
    if (values.storageMode === "ephemeral") {
        return values.retainData && !values.existingClaim
            ? { mode: "ephemeral", keep: claim }
            : { mode: "ephemeral" };
    }
    return values.existingClaim
        ? { mode: "persistent", existingClaim: values.existingClaim }
        : { mode: "persistent", claim };
}

function toExposure(values: Values): ExposureArgs {
    switch (values.exposure) {
        case "ingress":
            return { kind: "ingress", ...(values.ingressClass && { ingressClass: values.ingressClass }) };
        case "gateway":
            return { kind: "gateway", gatewayClass: values.gatewayClass };
        case "none":
            return { kind: "none" };
    }
}

// --- the kinds of rules -------------------------------------------------------------------------------------------

/** One of a few words; the first is the default. */
function oneOf<const T extends string>(...words: readonly [T, ...T[]]): Rule<T> {
    return {
        default: words[0],
        allowed: words.join(" or "),
        parse: (text) => words.find((word) => word === text),
    };
}

function flag(): Rule<boolean> {
    return {
        default: "false",
        allowed: "true or false",
        parse: (text) => (text === "true" ? true : text === "false" ? false : undefined),
    };
}

function wholeNumber(normal: number, least: number, most: number): Rule<number> {
    return {
        default: String(normal),
        allowed: `a whole number from ${least} to ${most}`,
        parse: (text) => {
            const number = /^\d{1,4}$/.test(text) ? Number(text) : NaN;
            return number >= least && number <= most ? number : undefined;
        },
    };
}

function matching(test: (text: string) => boolean, allowed: string): Omit<Rule<string>, "default"> {
    return { allowed, parse: (text) => (test(text) ? text : undefined) };
}

function optional(rule: Omit<Rule<string>, "default">): Rule<string> {
    return { default: "", allowed: rule.allowed, parse: (text) => (text === "" ? "" : rule.parse(text)) };
}

// --- what the values look like ------------------------------------------------------------------------------------

/** Source: RFC 1123 labels, https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ */
function dnsLabel(text: string): boolean {
    return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

function dnsSubdomain(text: string): boolean {
    return text.length <= 253 && text.split(".").every(dnsLabel);
}

function uid(text: string): boolean {
    return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

/** An Ingress takes no IP addresses as hosts: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ */
function hostName(text: string): boolean {
    return dnsSubdomain(text) && !/^[\d.]+$/.test(text);
}

function parseSize(text: string): string | undefined {
    return (bytesOf(text) ?? 0) >= 1024 ** 2 ? text : undefined;
}

function parseKeywords(text: string): readonly string[] | undefined {
    const words = text.startsWith("[") ? parseJson(text) : text.split(",").map((word) => word.trim());
    if (!Array.isArray(words) || words.length < 1 || words.length > 100) {
        return undefined;
    }
    const fine = words.every(
        (word) => typeof word === "string" && /^[^\s,](?:[^,\n]{0,62}[^\s,])?$/.test(word),
    );
    return fine && new Set(words).size === words.length ? (words as string[]) : undefined;
}

function parseImages(text: string): Images | undefined {
    const images = parseJson(text);
    if (typeof images !== "object" || images === null || Array.isArray(images)) {
        return undefined;
    }
    const fine = Object.entries(images).every(
        ([service, image]) => service in imageDefaults && typeof image === "string" && imageReference(image),
    );
    return fine ? { ...imageDefaults, ...images } : undefined;
}

/** Source: https://pkg.go.dev/github.com/distribution/reference */
function imageReference(text: string): boolean {
    return (
        /^[a-z0-9]+([.:/_-]+[a-zA-Z0-9]+)*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/.test(text) &&
        text.length < 512
    );
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}

function nearestKey(typed: string): string | undefined {
    const close = Object.keys(rules)
        .map((key) => ({ key, edits: distance(key.toLowerCase(), typed.toLowerCase()) }))
        .sort((a, b) => a.edits - b.edits)[0];
    return close && close.edits <= Math.max(2, typed.length / 3) ? close.key : undefined;
}
