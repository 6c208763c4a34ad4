/**
 * Reads and checks the whole config of a stack: text in, settings or findings out. All problems are reported at once.
 */
import { UserError } from "../system/errors.ts";
import { distance } from "fastest-levenshtein";
import type { ExposureArgs } from "../components/exposure.ts";
import type { Feature } from "../model/kinds.ts";
import type { ClaimArgs, StorageArgs } from "../model/storage.ts";
import { type Finding, type FindingCode, renderFindings } from "../model/finding.ts";
import { type KeyName, type Values, defaultText, keys } from "./keys.ts";

/** The stack's config as Pulumi hands it over: full keys such as `synergychat:storageMode`, every value as text. */
export type RawConfig = Readonly<Record<string, string>>;

/** The keys that become `storage`, `exposure`, `guard` and `backups`. */
const combined = [
    "storageMode",
    "storageSize",
    "storageClass",
    "existingClaim",
    "exposure",
    "ingressClass",
    "gatewayClass",
    "guard",
    "apiCommand",
    "backupSchedule",
    "backupsKept",
    "backupSuspend",
] as const satisfies readonly KeyName[];

type Combined = (typeof combined)[number];

/** What the program needs to know, checked. A key that stands for itself has the key's name. */
export interface Settings extends Omit<Values, Combined> {
    /** Context of the kubeconfig: the cluster to deploy to. */
    readonly context: string;
    /** Path or content of the kubeconfig. Undefined: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig: string | undefined;
    readonly storage: StorageArgs;
    readonly exposure: ExposureArgs;
    /** The sidecar that guards the api's file. Undefined: none. */
    readonly guard: GuardSettings | undefined;
    /** The backups. Undefined: none. */
    readonly backups: BackupSettings | undefined;
    /** Keep the namespace on destroy: with retainData, and for a claim in it that somebody else made. */
    readonly retainNamespace: boolean;
}

/** How the api is guarded. */
export interface GuardSettings {
    /** The api's command and its arguments. */
    readonly command: readonly string[];
}

/** When backups are made, and how many are kept. */
export interface BackupSettings {
    /** Cron line. */
    readonly schedule: string;
    /** Number of scheduled backups that are kept. */
    readonly kept: number;
    /** Whether none are made for now. */
    readonly suspend: boolean;
    /** The claim that holds them, of the size and class of the api's. */
    readonly claim: ClaimArgs;
}

/** The features that a stack of these settings has. */
export function featuresOf({ exposure, guard, backups }: Settings): readonly Feature[] {
    return [
        ...(exposure.kind === "none" ? [] : [exposure.kind]),
        ...(guard ? (["guard"] as const) : []),
        ...(backups ? (["backups"] as const) : []),
    ];
}

/**
 * Reads and checks the whole config.
 *
 * @param raw what `pulumi.runtime.allConfig()` returns.
 * @param project the project's name, which is the namespace of its own keys.
 * @param render makes the findings text.
 * @throws UserError with every finding.
 */
export function readSettings(raw: RawConfig, project: string, render = renderFindings): Settings {
    const { settings, findings } = checkConfig(raw, project);
    if (!settings) {
        const count = findings.length === 1 ? "1 problem" : `${findings.length} problems`;
        throw new UserError(`The stack's config has ${count}. Nothing was changed.\n\n${render(findings)}\n`);
    }
    return settings;
}

/** As `readSettings`, with the findings as data. The settings are undefined if there is a finding. */
export function checkConfig(
    raw: RawConfig,
    project: string,
): { readonly settings: Settings | undefined; readonly findings: readonly Finding[] } {
    const { values, findings: invalid } = parseAll(raw, project);
    const context = raw["kubernetes:context"] ?? "";
    const findings = [
        ...unknownKeys(raw, project),
        ...invalid,
        ...(context === "" ? [noContext] : []),
        ...contradictions(values),
    ];
    const settings = toSettings(values as Values, context, raw["kubernetes:kubeconfig"]);
    return { settings: findings.length === 0 ? settings : undefined, findings };
}

const noContext: Finding = {
    code: "context-missing",
    severity: "error",
    subject: { key: "kubernetes:context" },
    reason: "kubernetes:context is not set. The stack must name its cluster, so that no command ever reaches another one.",
    fixes: [
        { to: "List your contexts", run: ["kubectl config get-contexts"] },
        { to: "Name one", run: ["pulumi config set kubernetes:context minikube"] },
    ],
};

/** The keys of Pulumi's Kubernetes namespace that this stack reads. The others are for a provider that it does not use. */
const kubernetesKeys = ["kubernetes:context", "kubernetes:kubeconfig"];

function unknownKeys(raw: RawConfig, project: string): Finding[] {
    return Object.keys(raw).flatMap((key) => {
        const [namespace = "", name = ""] = key.split(/:(.*)/s);
        if (namespace === "kubernetes") {
            return kubernetesKeys.includes(key)
                ? []
                : unknownKey(key, `This stack reads ${kubernetesKeys.join(" and ")} only.`);
        }
        if (namespace === project) {
            return name in keys ? [] : unknownKey(key, suggestion(name));
        }
        return name in keys ? keyOfOtherProject(key, name, project) : [];
    });
}

function unknownKey(key: string, hint: string): Finding {
    return {
        code: "unknown-key",
        severity: "error",
        subject: { key },
        reason: `${key} is not a config key of this stack. ${hint}`.trim(),
        fixes: [{ to: "Remove it", run: [`pulumi config rm ${key}`] }],
    };
}

