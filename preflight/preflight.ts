/**
 * Looks at the cluster before anything is registered: that it is there, that it has what the config names, that the
 * stack's names are the stack's own, and that no message is lost without a question.
 */
import { RunError, log, runtime } from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { Client } from "../kubernetes/client.ts";
import { type ClusterSnapshot, type DeclaredDeployment, takeSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, hasErrors, renderFinding } from "../model/finding.ts";
import { ownersOf } from "../model/ownership.ts";
import { plainValue, readRecordedState } from "../pulumi/engine.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { reachable, renderAdvice } from "./advice.ts";
import { checkExistingClaim } from "./claim-check.ts";
import { evaluate } from "./evaluate.ts";
import { otherCluster } from "./recorded.ts";
import { tryNewImage } from "./upgrade.ts";

/** Resource args of the program that the preflight needs. */
export interface Declared {
    /** The api's Deployment, which is compared with the live one. */
    readonly apiDeployment: object;
    /** The spec of a Job that tries a new image of the api on a copy of the messages. Undefined: nothing can be tried. */
    readonly trial: object | undefined;
    /** The spec of a Job that looks into the existing claim. Undefined: the stack mounts none. */
    readonly claimCheck: object | undefined;
}

/** The cluster, and where the last run left the stack's objects in it. */
export interface Reached {
    readonly client: Client;
    readonly recorded: RecordedState;
}

/** Set in the environment of the `pulumi up` that `npm run switch` runs: it has copied the messages. */
export const switchVariable = "SYNERGYCHAT_SWITCH";

/**
 * Finds the cluster that the stack is in.
 *
 * @throws RunError if it is another one than the config names, UserError if there is no kubectl or no such context.
 */
export async function reach({ context, kubeconfig }: Settings): Promise<Reached> {
    const [client, recorded] = await Promise.all([
        Client.connect({ context, kubeconfig }),
        readRecordedState(),
    ]);
    await report(otherCluster(context, recorded), context);
    return { client, recorded };
}

/**
 * Shows warnings and notes, and stops the program if there is an error.
 *
 * @param instance the value of the label app.kubernetes.io/instance.
 * @param declare returns what the program declares. It is called while the cluster is asked.
 * @returns the cluster as it is before the update.
 * @throws RunError with all errors at once.
 */
export async function preflight(
    settings: Settings,
    instance: string,
    { client, recorded }: Reached,
    declare: () => Promise<Declared>,
): Promise<ClusterSnapshot> {
    const { context, namespace, exposure } = settings;
    const snapshot = await takeSnapshot(client, {
        namespace,
        owners: ownersOf(instance, recorded.instances),
        exposure: exposure.kind,
        recorded,
        apiDeployment: async () => plainValue<DeclaredDeployment>((await declare()).apiDeployment),
    });
    const switching = process.env[switchVariable] !== undefined;
    await report(evaluate(settings, snapshot, { instance, recorded, switching }), context);
    if (!runtime.isDryRun()) {
        const { claimCheck, trial } = await plainValue<Declared>(await declare());
        await report(await checkExistingClaim(client, settings, snapshot, claimCheck), context);
        await report(await tryNewImage(client, settings, snapshot, trial), context);
    }
    return snapshot;
}

async function report(findings: readonly Finding[], context: string): Promise<void> {
    const ofSeverity = (severity: Finding["severity"]) =>
        findings.filter((finding) => finding.severity === severity);
    await Promise.all([
        ...ofSeverity("warning").map((finding) => log.warn(renderFinding(reachable(finding, context)))),
        ...ofSeverity("note").map((finding) => log.info(renderFinding(reachable(finding, context)))),
    ]);
    if (hasErrors(findings)) {
        throw failure(ofSeverity("error"), context);
    }
}

function failure(errors: readonly Finding[], context: string): RunError {
    return new RunError(
        `Nothing was changed, because this is not possible:\n\n${renderAdvice(errors, context)}\n`,
    );
}
