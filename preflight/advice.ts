/** Findings as text for whoever runs Pulumi: the commands reach this stack and its cluster, whatever is selected. */
import { getStack } from "@pulumi/pulumi";
import { currentContext } from "../kubernetes/kubectl.ts";
import { type Finding, reaching, renderFindings } from "../model/finding.ts";
import { selectedStack } from "../pulumi/cli.ts";

/**
 * One or more findings as text.
 *
 * @param context the context of the stack's cluster. Undefined: the config does not have a valid one.
 */
export function renderAdvice(findings: readonly Finding[], context?: string): string {
    return renderFindings(findings.map((finding) => forThisStack(finding, context)));
}

/** The finding with commands that reach this stack and its cluster. */
export function forThisStack(finding: Finding, context: string | undefined): Finding {
    if (finding.fixes.length === 0) {
        return finding;
    }
    selected ??= { stack: selectedStack(process.env), context: currentContext(process.env) };
    return reaching(finding, {
        stack: selected.stack === getStack() ? undefined : getStack(),
        context: selected.context === context ? undefined : context,
    });
}

/** Asked once, and only if there is advice to give: it takes a run of pulumi. */
let selected: { readonly stack: string | undefined; readonly context: string | undefined } | undefined;
