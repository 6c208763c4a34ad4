/**
 * What must be known of the cluster before anything is registered: that it is there, that it has what the config names,
 * that the stack's names are the stack's own, and that no message is lost unasked.
 *
 * cluster/facts.ts asks the cluster; `judge` decides by the rules in checks/, pure, so that every verdict has a unit test.
 */
import { RunError, log } from "@pulumi/pulumi";
import { recordedAndAbsent } from "./checks/absent";
import { impossibleClaims } from "./checks/claims";
import { missingClasses } from "./checks/classes";
import { interruptedSwitch, leftBehind, lostMessages, orphaned, outOfSight, spent } from "./checks/messages";
import { foreignObjects, foundAgain, leavingNamespace, servedHosts, takenOver } from "./checks/ownership";
import { missingRights } from "./checks/rights";
import { type Facts, absentOf, look } from "./cluster/facts";
import { connect } from "./cluster/kubectl";
import type { Settings } from "./config";
import { otherCluster, readState, stopIfRecorded } from "./state";

/** What the preflight found: problems stop the program, warnings and notes are shown. */
export interface Verdict {
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
    readonly notes: readonly string[];
}

/**
 * Looks at the cluster and stops the program where it must not go on.
 *
 * @param instance the stack's mark on its objects, the label app.kubernetes.io/instance.
 * @throws RunError with every problem at once.
 */
export async function preflight(settings: Settings, instance: string): Promise<void> {
    const { context, kubeconfig, namespace } = settings;
    const [recorded, cluster] = await Promise.all([readState(), connect({ context, kubeconfig })]);
    const elsewhere = otherCluster(context, recorded);
    if (elsewhere) {
        throw new RunError(elsewhere);
    }
    const [facts, absent] = await Promise.all([
        look(cluster, namespace, instance, recorded),
        absentOf(cluster, recorded.objects),
    ]);
    const { problems, warnings, notes } = judge(
        settings,
        facts,
        instance,
        process.env[switchMark] !== undefined,
    );
    await Promise.all([
        ...warnings.map((warning) => log.warn(warning)),
        ...notes.map((note) => log.info(note)),
    ]);
    if (problems.length > 0) {
        throw new RunError(`This cannot be done, nothing was changed:\n\n  ${problems.join("\n\n  ")}\n`);
    }
    const gone = recordedAndAbsent(recorded, absent);
    if (gone !== undefined) {
        // One error, however many objects it is about: Pulumi shows each error once.
        const problem = new RunError(gone);
        // Pulumi shows the stack of an error that comes after the program has declared everything.
        delete problem.stack;
        stopIfRecorded(absent, () => {
            throw problem;
        });
    }
}

/** Set in the environment of the `pulumi up` that `npm run switch` runs: it has copied the messages. */
export const switchMark = "SYNERGYCHAT_SWITCH";

/**
 * Pure: what the facts mean for this config.
 *
 * @param switching whether `npm run switch` runs this.
 */
export function judge(settings: Settings, facts: Facts, instance: string, switching = false): Verdict {
    const interrupted = switching ? undefined : interruptedSwitch(facts);
    if (interrupted !== undefined) {
        return { problems: [interrupted], warnings: [], notes: [] };
    }
    return {
        problems: [
            ...missingRights(settings, facts),
            ...missingClasses(settings, facts),
            ...foreignObjects(settings, facts, instance),
            ...leavingNamespace(settings, facts, instance),
            ...servedHosts(settings, facts),
            ...impossibleClaims(settings, facts),
            ...lostMessages(settings, facts),
        ],
        warnings: [
            ...(switching ? [] : [...leftBehind(settings, facts), ...outOfSight(settings, facts)]),
            ...spent(settings, facts),
            ...orphaned(settings, facts),
            ...takenOver(settings, facts, instance),
        ],
        notes: foundAgain(facts),
    };
}
