/** Claims: what a claim can be changed to, and which claims can be mounted. */
import { type ClaimArgs, declaredClaim } from "../model/storage.ts";
import { bytesOf } from "../config/quantity.ts";
import type { Settings } from "../config/settings.ts";
import { type Claim, type Pod, podsThatMount } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding, FindingCode, Fix } from "../model/finding.ts";
import { classAnnotation, selectorLabels } from "../model/labels.ts";
import { backupsClaimName, claimName } from "../model/names.ts";
import { type Owners, isRetained } from "../model/ownership.ts";
import { listNames, ownerArguments } from "./text.ts";

/** Changes of the claim, and existing claims, that cannot work. */
export function impossibleClaims(
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): readonly Finding[] {
    const { storage, namespace } = settings;
    if ("existingClaim" in storage) {
        return unusableClaim(storage.existingClaim, settings, snapshot, owners);
    }
    const own = (name: string) =>
        snapshot.claims.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
    return [
        ...impossibleClaim(own(claimName), declaredClaim(storage), settings, snapshot),
        ...impossibleSize(own(backupsClaimName), settings.backups?.claim, settings, snapshot),
    ];
}

function impossibleClaim(
    claim: Claim | undefined,
    wanted: ClaimArgs | undefined,
    settings: Settings,
    snapshot: ClusterSnapshot,
): readonly Finding[] {
    if (!wanted || !claim) {
        return [];
    }
    if (!isCurrent(claim, settings)) {
        return isRetained(claim) ? [retainedClaimInTheWay(claim, wanted)] : [];
    }
    if (claim.metadata.deletionTimestamp && snapshot.api?.claim === claim.metadata.name) {
        return [terminatingClaim(settings)];
    }
    return impossibleSize(claim, wanted, settings, snapshot);
}

/** Whether the program still declares this very claim. A change of any of these replaces it. */
export function isCurrent(claim: Claim, { storage, namespace, backups }: Settings): boolean {
    if (isBackupsClaim(claim)) {
        // Of whatever class: it keeps the one that it was made with.
        return claim.metadata.namespace === namespace && backups !== undefined;
    }
    const wanted = declaredClaim(storage);
    return (
        wanted !== undefined &&
        claim.metadata.namespace === namespace &&
        claim.metadata.name === claimName &&
        requestedClass(claim) === (wanted.storageClass ?? "")
    );
}

/** Whether a claim holds the backups. */
export function isBackupsClaim({ metadata }: Claim): boolean {
    return metadata.name === backupsClaimName;
}

/** A claim that somebody else made, and that the api cannot mount. */
function unusableClaim(
    name: string,
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): readonly Finding[] {
    const claims = snapshot.objects.filter(({ kind }) => kind === "PersistentVolumeClaim");
    const claim = claims.find(({ metadata }) => metadata.name === name) as Claim | undefined;
    if (!claim) {
        return [missingExistingClaim(name, settings, snapshot, owners)];
    }
    const [code, problem] = unusable(claim, snapshot) ?? [];
    if (code === undefined || problem === undefined) {
        return [];
    }
    const finding = existingClaimFinding(code, name, problem);
    const look = {
        to: "See the claim",
        run: [`kubectl describe pvc ${name} --namespace ${settings.namespace}`],
    };
    return [{ ...finding, fixes: [look, ...finding.fixes] }];
}

