/**
 * Reads and checks the whole config of a stack: text in, settings or findings out. All problems are reported at once.
 */
import { UserError } from "../system/errors.ts";
import { distance } from "fastest-levenshtein";
import type { BackupsArgs } from "../components/backups.ts";
import type { ExposureArgs } from "../components/exposure.ts";
import type { Feature } from "../model/kinds.ts";
import { longestAge } from "../model/schedule.ts";
import type { ClaimArgs, StorageArgs } from "../model/storage.ts";
import { type Finding, type FindingCode, error, fix, renderFindings } from "../model/finding.ts";
import { type KeyName, type Values, defaultText, keys } from "./keys.ts";

/** The stack's config as Pulumi hands it over: full keys such as `synergychat:storageMode`, every value as text. */
export type RawConfig = Readonly<Record<string, string>>;

/** What the program needs to know, checked: each key by its name, and what several keys say together. */
export interface Settings extends Omit<Values, "exposure" | "guard"> {
    /** Context of the kubeconfig: the cluster to deploy to. */
    readonly context: string;
    /** Path or content of the kubeconfig. Undefined: KUBECONFIG, else ~/.kube/config. */
    readonly kubeconfig: string | undefined;
    readonly storage: StorageArgs;
    /** Address of the page. */
    readonly webUrl: string;
    readonly exposure: ExposureArgs;
    /** The api's command, which the guard runs. Undefined: there is no guard. */
    readonly guard: { readonly command: readonly string[] } | undefined;
    /** Undefined: there are none. */
    readonly backups: BackupSettings | undefined;
    /** Keep the namespace on destroy: with retainData, and for a claim in it that somebody else made. */
    readonly retainNamespace: boolean;
}

/** When backups are made, and how many are kept. */
export interface BackupSettings extends Pick<
    BackupsArgs,
    "schedule" | "kept" | "suspend" | "claim" | "target"
> {
    /** Age of the newest backup, in seconds, above which it is overdue. Undefined: never. */
    readonly maxAge: number | undefined;
}

/** The features that a stack of these settings has. */
export function featuresOf(settings: Settings): readonly Feature[] {
    const { kind } = settings.exposure;
    const others = (["guard", "backups", "networkPolicies"] as const).filter((one) => settings[one]);
    return kind === "none" ? others : [kind, ...others];
}

