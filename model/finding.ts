/** A finding: one problem, warning or note about the config or the cluster, as data that becomes text for people. */

/**
 * The code of every finding. Tests and programs rely on codes, so a code keeps its name. A new one needs an example in
 * tests/unit/support/examples.ts, and a test fails without it.
 */
export const findingCodes = [
    // The config.
    "unknown-key",
    "key-of-other-project",
    "invalid-value",
    "context-missing",
    "same-hosts",
    "key-beside-existing-claim",
    "gateway-class-missing",
    "insecure-api-url",
    "target-without-backups",
    // The cluster before a change.
    "other-cluster",
    "other-namespace",
    "recorded-claim-lost",
    "resource-moved",
    "cluster-too-old",
    "rejected-by-cluster",
    "switch-interrupted",
    "restore-interrupted",
    "permissions-missing",
    "class-missing",
    "default-class-missing",
    "namespace-terminating",
    "foreign-namespace",
    "foreign-object",
    "foreign-claim",
    "namespace-adopted",
    "host-served-elsewhere",
    "tls-secret-missing",
    "tls-secret-unusable",
    "existing-claim-missing",
    "existing-claim-terminating",
    "existing-claim-is-own",
    "existing-claim-unusable",
    "existing-claim-unbound",
    "existing-claim-mounted",
    "existing-claim-file-unusable",
    "claim-terminating",
    "retained-claim-differs",
    "claim-reattached",
    "volumes-on-several-nodes",
    "released-volume-has-old-data",
    // Data.
    "claim-would-be-deleted",
    "foreign-claim-would-be-deleted",
    "ephemeral-messages-would-be-lost",
    "kept-claim-not-mounted",
    "discard-claim-stale",
    "protection-removed",
    // A switch of the storage, or a restore of the messages.
    "switch-running",
    "restore-running",
    // Backups.
    "backup-failed",
    "backup-overdue",
    "backup-not-copied",
    "target-secret-incomplete",
    "target-unreadable",
    "backup-not-made",
    "backups-off",
    "switch-needs-shell",
    "restore-needs-shell",
    // A rollout.
    "pod-cannot-start",
    "pods-not-created",
    "node-unavailable",
    "image-without-shell",
    "upgrade-refused",
    // A destroy.
    "data-protected",
    "config-not-applied",
    "claim-mounted",
    "claim-held-by-finalizer",
    "volume-ignored-by-minikube",
    "volume-not-deleted",
] as const;

export type FindingCode = (typeof findingCodes)[number];

export interface Finding {
    /** Stable name of the rule, such as `claim-would-be-deleted`. */
    readonly code: FindingCode;
    /** An error stops the program before anything changes. A warning and a note are shown. */
    readonly severity: "error" | "warning" | "note";
    /** What is wrong, why, and what is allowed, in full sentences. */
    readonly reason: string;
    /** The ways on. Each is complete by itself. */
    readonly fixes: readonly Fix[];
}

/** What a rule returns: no finding, one or several. */
export type Found = Finding | readonly Finding[];

/** A way on. */
export interface Fix {
    /** What it achieves, in the imperative, such as "Keep the claim". */
    readonly to: string;
    /** The commands to run, in order. */
    readonly run: readonly string[];
}

/** A finding that stops the program before anything changes. What is false or undefined among the fixes is left out. */
export const error = makerOf("error");

export const warning = makerOf("warning");

/** A finding that asks for nothing. */
export const note = makerOf("note");

type Maybe<T> = T | false | undefined;

function makerOf(severity: Finding["severity"]) {
    return (code: FindingCode, reason: string, ...fixes: readonly Maybe<Fix>[]): Finding => ({
        code,
        severity,
        reason,
        fixes: fixes.filter((one) => one !== undefined && one !== false),
    });
}

/** A way on. What is false or undefined among the commands is left out. */
export function fix(to: string, ...run: readonly Maybe<string>[]): Fix {
    return { to, run: run.filter((one) => one !== undefined && one !== false) };
}

/** One or more findings as text, indented by two spaces, separated by blank lines. */
export function renderFindings(findings: readonly Finding[]): string {
    return findings.map((finding) => renderFinding(finding).replace(/^/gm, "  ")).join("\n\n");
}

/**
 * A finding as text: its reason, with the code behind the first line, so that people can search for it and programs can
 * recognize it. Then a line for each command of each fix, aligned.
 */
export function renderFinding({ code, reason, fixes }: Finding): string {
    const width = Math.max(0, ...fixes.map(({ to }) => to.length)) + 2;
    const lines = fixes.flatMap(({ to, run }) =>
        run.map((command, index) => `  ${(index === 0 ? `${to}:` : "").padEnd(width)} ${command}`),
    );
    return [reason.replace(/$/m, ` [${code}]`), ...lines].join("\n");
}

/** What the commands of a finding must name. */
export interface Target {
    /** The stack. Undefined: it is the selected one. */
    readonly stack?: string | undefined;
    /** The context of its cluster. Undefined: it is kubectl's current one. */
    readonly context?: string | undefined;
}

/** The same finding with commands that reach this stack and its cluster, whatever is selected. */
export function reaching(finding: Finding, { stack, context }: Target): Finding {
    const onStack = (command: string): string =>
        /^pulumi (config|up|preview|refresh|destroy|cancel|state)\b/.test(command)
            ? `${command} --stack ${stack ?? ""}`
            : command
                  .replace(
                      /^npm run ((switch|backup|down) -- .*|restore -- ('.*'|\S+))$/,
                      `$& ${stack ?? ""}`,
                  )
                  .replace(/^npm run (up|down|verify|backup|backups)$/, `$& -- ${stack ?? ""}`);
    const inCluster = (command: string): string =>
        command.replace(/^kubectl (?!config\b|--context\b)[^|]*?(?= \||$)/, `$& --context ${context ?? ""}`);
    const reach = (command: string): string => {
        const named = stack === undefined ? command : onStack(command);
        return context === undefined ? named : inCluster(named);
    };
    return { ...finding, fixes: finding.fixes.map((fix) => ({ ...fix, run: fix.run.map(reach) })) };
}

export function hasErrors(findings: readonly Finding[]): boolean {
    return findings.some(({ severity }) => severity === "error");
}