/** Why a claim cannot be mounted. Undefined if it can. */
function unusable(claim: Claim, snapshot: ClusterSnapshot): readonly [FindingCode, string] | undefined {
    const { metadata, spec, status } = claim;
    const { name } = metadata;
    if (metadata.deletionTimestamp) {
        return ["existing-claim-terminating", "That claim is being deleted."];
    }
    if (snapshot.claims.some((own) => own.metadata.name === name) && !isRetained(claim)) {
        return [
            "existing-claim-is-own",
            "The stack makes that claim itself, so this change would delete it first.",
        ];
    }
    if (spec?.volumeMode === "Block") {
        return [
            "existing-claim-unusable",
            "That claim is a block device (volumeMode Block), and the api needs a file system.",
        ];
    }
    if (spec?.accessModes?.every((mode) => mode === "ReadOnlyMany")) {
        return ["existing-claim-unusable", "That claim is read-only, and the api writes its file."];
    }
    if (status?.phase === "Lost") {
        return ["existing-claim-unusable", "That claim has lost its volume (phase Lost)."];
    }
    if (status?.phase === "Pending" && !bindsAtFirstUse(claim, snapshot)) {
        return [
            "existing-claim-unbound",
            "That claim has no volume yet (phase Pending), and its events say why.",
        ];
    }
    const others = podsThatMount(name, snapshot.pods).filter((pod) => !isApiPod(pod));
    return others.length === 0
        ? undefined
        : [
              "existing-claim-mounted",
              `That claim is mounted by ${listNames(others)}. Two programs that write one file lose messages.`,
          ];
}

function bindsAtFirstUse({ spec }: Claim, { storageClasses = [] }: ClusterSnapshot): boolean {
    const used = storageClasses.find(({ metadata }) => metadata.name === spec?.storageClassName);
    return used?.volumeBindingMode === "WaitForFirstConsumer";
}

function isApiPod({ metadata }: Pod): boolean {
    return Object.entries(selectorLabels("api")).every(
        ([label, value]) => metadata.labels?.[label] === value,
    );
}

/** In a namespace that does not exist yet there can be no claim, so the way on begins with a namespace that the stack owns. */
function missingExistingClaim(
    name: string,
    { namespace }: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): Finding {
    const apply = `kubectl apply --namespace ${namespace} --filename CLAIM.yaml`;
    if (snapshot.namespace) {
        const claims = snapshot.objects.filter(({ kind }) => kind === "PersistentVolumeClaim");
        const problem = `Namespace ${namespace} has no such claim. It has: ${listNames(claims)}.`;
        const finding = existingClaimFinding("existing-claim-missing", name, problem);
        return { ...finding, fixes: [{ to: "Make the claim", run: [apply] }, ...finding.fixes] };
    }
    const finding = existingClaimFinding(
        "existing-claim-missing",
        name,
        `Namespace ${namespace} does not exist yet, so there is no claim in it.`,
    );
    const make = {
        to: "Make the namespace, then the claim in it",
        run: [
            `kubectl create namespace ${namespace}`,
            `kubectl label namespace ${namespace} ${ownerArguments(owners[0])}`,
            apply,
        ],
    };
    return { ...finding, fixes: [make, ...finding.fixes] };
}

/** An error about the key existingClaim. */
export function existingClaimFinding(code: FindingCode, name: string, problem: string): Finding {
    return {
        code,
        severity: "error",
        subject: { key: "existingClaim", value: name },
        reason: `existingClaim is ${JSON.stringify(name)}. ${problem}`,
        fixes: [
            { to: "Name another claim", run: ["pulumi config set existingClaim NAME"] },
            { to: "Let the stack make one", run: ["pulumi config rm existingClaim"] },
        ],
    };
}

/** A volume that is a folder of one node is not there on another node, and minikube does not tell the scheduler so. */
export function volumesOnSeveralNodes(
    { storage }: Settings,
    { nodes, storageClasses = [] }: ClusterSnapshot,
): readonly Finding[] {
    const wanted = declaredClaim(storage);
    const used = storageClasses.find(({ metadata }) =>
        wanted?.storageClass === undefined
            ? metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"
            : metadata.name === wanted.storageClass,
    );
    const isHostPath = wanted !== undefined && used?.provisioner === "k8s.io/minikube-hostpath";
    return isHostPath && nodes !== undefined && nodes > 1
        ? [
              {
                  code: "volumes-on-several-nodes",
                  severity: "warning",
                  subject: { key: "storageClass", value: used.metadata.name },
                  reason: `The cluster has ${nodes} nodes, and volumes of class ${used.metadata.name} are folders of one of them. If the api moves to another node, it starts without its messages.`,
                  fixes: [
                      {
                          to: "Use volumes that move along",
                          run: [
                              "minikube addons enable volumesnapshots",
                              "minikube addons enable csi-hostpath-driver",
                              "pulumi config set storageClass csi-hostpath-sc",
                          ],
                      },
                  ],
              },
          ]
        : [];
}