function suggestion(name: string): string {
    const nearest = nearestKey(name);
    return nearest ? `Did you mean ${nearest}?` : "";
}

/** A project that was renamed keeps the keys of its former name in its config files, and Pulumi reads none of them. */
function keyOfOtherProject(key: string, name: string, project: string): Finding {
    return {
        code: "key-of-other-project",
        severity: "error",
        subject: { key },
        reason: `${key} is ignored, because this project is called ${project}.`,
        fixes: [
            { to: "Set it for this project", run: [`pulumi config set ${name} VALUE`] },
            { to: "Remove it", run: [`pulumi config rm ${key}`] },
        ],
    };
}

function parseAll(raw: RawConfig, project: string): { values: Partial<Values>; findings: Finding[] } {
    const findings: Finding[] = [];
    const values: Record<string, unknown> = {};
    for (const name of Object.keys(keys) as KeyName[]) {
        const text = raw[`${project}:${name}`] ?? defaultText(name);
        values[name] = keys[name].parse(text.trim());
        if (values[name] === undefined) {
            findings.push(invalidValue(name, text, `Allowed: ${keys[name].allowed}.`));
        }
    }
    return { values, findings };
}

function invalidValue(
    key: KeyName,
    value: string,
    reason: string,
    code: FindingCode = "invalid-value",
): Finding {
    return {
        code,
        severity: "error",
        subject: { key, value },
        reason: `${key} is ${JSON.stringify(value)}. ${reason}`,
        fixes: [
            { to: `Use the default (${defaultText(key) || "empty"})`, run: [`pulumi config rm ${key}`] },
            { to: "Set another value", run: [`pulumi config set ${key} VALUE`] },
        ],
    };
}

/** Rules between keys. A value that is invalid by itself is reported once, not again here. */
function contradictions(values: Partial<Values>): Finding[] {
    return [...sameHosts(values), ...claimKeysBesideExistingClaim(values), ...missingGatewayClass(values)];
}

function sameHosts({ webHost, apiHost }: Partial<Values>): Finding[] {
    return webHost === undefined || webHost !== apiHost
        ? []
        : [
              {
                  code: "same-hosts",
                  severity: "error",
                  subject: { key: "apiHost", value: apiHost },
                  reason: `webHost and apiHost are both ${JSON.stringify(apiHost)}. The page and the api need different host names.`,
                  fixes: [
                      { to: "Change the api's", run: ["pulumi config set apiHost HOST"] },
                      { to: "Change the page's", run: ["pulumi config set webHost HOST"] },
                  ],
              },
          ];
}

function claimKeysBesideExistingClaim(values: Partial<Values>): Finding[] {
    if (!values.existingClaim) {
        return [];
    }
    return (["storageClass", "storageSize"] as const).flatMap((key) => {
        const value = values[key];
        return value === undefined || value === defaultText(key)
            ? []
            : [
                  invalidValue(
                      key,
                      value,
                      `It must not be set together with existingClaim (${values.existingClaim ?? ""}): that claim has its own.`,
                      "key-beside-existing-claim",
                  ),
              ];
    });
}

function missingGatewayClass({ exposure, gatewayClass }: Partial<Values>): Finding[] {
    return exposure !== "gateway" || gatewayClass !== ""
        ? []
        : [
              {
                  code: "gateway-class-missing",
                  severity: "error",
                  subject: { key: "gatewayClass", value: "" },
                  reason: "gatewayClass is not set. With exposure gateway it is required.",
                  fixes: [
                      { to: "List the cluster's", run: ["kubectl get gatewayclasses"] },
                      { to: "Name one", run: ["pulumi config set gatewayClass NAME"] },
                  ],
              },
          ];
}

function toSettings(values: Values, context: string, kubeconfig: string | undefined): Settings {
    return {
        ...withoutCombined(values),
        context,
        kubeconfig,
        apiUrl: values.apiUrl || `http://${values.apiHost}`,
        storage: toStorage(values),
        exposure: toExposure(values),
        guard: values.guard ? { command: values.apiCommand } : undefined,
        backups: toBackups(values),
        retainNamespace: values.retainData || values.existingClaim !== "",
    };
}

function withoutCombined(values: Values): Omit<Values, Combined> {
    const isCombined = (key: string) => (combined as readonly string[]).includes(key);
    return Object.fromEntries(Object.entries(values).filter(([key]) => !isCombined(key))) as Omit<
        Values,
        Combined
    >;
}

function claimArgs({ storageSize, storageClass }: Values): ClaimArgs {
    return { size: storageSize, ...(storageClass && { storageClass }) };
}

function toStorage(values: Values): StorageArgs {
    const claim = claimArgs(values);
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

function toBackups(values: Values): BackupSettings | undefined {
    const { backupSchedule, backupsKept, backupSuspend } = values;
    return backupSchedule === ""
        ? undefined
        : { schedule: backupSchedule, kept: backupsKept, suspend: backupSuspend, claim: claimArgs(values) };
}

function nearestKey(typed: string): string | undefined {
    const close = Object.keys(keys)
        .map((key) => ({ key, edits: distance(key.toLowerCase(), typed.toLowerCase()) }))
        .sort((a, b) => a.edits - b.edits)[0];
    return close && close.edits <= Math.max(2, typed.length / 3) ? close.key : undefined;
}
