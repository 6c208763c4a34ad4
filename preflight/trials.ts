/**
 * Jobs that look before an update what only a pod can see: whether the api can use the file on a claim that somebody else made,
 * and whether a new image of the api reads the messages before it takes the place of the old one.
 */
import type { Settings } from "../config/settings.ts";
import type { Client } from "../kubernetes/client.ts";
import { runJob } from "../kubernetes/jobs.ts";
import type { Claim, Volume } from "../kubernetes/objects.ts";
import { type ClusterSnapshot, apiImageOf } from "../kubernetes/snapshot.ts";
import { volumesPath } from "../kubernetes/volumes.ts";
import { type Finding, type Found, error, fix } from "../model/finding.ts";
import { objectPath } from "../model/kinds.ts";
import { backupName, claimCheckName, nonRoot, toolsConfigMapName, upgradeJobPrefix } from "../model/names.ts";
import { mountedClaim } from "../model/storage.ts";
import { cronJobIn } from "./backups.ts";
import { existingClaimFinding } from "./claims.ts";

/** Specs of the Jobs. */
export interface Trials {
    /** Makes a backup and starts the api's image on a copy of it. Undefined: there is nothing that could be copied. */
    readonly newImage: object | undefined;
    /** Looks into the claim that somebody else made, before the api mounts it. Undefined: there is no such claim. */
    readonly existingClaim: object | undefined;
}

const checkSeconds = 120; // for the volume to be mounted
const trialSeconds = 300; // for the image to be pulled, and to return the messages of the copy

/**
 * Looks into the claim that the api is about to mount for the first time.
 *
 * @returns a finding if the api could not keep its messages there. None if that cannot be found out: the rollout fails then.
 */
export async function checkExistingClaim(
    client: Client,
    settings: Settings,
    snapshot: ClusterSnapshot,
    { existingClaim: spec }: Trials,
): Promise<Found> {
    const claim = claimToCheck(settings, snapshot);
    if (spec === undefined || claim === undefined) {
        return [];
    }
    const { namespace, context } = settings;
    const job = {
        name: `${claimCheckName}-${Date.now().toString(36)}`,
        labels: { app: claimCheckName },
        spec,
    };
    const end = await runJob(client, namespace, job, { seconds: checkSeconds, container: claimCheckName });
    await client.delete(objectPath("Job", job.name, namespace));
    if (!end.ok || end.log?.trim() !== "unusable") {
        return [];
    }
    const volume = await client.findIfAllowed<Volume>(`${volumesPath}/${claim.spec?.volumeName ?? ""}`);
    return unusableFile(claim.metadata.name, context, volume);
}

/**
 * Starts a new image on a copy of the messages, which stays as a backup if the stack has some.
 *
 * @returns a finding if the image does not return the messages. The api runs on in either case.
 */
export async function tryNewImage(
    client: Client,
    settings: Settings,
    snapshot: ClusterSnapshot,
    { newImage: spec }: Trials,
): Promise<Found> {
    const before = replacedImage(settings, snapshot);
    if (spec === undefined || before === undefined) {
        return [];
    }
    const name = `${upgradeJobPrefix}${Date.now().toString(36)}`;
    // Without the stack's owner labels: it is not one of the stack's objects. It goes with the CronJob, because its pod
    // mounts the claim of the backups, which could not be deleted otherwise.
    const job = { name, labels: { app: backupName }, spec, owner: cronJobIn(snapshot.objects) };
    const end = await runJob(client, settings.namespace, job, { seconds: trialSeconds, container: "prove" });
    const started = end.log === undefined ? undefined : name;
    return end.ok ? [] : upgradeRefused(settings, { before, reason: end.reason, job: started });
}

/** The claim of somebody else's that the api does not mount yet, if it has a volume already. */
export function claimToCheck(
    { storage }: Settings,
    { api, claims = [] }: Pick<ClusterSnapshot, "api" | "claims">,
): Claim | undefined {
    if (!("existingClaim" in storage) || api?.claim === storage.existingClaim) {
        return undefined;
    }
    const claim = claims.find(({ metadata }) => metadata.name === storage.existingClaim);
    return claim?.status?.phase === "Bound" ? claim : undefined;
}

/** A claim on which the api could not keep its messages. */
export function unusableFile(claim: string, context: string, volume: Volume | undefined): Finding {
    const folder = volume?.spec?.hostPath?.path;
    const own = `sudo chown -R ${nonRoot}:${nonRoot} '${folder ?? ""}'`;
    return existingClaimFinding(
        "existing-claim-file-unusable",
        claim,
        `On that claim, user ${nonRoot}, as which the api runs, cannot read and write a file db.json.`,
        folder !== undefined &&
            fix("Make the files the api's", `minikube ssh --profile ${context} -- ${own}`),
    );
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
    {
        before,
        reason,
        job,
    }: { readonly before: string; readonly reason: string; readonly job: string | undefined },
): Finding {
    return error(
        "upgrade-refused",
        `Image ${images.api} cannot replace ${before}, because it did not pass the trial on a copy of the messages: ${reason}`,
        job !== undefined &&
            fix("See its log", `kubectl logs job/${job} --namespace ${namespace} --all-containers`),
        fix("Go back to the last good image", `pulumi config set --path images.api ${before}`),
    );
}
