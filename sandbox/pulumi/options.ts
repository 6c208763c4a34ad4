/** The provider's own options (`new k8s.Provider(name, {…})` or config `kubernetes:…`): which it covers, what they mean. */
import { type JsonObject, UNKNOWN, deepEqual, isObject } from "./json.ts";
import { type Selection, activeCluster, problem } from "./kubeconfig.ts";

export interface Options extends Selection {
    namespace?: string | undefined;
    enableConfigMapMutable: boolean;
    enableSecretMutable: boolean;
    enablePatchForce: boolean;
    upsertExistingObjects: boolean;
    deleteUnreachable: boolean;
}

/** Flags, each with the environment variable that stands in for it (as in the official provider). */
const FLAGS = {
    enableConfigMapMutable: "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    enableSecretMutable: "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    enablePatchForce: "PULUMI_K8S_ENABLE_PATCH_FORCE",
    upsertExistingObjects: "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    deleteUnreachable: "PULUMI_K8S_DELETE_UNREACHABLE",
} as const;

const TEXTS = ["kubeconfig", "context", "cluster", "namespace"] as const;

/** Options that change nothing here. */
const WITHOUT_EFFECT = [
    "clusterIdentifier",
    "suppressDeprecationWarnings",
    "suppressHelmHookWarnings",
    "version",
];

export interface Failure {
    property: string;
    reason: string;
}

/** What is wrong with the options of a provider; an option that is not covered is named. */
export function checkOptions(args: JsonObject): Failure[] {
    const covered = new Set<string>([...Object.keys(FLAGS), ...TEXTS, ...WITHOUT_EFFECT]);
    const failures = Object.entries(args)
        .filter(([key, value]) => !covered.has(key) && !isOff(key, decoded(value)))
        .map(([property]) => ({ property, reason: `this provider does not cover the option "${property}"` }));
    if (failures.length === 0 && !TEXTS.some((key) => args[key] === UNKNOWN)) {
        try {
            const reason = problem(parseOptions(args));
            return reason === undefined ? [] : [{ property: "context", reason }];
        } catch (error) {
            return [
                { property: "kubeconfig", reason: error instanceof Error ? error.message : String(error) },
            ];
        }
    }
    return failures;
}

/** Options reach a provider as text or as JSON in text (`"true"`). */
function decoded(value: unknown): unknown {
    if (typeof value !== "string") {
        return value;
    }
    try {
        return JSON.parse(value);
    } catch {
        return value;
    }
}

/** An option that is not covered does no harm while it is empty or says what this provider does anyway. */
function isOff(key: string, value: unknown): boolean {
    if (key === "enableServerSideApply") {
        return value === undefined || value === null || value === true;
    }
    const empty = value === undefined || value === null || value === "" || value === false;
    return empty || key.startsWith("__") || (typeof value === "object" && Object.keys(value).length === 0);
}

export function parseOptions(args: JsonObject): Options {
    const text = (key: string): string | undefined => {
        const value = args[key];
        if (isObject(value)) {
            return JSON.stringify(value);
        }
        return typeof value === "string" && value !== "" ? value : undefined;
    };
    const flag = (key: keyof typeof FLAGS): boolean => {
        const value = decoded(args[key] ?? process.env[FLAGS[key]]);
        return value === true;
    };
    return {
        kubeconfig: text("kubeconfig"),
        context: text("context"),
        cluster: text("cluster"),
        namespace: text("namespace"),
        enableConfigMapMutable: flag("enableConfigMapMutable"),
        enableSecretMutable: flag("enableSecretMutable"),
        enablePatchForce: flag("enablePatchForce"),
        upsertExistingObjects: flag("upsertExistingObjects"),
        deleteUnreachable: flag("deleteUnreachable"),
    };
}

export interface OptionsDiff {
    changed: string[];
    replaces: string[];
}

/**
 * A provider is replaced (and with it all that it made) where it would reach another cluster: where the identifier
 * changed, if there was one and is one; else where the active cluster's entry in the kubeconfig changed.
 */
export function diffOptions(old: JsonObject, next: JsonObject): OptionsDiff {
    const keys = [...new Set([...Object.keys(old), ...Object.keys(next)])];
    const changed = keys.filter((key) => !deepEqual(old[key] ?? null, next[key] ?? null));
    const where = changed.filter((key) => ["kubeconfig", "context", "cluster"].includes(key));
    const [before, after] = [old.clusterIdentifier, next.clusterIdentifier];
    if (isGiven(before) && isGiven(after)) {
        return { changed, replaces: before === after ? [] : ["clusterIdentifier"] };
    }
    if (where.some((key) => next[key] === UNKNOWN)) {
        return { changed, replaces: where.filter((key) => next[key] === UNKNOWN) };
    }
    return { changed, replaces: where.length > 0 && clusterChanged(old, next) ? where : [] };
}

const isGiven = (value: unknown): boolean => typeof value === "string" && value !== "";

function clusterChanged(old: JsonObject, next: JsonObject): boolean {
    try {
        const before = activeCluster(parseOptions(old));
        const after = activeCluster(parseOptions(next));
        return before !== undefined && after !== undefined && !deepEqual(before.cluster, after.cluster);
    } catch {
        return false;
    }
}

const signature = "4dabf18193072939515e22adb298388d";

/** What marks a secret value among plain ones (`resource.SecretSig` in Pulumi's Go SDK). */
export const secretSign = { [signature]: "1b47061264138c4ac30d75fd1eb44270" };

/** Only a provider's options come with their secrets marked, such as a kubeconfig that is given as content. */
export function revealed(options: JsonObject): JsonObject {
    const plain = Object.entries(options).map(([name, value]) => [
        name,
        isObject(value) && value[signature] === secretSign[signature] ? value.value : value,
    ]);
    return Object.fromEntries(plain) as JsonObject;
}
