/** What a claim can be changed to, and what becomes of it. */
import type { Claim, Facts } from "../cluster/facts";
import { type ClaimArgs, claimName, classAnnotation, ownClaim } from "../components/storage";
import type { Settings } from "../config";
import { bytesOf } from "../quantity";
import { isRetained, names } from "./ownership";

export function impossibleClaims(settings: Settings, facts: Facts): string[] {
    const { storage } = settings;
    if ("existingClaim" in storage) {
        const reason = impossible(storage.existingClaim, settings, facts);
        return reason === undefined
            ? []
            : [`existingClaim is ${JSON.stringify(storage.existingClaim)}: ${reason}`];
    }
    const wanted = ownClaim(storage);
    const claim = facts.claims.find(({ metadata }) => metadata.namespace === settings.namespace);
    if (!wanted || !claim) {
        return [];
    }
    if (!isCurrent(claim, settings)) {
        return isRetained(claim) ? [keptClaimInTheWay(claim, wanted)] : [];
    }
    if (claim.metadata.deletionTimestamp && facts.api?.claim === claim.metadata.name) {
        return [goingClaim(settings)];
    }
    const [has, asked] = [claim.spec.resources.requests.storage, wanted.size];
    const growth = (bytesOf(asked) ?? 0) - (bytesOf(has) ?? 0);
    const storageClass = facts.storageClasses?.find(
        ({ metadata }) => metadata.name === claim.spec.storageClassName,
    );
    if (growth < 0) {
        return [
            `storageSize is ${JSON.stringify(asked)}: claim ${claimName} has ${has}, and a claim cannot shrink.\n` +
                `    Run: pulumi config set storageSize ${has}`,
        ];
    }
    return growth > 0 && storageClass && !storageClass.allowVolumeExpansion
        ? [
              `storageSize is ${JSON.stringify(asked)}: claim ${claimName} has ${has}, and its class ${storageClass.metadata.name} does not let it grow.\n` +
                  `    Run: pulumi config set storageSize ${has}, or choose another storageClass (a new, empty claim)`,
          ]
        : [];
}

/** Why a claim of somebody else's cannot be used. */
function impossible(name: string, { namespace }: Settings, facts: Facts): string | undefined {
    const claims = facts.objects.filter(({ kind }) => kind === "PersistentVolumeClaim");
    const claim = claims.find(({ metadata }) => metadata.name === name);
    if (!claim) {
        return (
            `namespace ${namespace} has no such claim, it has: ${names(claims)}.\n` +
            "    Make the claim first, or run: pulumi config rm existingClaim"
        );
    }
    if (claim.metadata.deletionTimestamp) {
        return "that claim is being deleted.\n    Name another one, or run: pulumi config rm existingClaim";
    }
    return facts.claims.some(({ metadata }) => metadata.name === name) && !isRetained(claim)
        ? "that is the claim that the stack makes itself, and it would be deleted first.\n    Run: pulumi config rm existingClaim"
        : undefined;
}

/** Nothing of the config gives it up, so nothing else would say that its messages are on their way out. */
function goingClaim({ namespace, retainData }: Settings): string {
    const first = retainData ? "pulumi config set retainData false, then " : "";
    return (
        `Claim ${claimName} is being deleted: it goes, with what it holds, once no pod mounts it, and nothing takes that back.\n` +
        `    To take its messages along: ${first}npm run switch -- ephemeral, and then npm run switch -- persistent\n` +
        `    To lose them: kubectl delete pod --selector app=synergychat-api --namespace ${namespace}, then npm run up`
    );
}

/** A claim that stays holds its name, so none of another class can take its place. */
function keptClaimInTheWay(claim: Claim, wanted: ClaimArgs): string {
    const asked = claim.metadata.annotations?.[classAnnotation] ?? "";
    return (
        `storageClass is ${JSON.stringify(wanted.storageClass ?? "")}: claim ${claimName} is kept (retainData) with the class ${JSON.stringify(asked)}.\n` +
        `    To go on with it: pulumi config set storageClass ${JSON.stringify(asked)}\n` +
        `    To give it up, with all that it holds: kubectl delete pvc ${claimName} --namespace ${claim.metadata.namespace ?? ""}`
    );
}

/** Whether the program still declares this very claim: a change of any of these replaces it. */
export function isCurrent(claim: Claim, { storage, namespace }: Settings): boolean {
    const wanted = ownClaim(storage);
    return (
        wanted !== undefined &&
        claim.metadata.namespace === namespace &&
        claim.metadata.name === claimName &&
        (claim.metadata.annotations?.[classAnnotation] ?? "") === (wanted.storageClass ?? "")
    );
}

/** Name of the claim that the api is to use; undefined with ephemeral storage. */
export function mountedClaim({ storage }: Settings): string | undefined {
    if (storage.mode === "ephemeral") {
        return undefined;
    }
    return "existingClaim" in storage ? storage.existingClaim : claimName;
}
