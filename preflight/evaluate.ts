/** What a snapshot of the cluster means for a config. Pure: every finding has a unit test. */
import type { Settings } from "../config/settings.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Found, hasErrors } from "../model/finding.ts";
import { ownersOf } from "../model/ownership.ts";
import type { DeclaredResource } from "../pulumi/declared.ts";
import type { RecordedState } from "../pulumi/state.ts";
import { oldCluster, rejectedObjects } from "./api-server.ts";
import { incompleteSecret, missingBackups } from "./backups.ts";
import {
    retainedClaimInTheWay,
    terminatingClaim,
    unusableExistingClaim,
    volumesOnSeveralNodes,
} from "./claims.ts";
import { isForMissingClass, missingClasses } from "./classes.ts";
import { type FatedClaim, fatesOf } from "./fates.ts";
import { servedHosts, unusableTlsSecret } from "./hosts.ts";
import {
    claimNotMounted,
    claimWouldBeDeleted,
    ephemeralMessages,
    interrupted,
    removedProtection,
    staleDiscardClaim,
} from "./messages.ts";
import { adoptedClaims, foreignObjects } from "./ownership.ts";
import { movedObjects } from "./moved.ts";
import { missingPermissions } from "./permissions.ts";
import { lostClaims } from "./recorded.ts";
import { inheritedVolumes } from "./volumes.ts";

/** What is known of the run beside config and cluster. */
export interface Run {
    /** The stack: the value of the label app.kubernetes.io/instance. */
    readonly instance: string;
    /** Where the last run left the stack's objects. */
    readonly recorded: RecordedState;
    /** What the program declares. */
    readonly declared: readonly DeclaredResource[];
    /** Whether `npm run switch` runs this, which moves the messages by itself. */
    readonly switching: boolean;
}

/** All findings, errors first. */
export function evaluate(settings: Settings, snapshot: ClusterSnapshot, run: Run): readonly Finding[] {
    const { instance, recorded, declared, switching } = run;
    const owners = ownersOf(instance, recorded.instances);
    const operation = switching ? undefined : snapshot.api?.outOfService;
    if (operation) {
        return [interrupted(operation)];
    }
    const claims = fatesOf(settings, snapshot, owners);
    const each = (rule: (live: FatedClaim, settings: Settings) => Found) =>
        claims.flatMap((live) => rule(live, settings));
    const found = [
        oldCluster(snapshot),
        movedObjects(declared, recorded),
        missingPermissions(settings, snapshot),
        missingClasses(settings, snapshot, claims),
        foreignObjects(settings, snapshot, owners),
        servedHosts(settings, snapshot),
        unusableTlsSecret(settings, snapshot),
        unusableExistingClaim(settings, snapshot, claims, owners),
        each(terminatingClaim),
        each(retainedClaimInTheWay),
        each((live) => (isForMissingClass(live, snapshot) ? [] : claimWouldBeDeleted(live, settings))),
        volumesOnSeveralNodes(settings, snapshot),
        lostClaims(snapshot, recorded),
        missingBackups(settings, snapshot),
        incompleteSecret(settings, snapshot),
        inheritedVolumes(settings, snapshot, claims),
        switching ? [] : ephemeralMessages(settings, snapshot, claims),
        switching ? [] : each(claimNotMounted),
        each(staleDiscardClaim),
        switching ? [] : each(removedProtection),
        adoptedClaims(snapshot, claims, instance, recorded),
    ].flat();
    // An error of another rule may be the reason of a refusal, and says more about it.
    return hasErrors(found) ? found : [...rejectedObjects(settings, snapshot), ...found];
}
