/** Claims: what a claim can be changed to, and which claims can be mounted. */
import type { Settings } from "../config/settings.ts";
import { podsThatMount } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import {
    type Finding,
    type Found,
    type FindingCode,
    type Fix,
    error,
    fix,
    warning,
} from "../model/finding.ts";
import { selectorLabels } from "../model/labels.ts";
import { type Owners, hasLabels } from "../model/ownership.ts";
import { declaredClaim, mountedClaim } from "../model/storage.ts";
import { isDefaultClass } from "./classes.ts";
import { type FatedClaim, heldBy } from "./fates.ts";
import { listNames, ownerArguments } from "./text.ts";

/** No config key gives this claim up, so nothing else would say that its messages are about to be deleted. */
export function terminatingClaim(live: FatedClaim, settings: Settings): Found {
    const { claim, place, mounted, fate } = live;
    const { name, uid } = claim.metadata;
    const { storage, retainData } = settings;
    // Another rule refuses to mount an existing claim that is being deleted.
    const isExisting = "existingClaim" in storage && storage.existingClaim === name;
    const isNeeded = mountedClaim(storage) === name || heldBy(live) !== undefined;
    const isLost = fate.kind === "terminating" && mounted && isNeeded;
    if (!isLost || isExisting || uid === settings.discardClaim) {
        return [];
    }
    return error(
        "claim-terminating",
        `Claim ${name} is being deleted: as soon as no pod mounts it, it is gone with its messages, and nothing stops that.`,
        fix(
            "Move the messages",
            retainData && "pulumi config set retainData false",
            "npm run switch -- ephemeral",
            storage.mode === "persistent" && "npm run switch -- persistent",
        ),
        fix(
            "Delete the messages",
            `kubectl delete pod --selector app=synergychat-api --namespace ${place.name}`,
            "npm run up",
        ),
    );
}

/** A claim that is retained keeps its name, so no claim of another class or access mode can take its place. */
export function retainedClaimInTheWay({ claim, fate }: FatedClaim): Found {
    if (fate.kind !== "in-the-way") {
        return [];
    }
    const { key, value, before } = fate.cause;
    const has = JSON.stringify(before);
    const { name, namespace = "" } = claim.metadata;
    return error(
        "retained-claim-differs",
        `${key} is ${JSON.stringify(value)}. Claim ${name} has ${key} ${has} and is kept (retainData), so its name is taken.`,
        fix("Use the claim", `pulumi config set ${key} ${has}`),
        fix("Delete the claim with its messages", `kubectl delete pvc ${name} --namespace ${namespace}`),
    );
}

/** A claim that existingClaim names, and that the api cannot mount. */
export function unusableExistingClaim(
    { storage, namespace }: Settings,
    snapshot: ClusterSnapshot,
    claims: readonly FatedClaim[],
    owners: Owners,
): Found {
    if (!("existingClaim" in storage)) {
        return [];
    }
    const name = storage.existingClaim;
    const live = claims.find(({ claim }) => claim.metadata.name === name);
    if (!live) {
        return missingExistingClaim(name, snapshot, owners);
    }
    const problem = unusable(live, snapshot);
    const look = fix("See the claim", `kubectl describe pvc ${name} --namespace ${namespace}`);
    return problem ? existingClaimFinding(problem[0], name, problem[1], look) : [];
}

/** Why a claim cannot be mounted. Undefined if it can. */
function unusable(
    { claim: { metadata, spec, status }, fate }: FatedClaim,
    snapshot: ClusterSnapshot,
): readonly [FindingCode, string] | undefined {
    const { accessModes = [], volumeMode = "Filesystem", storageClassName } = spec ?? {};
    const { phase = "unknown" } = status ?? {};
    if (fate.kind === "terminating") {
        return ["existing-claim-terminating", "That claim is being deleted."];
    }
    if (fate.kind === "deleted" || fate.kind === "declared") {
        return ["existing-claim-is-own", "The stack makes that claim itself."];
    }
    const isReadOnly = accessModes.length > 0 && accessModes.every((mode) => mode === "ReadOnlyMany");
    if (volumeMode === "Block" || isReadOnly || phase === "Lost") {
        const facts = `volume mode ${volumeMode}, access modes ${accessModes.join(", ")} and phase ${phase}`;
        return [
            "existing-claim-unusable",
            `The api needs a file system that it can write. That claim has ${facts}.`,
        ];
    }
    const used = snapshot.storageClasses?.find((one) => one.metadata.name === storageClassName);
    if (phase === "Pending" && used?.volumeBindingMode !== "WaitForFirstConsumer") {
        return [
            "existing-claim-unbound",
            "That claim has no volume yet (phase Pending), and its events say why.",
        ];
    }
    const others = podsThatMount(metadata.name, snapshot.pods).filter(
        (pod) => !hasLabels(pod, selectorLabels("api")),
    );
    const problem = `That claim is mounted by ${listNames(others)}. Two programs that write one file lose messages.`;
    return others.length > 0 ? ["existing-claim-mounted", problem] : undefined;
}

/** In a namespace that does not exist yet there is no claim, so the first step is a namespace that the stack owns. */
function missingExistingClaim(name: string, snapshot: ClusterSnapshot, owners: Owners): Finding {
    const namespace = snapshot.name;
    const apply = `kubectl apply --namespace ${namespace} --filename CLAIM.yaml`;
    return existingClaimFinding(
        "existing-claim-missing",
        name,
        snapshot.namespace
            ? `Namespace ${namespace} has no such claim. It has: ${listNames(snapshot.claims ?? [])}.`
            : `Namespace ${namespace} does not exist yet, so there is no claim in it.`,
        snapshot.namespace
            ? fix("Make the claim", apply)
            : fix(
                  "Make the namespace, then the claim in it",
                  `kubectl create namespace ${namespace}`,
                  `kubectl label namespace ${namespace} ${ownerArguments(owners[0])}`,
                  apply,
              ),
    );
}

/** An error about the key existingClaim. */
export function existingClaimFinding(
    code: FindingCode,
    name: string,
    problem: string,
    ...fixes: readonly (Fix | false)[]
): Finding {
    return error(
        code,
        `existingClaim is ${JSON.stringify(name)}. ${problem}`,
        ...fixes,
        fix("Name another claim", "pulumi config set existingClaim NAME"),
        fix("Let the stack make one", "pulumi config rm existingClaim"),
    );
}

/**
 * A volume that is a folder of one node is not there on another node, and minikube does not tell the scheduler so. Volumes that
 * say which node they are on keep the api there.
 */
export function volumesOnSeveralNodes(
    { storage }: Settings,
    { nodes = 1, storageClasses = [], tiedClasses }: ClusterSnapshot,
): Found {
    const wanted = declaredClaim(storage);
    const used = storageClasses.find((one) =>
        wanted?.storageClass === undefined ? isDefaultClass(one) : one.metadata.name === wanted.storageClass,
    );
    const { name = "" } = used?.metadata ?? {};
    const isFolder = used?.provisioner === "k8s.io/minikube-hostpath" && !tiedClasses.includes(name);
    if (!wanted || !isFolder || nodes < 2) {
        return [];
    }
    return warning(
        "volumes-on-several-nodes",
        `The cluster has ${nodes} nodes, and volumes of class ${name} are folders of one of them. If the api moves to another node, it starts without its messages.`,
        fix(
            "Use volumes that move along",
            "minikube addons enable volumesnapshots",
            "minikube addons enable csi-hostpath-driver",
            "pulumi config set storageClass csi-hostpath-sc",
        ),
    );
}