/**
 * The checked settings.
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
        ...(context === "" ? [noContext()] : []),
        ...contradictions(values),
    ];
    const settings = toSettings(values as Values, context, raw["kubernetes:kubeconfig"]);
    return { settings: findings.length === 0 ? settings : undefined, findings };
}

function noContext(): Finding {
    return error(
        "context-missing",
        "kubernetes:context is not set. The stack must name its cluster, so that no command ever reaches another one.",
        fix("List your contexts", "kubectl config get-contexts"),
        fix("Name one", "pulumi config set kubernetes:context minikube"),
    );
}

/** Keys that nothing reads: misspelled ones, those of a provider that the stack does not use, and those of a renamed project. */
function unknownKeys(raw: RawConfig, project: string): readonly Finding[] {
    const known = [
        ...Object.keys(keys).map((name) => `${project}:${name}`),
        ...["kubernetes:context", "kubernetes:kubeconfig"],
    ];
    const unknown = Object.keys(raw).filter((key) => !known.includes(key));
    return unknown.flatMap((key) => {
        const [namespace = "", name = ""] = key.split(/:(.*)/s);
        const removal = fix("Remove it", `pulumi config rm ${key}`);
        if (namespace === project || namespace === "kubernetes") {
            const [, whole = ""] = /^(\w+)[.[]/.exec(name) ?? [];
            const meant = suggestion(key, known);
            const isOwn = namespace === project && meant === "" && !isKey(whole);
            return error(
                "unknown-key",
                `${key} is not a config key of this stack.${meant}`,
                ...(isKey(whole)
                    ? [fix("Set a part of a key", `pulumi config set --path '${name}' VALUE`)]
                    : []),
                removal,
                isOwn &&
                    fix(
                        "Use it for a resource of your own",
                        `pulumi config rm ${key}`,
                        `pulumi config set OWN:${name} VALUE`,
                    ),
            );
        }
        return isKey(name)
            ? error(
                  "key-of-other-project",
                  `${key} is ignored, because this project is called ${project}.`,
                  fix("Set it for this project", `pulumi config set ${name} VALUE`),
                  removal,
              )
            : [];
    });
}

function isKey(name: string): boolean {
    return Object.hasOwn(keys, name);
}

function suggestion(typed: string, known: readonly string[]): string {
    const edits = (key: string): number => distance(key.toLowerCase(), typed.toLowerCase());
    const nearest = known.toSorted((one, other) => edits(one) - edits(other))[0] ?? "";
    return edits(nearest) <= 3 ? ` Did you mean ${nearest}?` : "";
}

function parseAll(raw: RawConfig, project: string): { values: Partial<Values>; findings: Finding[] } {
    const findings: Finding[] = [];
    const values: Record<string, unknown> = {};
    for (const name of Object.keys(keys) as KeyName[]) {
        const text = raw[`${project}:${name}`] ?? defaultText(name);
        values[name] = keys[name].parse(text.trim());
        if (values[name] === undefined) {
            findings.push(wrongValue("invalid-value", name, text, `Allowed: ${keys[name].allowed}.`));
        }
    }
    return { values, findings };
}

function wrongValue(code: FindingCode, key: KeyName, value: string, reason: string): Finding {
    return error(
        code,
        `${key} is ${JSON.stringify(withoutPassword(value))}. ${reason}`,
        fix(`Use the default (${defaultText(key) || "empty"})`, `pulumi config rm ${key}`),
        fix("Set another value", `pulumi config set ${key} VALUE`),
    );
}

/** A URL can have a user and a password in it, which must not get into a log. */
function withoutPassword(value: string): string {
    return value.replace(/\/\/[^/@]*@/, "//...@");
}

/** Rules between keys. A value that is invalid by itself is reported once, not again here. */
function contradictions(values: Partial<Values>): readonly Finding[] {
    const { webHost, apiHost, apiUrl = "", existingClaim, backupTarget } = values;
    const claimKeys = (["storageClass", "storageSize", "accessMode"] as const).map((key) => {
        const { [key]: value } = values;
        const reason = `It must not be set together with existingClaim (${existingClaim ?? ""}): that claim has its own.`;
        return (
            existingClaim &&
            value !== undefined &&
            value !== defaultText(key) &&
            wrongValue("key-beside-existing-claim", key, value, reason)
        );
    });
    const found = [
        webHost !== undefined &&
            webHost === apiHost &&
            error(
                "same-hosts",
                `webHost and apiHost are both ${JSON.stringify(apiHost)}. The page and the api need different host names.`,
                fix("Change the api's", "pulumi config set apiHost HOST"),
                fix("Change the page's", "pulumi config set webHost HOST"),
            ),
        ...claimKeys,
        values.exposure === "gateway" &&
            values.gatewayClass === "" &&
            error(
                "gateway-class-missing",
                "gatewayClass is not set. With exposure gateway it is required.",
                fix("List the cluster's", "kubectl get gatewayclasses"),
                fix("Name one", "pulumi config set gatewayClass NAME"),
            ),
        schemeOf(values) === "https" &&
            apiUrl.startsWith("http:") &&
            error(
                "insecure-api-url",
                `apiUrl is ${JSON.stringify(apiUrl)}. With tlsSecret the page is served by https, and no browser lets it call an address by http.`,
                fix("Use the api's host", "pulumi config rm apiUrl"),
                fix("Use another address", "pulumi config set apiUrl https://HOST"),
            ),
        backupTarget &&
            values.backupSchedule === "" &&
            error(
                "target-without-backups",
                `backupTarget is ${JSON.stringify(backupTarget)}, and there are no backups to copy there, because backupSchedule is not set.`,
                fix("Make backups every night", "pulumi config set backupSchedule '0 3 * * *'"),
                fix("Copy none", "pulumi config rm backupTarget"),
            ),
    ];
    return found.filter((one) => typeof one === "object");
}

function schemeOf({ tlsSecret, exposure }: Partial<Values>): "http" | "https" {
    return tlsSecret && exposure !== "none" ? "https" : "http";
}

function toSettings(values: Values, context: string, kubeconfig: string | undefined): Settings {
    const { storageSize, storageClass, existingClaim, guard, apiCommand } = values;
    const { backupSchedule, backupsKept, backupSuspend, backupTarget, backupTargetSecret, images } = values;
    const claim: ClaimArgs = { size: storageSize, ...(storageClass && { storageClass }) };
    return {
        ...values,
        context,
        kubeconfig,
        webUrl: `${schemeOf(values)}://${values.webHost}`,
        apiUrl: values.apiUrl || `${schemeOf(values)}://${values.apiHost}`,
        storage: toStorage(values, {
            ...claim,
            // The default is left out: the claim of the backups has it always, because several pods mount that.
            ...(values.accessMode === "ReadWriteOncePod" && { accessMode: values.accessMode }),
        }),
        exposure: toExposure(values),
        guard: guard ? { command: apiCommand } : undefined,
        backups: backupSchedule
            ? {
                  schedule: backupSchedule,
                  maxAge: backupSuspend ? undefined : longestAge(backupSchedule),
                  kept: backupsKept,
                  suspend: backupSuspend,
                  claim,
                  target: backupTarget
                      ? { repository: backupTarget, secretName: backupTargetSecret, image: images.restic }
                      : undefined,
              }
            : undefined,
        retainNamespace: values.retainData || existingClaim !== "",
    };
}

function toStorage({ storageMode, existingClaim, retainData }: Values, claim: ClaimArgs): StorageArgs {
    if (storageMode === "ephemeral") {
        return retainData && !existingClaim ? { mode: "ephemeral", keep: claim } : { mode: "ephemeral" };
    }
    return existingClaim ? { mode: "persistent", existingClaim } : { mode: "persistent", claim };
}

function toExposure(values: Values): ExposureArgs {
    const { exposure: kind, ingressClass, ingressAnnotations: annotations, gatewayClass, tlsSecret } = values;
    const common = { annotations, ...(tlsSecret && { tlsSecret }) };
    return kind === "ingress"
        ? { kind, ...common, ...(ingressClass && { ingressClass }) }
        : kind === "gateway"
          ? { kind, ...common, gatewayClass }
          : { kind };
}
