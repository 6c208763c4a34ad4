/**
 * Looks at the cluster before anything is registered: that it is there, that it has what the config names, that the
 * stack's names are the stack's own, and that no message is lost without a question.
 */
import { RunError, log, runtime } from "@pulumi/pulumi";
import type { Settings } from "../config/settings.ts";
import { Client } from "../kubernetes/client.ts";
import { handOverFields } from "../kubernetes/managers.ts";
import { type ClusterSnapshot, takeSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, renderFinding } from "../model/finding.ts";
import { type DeclaredResource, objectsIn } from "../pulumi/declared.ts";
import { plainValue, readRecordedState } from "../pulumi/engine.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { forThisStack, renderAdvice } from "./advice.ts";
import { evaluate } from "./evaluate.ts";
import { followMoves } from "./moved.ts";
import { otherCluster, otherNamespace } from "./recorded.ts";
import { type Trials, checkExistingClaim, tryNewImage } from "./trials.ts";

/** The cluster, and where the last run left the stack's objects in it. */
export interface Reached {
    readonly client: Client;
    readonly recorded: RecordedState;
}

/**
 * Set in the environment of the `pulumi up` that `npm run switch` runs: it has copied the messages. The value is a
 * discardClaim for this run only, or empty.
 */
export const switchVariable = "SYNERGYCHAT_SWITCH";

/**
 * Finds the cluster that the stack is in.
 *
 * @throws RunError if it or the namespace is another one than the config names, UserError if there is no kubectl or no such context.
 */
export async function reach({ context, kubeconfig, namespace }: Settings): Promise<Reached> {
    const [client, recorded] = await Promise.all([
        Client.connect({ context, kubeconfig }),
        readRecordedState(),
    ]);
    const namespaces = otherNamespace({ namespace }, recorded.namespace) ?? [];
    await report([otherCluster(context, recorded), namespaces].flat(), context);
    return { client, recorded };
}

/**
 * Shows warnings and notes, and stops the program if there is an error.
 *
 * @param instance the value of the label app.kubernetes.io/instance.
 * @param rehearse runs the program as a rehearsal. It is called while the cluster is asked.
 * @returns the cluster as it is before the update.
 * @throws RunError with all errors at once.
 */
export async function preflight(
    settings: Settings,
    instance: string,
    { client, recorded }: Reached,
    rehearse: () => Promise<{
        readonly resources: readonly DeclaredResource[];
        readonly result: { readonly trials: Trials };
    }>,
): Promise<ClusterSnapshot> {
    const { context, namespace, tlsSecret } = settings;
    const asked = takeSnapshot(client, {
        namespace,
        tlsSecret,
        recorded: recorded.objects,
        targetSecret: settings.backups?.target?.secretName ?? "",
        declared: async () => objectsIn((await rehearsed).resources),
    });
    const rehearsed = rehearse();
    const [snapshot, { resources, result }] = await Promise.all([asked, rehearsed]);
    const discardClaim = process.env[switchVariable];
    const run = { instance, recorded, switching: discardClaim !== undefined, declared: resources };
    await report(evaluate(discardClaim ? { ...settings, discardClaim } : settings, snapshot, run), context);
    followMoves(resources, recorded);
    if (!runtime.isDryRun()) {
        await handOverFields(client, snapshot.objects, recorded.objects);
        const trials = await plainValue<Trials>(result.trials);
        for (const trial of [checkExistingClaim, tryNewImage]) {
            await report([await trial(client, settings, snapshot, trials)].flat(), context);
        }
    }
    return snapshot;
}

async function report(findings: readonly Finding[], context: string): Promise<void> {
    const errors = findings.filter(({ severity }) => severity === "error");
    for (const finding of findings.filter(({ severity }) => severity !== "error")) {
        const show = finding.severity === "warning" ? log.warn : log.info;
        await show(renderFinding(forThisStack(finding, context)));
    }
    if (errors.length > 0) {
        throw new RunError(
            `Nothing was changed in the cluster, because this is not possible:\n\n${renderAdvice(errors, context)}\n`,
        );
    }
}
