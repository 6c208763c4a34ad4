/** What a snapshot of the cluster means for a config. Pure: every finding has a unit test. */
import type { Settings } from "../config/settings.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding } from "../model/finding.ts";
import { ownersOf } from "../model/ownership.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { missingBackups } from "./backups.ts";
import { impossibleClaims, volumesOnSeveralNodes } from "./claims.ts";
import { missingClasses } from "./classes.ts";
import { servedHosts } from "./hosts.ts";
import {
    claimsThatWouldBeDeleted,
    ephemeralMessages,
    interruptedOperations,
    keptClaimsNotMounted,
    staleDiscardClaim,
    undeclaredClaims,
} from "./messages.ts";
import { unreadyIngressWebhook } from "./ingress.ts";
import {
    abandonedByKilledRun,
    adoptedNamespace,
    foreignObjects,
    reattachedClaims,
    renamedStack,
} from "./ownership.ts";
import { missingPermissions } from "./permissions.ts";
import { lostClaims } from "./recorded.ts";
import { inheritedVolumes } from "./volumes.ts";

/** What is known of the run beside config and cluster. */
export interface Run {
    /** The stack: the value of the label app.kubernetes.io/instance. */
    readonly instance: string;
    /** Where the last run left the stack's objects. */
    readonly recorded: RecordedState;
    /** Whether `npm run switch` runs this, which moves the messages by itself. */
    readonly switching: boolean;
}

/** All findings, errors first. */
export function evaluate(settings: Settings, snapshot: ClusterSnapshot, run: Run): readonly Finding[] {
    const { instance, recorded, switching } = run;
    const owners = ownersOf(instance, recorded.instances);
    const interrupted = switching ? [] : interruptedOperations(snapshot);
    if (interrupted.length > 0) {
        return interrupted;
    }
    return [
        ...missingPermissions(settings, snapshot),
        ...missingClasses(settings, snapshot),
        ...foreignObjects(settings, snapshot, owners),
        ...abandonedByKilledRun(settings, snapshot, owners, recorded),
        ...servedHosts(settings, snapshot),
        ...unreadyIngressWebhook(settings, snapshot),
        ...impossibleClaims(settings, snapshot, owners),
        ...claimsThatWouldBeDeleted(settings, snapshot, owners),
        ...volumesOnSeveralNodes(settings, snapshot),
        ...lostClaims(settings, snapshot, recorded),
        ...missingBackups(settings, snapshot),
        ...inheritedVolumes(settings, snapshot),
        ...(switching
            ? []
            : [...ephemeralMessages(settings, snapshot), ...keptClaimsNotMounted(settings, snapshot)]),
        ...staleDiscardClaim(settings, snapshot),
        ...undeclaredClaims(settings, snapshot),
        ...renamedStack(snapshot, instance, recorded),
        ...adoptedNamespace(snapshot, instance, recorded),
        ...reattachedClaims(snapshot, recorded),
    ];
}
