/** The file on a claim that somebody else made: the api can neither use a folder, nor a file of another user. */
import type { Settings } from "../config/settings.ts";
import type { Client } from "../kubernetes/client.ts";
import { runJob } from "../kubernetes/jobs.ts";
import type { Claim, Volume } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { volumesPath } from "../kubernetes/volumes.ts";
import { type Finding, fix } from "../model/finding.ts";
import { objectPath } from "../model/kinds.ts";
import { claimCheckName, nonRoot } from "../model/names.ts";
import { existingClaimFinding } from "./claims.ts";

const checkSeconds = 120; // for the volume to be mounted

/**
 * Looks into the claim that the api is about to mount for the first time.
 *
 * @param job the Job's spec. Undefined: the stack mounts no claim of somebody else's.
 * @returns a finding if the api could not keep its messages there. None if that cannot be found out: the rollout fails then.
 */
export async function checkExistingClaim(
    client: Client,
    settings: Settings,
    snapshot: ClusterSnapshot,
    job: object | undefined,
): Promise<readonly Finding[]> {
    const claim = claimToCheck(settings, snapshot);
    if (job === undefined || claim === undefined) {
        return [];
    }
    const { namespace, context } = settings;
    const name = `${claimCheckName}-${Date.now().toString(36)}`;
    const end = await runJob(
        client,
        namespace,
        { name, labels: { app: claimCheckName }, spec: job },
        { seconds: checkSeconds, container: claimCheckName },
    );
    await client.delete(objectPath("Job", name, namespace));
    if (!end.ok || end.log.trim() !== "unusable") {
        return [];
    }
    const volume = await client.findIfAllowed<Volume>(`${volumesPath}/${claim.spec?.volumeName ?? ""}`);
    return [unusableFile(claim.metadata.name, context, volume)];
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
