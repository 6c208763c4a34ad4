/** A new image of the api, which has to read the messages before it takes the place of the old one. */
import type { Settings } from "../config/settings.ts";
import type { Client } from "../kubernetes/client.ts";
import { runJob } from "../kubernetes/jobs.ts";
import { type ClusterSnapshot, apiImageOf } from "../kubernetes/snapshot.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { backupName, toolsConfigMapName, upgradeJobPrefix } from "../model/names.ts";
import { mountedClaim } from "../model/storage.ts";
import { cronJobIn } from "./backups.ts";

const trialSeconds = 300; // for the image to be pulled, and to return the messages of the copy

/**
 * Starts a new image on a copy of the messages, which stays as a backup if the stack has some.
 *
 * @param job the Job's spec, with the new image. Undefined: the stack has neither guard nor backups.
 * @returns a finding if the image does not return the messages. The api runs on in either case.
 */
export async function tryNewImage(
    client: Client,
    settings: Settings,
    snapshot: ClusterSnapshot,
    job: object | undefined,
): Promise<readonly Finding[]> {
    const before = replacedImage(settings, snapshot);
    if (job === undefined || before === undefined) {
        return [];
    }
    const name = `${upgradeJobPrefix}${Date.now().toString(36)}`;
    const end = await runJob(
        client,
        settings.namespace,
        // Without the stack's owner labels: it is not one of the stack's objects. It goes with the CronJob, because its pod
        // mounts the claim of the backups, which could not be deleted otherwise.
        { name, labels: { app: backupName }, spec: job, owner: cronJobIn(snapshot.objects) },
        { seconds: trialSeconds, container: "prove" },
    );
    return end.ok ? [] : [upgradeRefused(settings, { before, reason: end.reason, job: name })];
}

/** The image that the api runs now, if an update would replace it by another one, and a trial is possible. */
export function replacedImage(
    { images, storage, guard, backups }: Settings,
    { api, apiImage = images.api, objects }: Pick<ClusterSnapshot, "api" | "apiImage" | "objects">,
): string | undefined {
    const image = api && apiImageOf(api.deployment);
    const isPossible =
        (guard !== undefined || backups !== undefined) &&
        api?.claim !== undefined &&
        // An api that does not answer has nothing to lose by another image, and no messages to try it with.
        api.messages !== undefined &&
        api.claim === mountedClaim(storage) &&
        // The trial runs programs that the stack has put there.
        objects.some(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === toolsConfigMapName);
    return isPossible && image !== apiImage ? image : undefined;
}

/** A new image that did not return the messages of a copy. */
export function upgradeRefused(
    { images, namespace }: Settings,
    { before, reason, job }: { readonly before: string; readonly reason: string; readonly job: string },
): Finding {
    return error(
        "upgrade-refused",
        `Image ${images.api} cannot replace ${before}, because it did not pass the trial on a copy of the messages: ${reason}`,
        fix("See its log", `kubectl logs job/${job} --namespace ${namespace} --all-containers`),
        fix("Go back to the last good image", `pulumi config set --path images.api ${before}`),
    );
}
