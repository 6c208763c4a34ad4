/** Checks of what the config has switched on beside the chapter: the guard, and the backups. */
import type { Client } from "../../../kubernetes/client.ts";
import type { ClusterEvent, LiveObject, Pod } from "../../../kubernetes/objects.ts";
import { newest, timeOf } from "../../../kubernetes/obstacles.ts";
import { kindOf, listPath } from "../../../model/kinds.ts";
import { backupName, guardName } from "../../../model/names.ts";
import type { Settings } from "../../../config/settings.ts";
import { cronJobIn, missingBackups } from "../../../preflight/backups.ts";
import { type Check, check } from "./checks.ts";

/** One check for each feature that is on. */
export async function featureChecks(
    client: Client,
    settings: Settings,
    namespace: string,
): Promise<readonly Check[]> {
    const found = await Promise.all([
        settings.guard && guardCheck(client, namespace),
        settings.backups && backupsCheck(client, settings, namespace),
    ]);
    return found.filter((one) => one !== undefined);
}

async function guardCheck(client: Client, namespace: string): Promise<Check> {
    const selector = `reportingComponent=${guardName}`;
    const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=${encodeURIComponent(selector)}`;
    const [events, pods] = await Promise.all([
        client.list<ClusterEvent>(path),
        client.list<Pod>(`/api/v1/namespaces/${namespace}/pods`),
    ]);
    return guardCheckOf(events, pods, `kubectl get events --field-selector ${selector}`);
}

/**
 * Restarts and repairs do not fail the check: they are what the guard is for. Kubernetes keeps Events for an hour. Exported
 * for its unit tests.
 *
 * @param pods those that run now.
 */
export function guardCheckOf(events: readonly ClusterEvent[], pods: readonly Pod[], tried: string): Check {
    const count = (reason: string) => events.filter((event) => event.reason === reason).length;
    const failing = pods.flatMap(({ metadata }) => failureOf(events, metadata.name) ?? []);
    return check(
        "Guard",
        tried,
        failing.length === 0,
        failing.join(" ") ||
            `in the last hour: restarts ${count("ApiRestarted")}, repairs ${count("ApiFileRepaired")}, shorter files ${count("ApiFileShorter")}`,
    );
}

/** Why the guard of a pod cannot do its work. Undefined if it can. */
function failureOf(events: readonly ClusterEvent[], pod: string): string | undefined {
    const last = (reason: string) =>
        newest(events.filter((event) => event.involvedObject?.name === pod && event.reason === reason));
    const [failure, recovery] = [last("ApiGuardFailed"), last("ApiGuardRecovered")];
    const isOver = failure && recovery && timeOf(recovery) >= timeOf(failure);
    return isOver ? undefined : failure?.message;
}

async function backupsCheck(client: Client, settings: Settings, namespace: string): Promise<Check> {
    const lists = await Promise.all(
        ["CronJob", "Job"].map((kind) => client.list<LiveObject>(listPath(kindOf(kind), namespace))),
    );
    const objects = lists.flat();
    const problems = missingBackups(settings, { objects });
    const newest = cronJobIn(objects)?.status?.lastSuccessfulTime ?? "none yet";
    return check(
        "Backups",
        `kubectl get cronjob ${backupName}`,
        cronJobIn(objects) !== undefined && problems.length === 0,
        problems.map(({ reason }) => reason).join(" ") || `the newest scheduled backup: ${newest}`,
    );
}