/** No config key gives this claim up, so nothing else would say that its messages are about to be deleted. */
function terminatingClaim({ namespace, retainData }: Settings): Finding {
    const release = retainData ? ["pulumi config set retainData false"] : [];
    return {
        code: "claim-terminating",
        severity: "error",
        subject: { kind: "PersistentVolumeClaim", name: claimName, namespace },
        reason: `Claim ${claimName} is being deleted: as soon as no pod mounts it, it is gone with its messages, and nothing stops that.`,
        fixes: [
            {
                to: "Move the messages",
                run: [...release, "npm run switch -- ephemeral", "npm run switch -- persistent"],
            },
            {
                to: "Delete the messages",
                run: [
                    `kubectl delete pod --selector app=synergychat-api --namespace ${namespace}`,
                    "npm run up",
                ],
            },
        ],
    };
}

/** A claim that is retained keeps its name, so no claim of another class can take its place. */
function retainedClaimInTheWay(claim: Claim, wanted: ClaimArgs): Finding {
    const has = requestedClass(claim);
    const { namespace = "" } = claim.metadata;
    return {
        code: "retained-claim-has-other-class",
        severity: "error",
        subject: { key: "storageClass", value: wanted.storageClass ?? "" },
        reason: `storageClass is ${JSON.stringify(wanted.storageClass ?? "")}. Claim ${claimName} is kept (retainData) with class ${JSON.stringify(has)}, and its name is taken.`,
        fixes: [
            { to: "Use the claim", run: [`pulumi config set storageClass ${JSON.stringify(has)}`] },
            {
                to: "Delete the claim with its messages",
                run: [`kubectl delete pvc ${claimName} --namespace ${namespace}`],
            },
        ],
    };
}

function impossibleSize(
    claim: Claim | undefined,
    wanted: ClaimArgs | undefined,
    { retainData }: Settings,
    snapshot: ClusterSnapshot,
): readonly Finding[] {
    if (!claim || !wanted) {
        return [];
    }
    const { name } = claim.metadata;
    const has = claim.spec?.resources?.requests?.storage ?? "";
    const growth = (bytesOf(wanted.size) ?? 0) - (bytesOf(has) ?? 0);
    const storageClass = snapshot.storageClasses?.find(
        ({ metadata }) => metadata.name === claim.spec?.storageClassName,
    );
    const keep = { to: "Keep the size", run: [`pulumi config set storageSize ${has}`] };
    const finding = (code: FindingCode, problem: string, fixes: Finding["fixes"]): Finding => ({
        code,
        severity: "error",
        subject: { key: "storageSize", value: wanted.size },
        reason: `storageSize is ${JSON.stringify(wanted.size)}. ${problem}`,
        fixes,
    });
    if (growth < 0) {
        return [
            finding("claim-cannot-shrink", `Claim ${name} has ${has}, and a claim cannot shrink.`, [keep]),
        ];
    }
    return growth > 0 && storageClass && !storageClass.allowVolumeExpansion
        ? [
              finding(
                  "claim-cannot-grow",
                  `Claim ${name} has ${has}, and its class ${storageClass.metadata.name} does not allow it to grow.`,
                  [keep, ...(isBackupsClaim(claim) ? [] : [moveToLargerClass(retainData)])],
              ),
          ]
        : [];
}

function moveToLargerClass(retainData: boolean): Fix {
    return {
        to: "Move the messages to a claim of a class that allows it",
        run: [
            // A claim that is kept would still be declared.
            ...(retainData ? ["pulumi config set retainData false"] : []),
            "npm run switch -- ephemeral",
            "pulumi config set storageClass NAME",
            "npm run switch -- persistent",
        ],
    };
}

/** The storage class that the config asked for when the claim was made. Empty: the cluster's default class. */
export function requestedClass({ metadata }: Claim): string {
    return metadata.annotations?.[classAnnotation] ?? "";
}
