/** Checks of what the config has switched on beside the chapter: the guard, and the backups. */
import type { Client } from "../../../kubernetes/client.ts";
import type { ClusterEvent, Pod } from "../../../kubernetes/objects.ts";
import { newest, timeOf } from "../../../kubernetes/obstacles.ts";
import { backupName, guardName } from "../../../model/names.ts";
import type { Settings } from "../../../config/settings.ts";
import { cronJobIn, missingBackups } from "../../../preflight/backups.ts";
import { type Check, check } from "./checks.ts";
import type { LiveStack } from "./live.ts";

/** One check for each feature that is on. */
export async function featureChecks(
    client: Client,
    settings: Settings,
    live: LiveStack,
): Promise<readonly Check[]> {
    return [
        ...(settings.guard ? [await guardCheck(client, live)] : []),
        ...(settings.backups ? [backupsCheck(settings, live)] : []),
    ];
}

async function guardCheck(client: Client, { name, pods }: LiveStack): Promise<Check> {
    const selector = `reportingComponent=${guardName}`;
    const path = `/api/v1/namespaces/${name}/events?fieldSelector=${encodeURIComponent(selector)}`;
    const events = await client.list<ClusterEvent>(path);
    return guardCheckOf(events, pods, `kubectl get events --field-selector ${selector}`);
}

/** Restarts and repairs do not fail the check: they are what the guard is for. Kubernetes keeps Events for an hour. */
export function guardCheckOf(events: readonly ClusterEvent[], pods: readonly Pod[], tried: string): Check {
    const count = (reason: string) => events.filter((event) => event.reason === reason).length;
    const failing = pods.flatMap(({ metadata }) => failureOf(events, metadata.name) ?? []);
    return check(
        "Guard",
        tried,
        failing.length === 0,
        failing.join(" ") ||
            [
                `in the last hour: restarts ${count("ApiRestarted")}`,
                `repairs ${count("ApiFileRepaired")}`,
                `shorter files ${count("ApiFileShorter")}`,
                `messages put back ${count("ApiMessagesPutBack")}`,
            ].join(", "),
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

function backupsCheck(settings: Settings, { objects }: LiveStack): Check {
    const problems = missingBackups(settings, { objects });
    const newest = cronJobIn(objects)?.status?.lastSuccessfulTime ?? "none yet";
    return check(
        "Backups",
        `kubectl get cronjob ${backupName}`,
        cronJobIn(objects) !== undefined && problems.length === 0,
        problems.map(({ reason }) => reason).join(" ") || `the newest scheduled backup: ${newest}`,
    );
}
