/** Messages that a change would lose, or leave in a claim that nothing mounts. */
import type { Settings } from "../config/settings.ts";
import type { ApiState } from "../kubernetes/chat-api.ts";
import type { Claim } from "../kubernetes/objects.ts";
import type { AbandonedNamespace, ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding, Fix } from "../model/finding.ts";
import type { Operation } from "../model/labels.ts";
import { claimName, serviceName } from "../model/names.ts";
import { cronJobIn } from "./backups.ts";
import { type Owners, isOwned, isRetained } from "../model/ownership.ts";
import { declaredClaim, mountedClaim } from "../model/storage.ts";
import { isBackupsClaim, isCurrent, requestedClass } from "./claims.ts";
import { countMessages } from "./text.ts";

const keepClaim = ["pulumi config set retainData true", "pulumi up"];

/** While the api is out of its Service, its messages are about to be moved or replaced. */
export function interrupted(operation: Operation): Finding {
    return operation === "switch" ? interruptedSwitch : interruptedRestore;
}

const interruptedSwitch: Finding = {
    code: "switch-interrupted",
    severity: "error",
    subject: { key: "storageMode" },
    reason: "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.",
    fixes: [
        { to: "Complete or undo it", run: ["npm run switch -- persistent"] },
        { to: "Or", run: ["npm run switch -- ephemeral"] },
    ],
};

const interruptedRestore: Finding = {
    code: "restore-interrupted",
    severity: "error",
    subject: { kind: "Service", name: serviceName("api") },
    reason: "A restore of the messages was interrupted: the api is out of its Service, and nobody can post.",
    fixes: [
        { to: "See how to complete or undo it, on the machine on which it began", run: ["npm run restore"] },
    ],
};

/** A switch or a restore that was interrupted, after which nothing else can be done. */
export function interruptedOperations({ api, abandoned }: ClusterSnapshot): readonly Finding[] {
    if (api?.outOfService) {
        return [interrupted(api.outOfService)];
    }
    const elsewhere = abandoned.find((one) => one.api?.outOfService);
    const operation = elsewhere?.api?.outOfService;
    if (!elsewhere || !operation) {
        return [];
    }
    const found = interrupted(operation);
    const name = elsewhere.namespace.metadata.name;
    const goBack = { to: "First go back", run: [`pulumi config set namespace ${name}`] };
    return [{ ...found, fixes: [goBack, ...found.fixes] }];
}

/** Claims that would be deleted with messages, unless discardClaim names them. */
export function claimsThatWouldBeDeleted(
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): readonly Finding[] {
    const here = snapshot.claims
        .filter((claim) => !isCurrent(claim, settings) && !isRetained(claim))
        .map((claim) => ({ claim, api: snapshot.api }));
    const there = snapshot.abandoned.flatMap((one) =>
        claimsDeletedWith(one, owners).map((claim) => ({ claim, api: one.api })),
    );
    const unknown = snapshot.abandoned
        .filter(({ namespace, claims }) => claims === undefined && !isRetained(namespace))
        .map(({ namespace }) => unlistedClaims(namespace.metadata.name, settings));
    const deleted = [...here, ...there]
        .filter(({ claim }) => claim.metadata.uid !== settings.discardClaim)
        .flatMap(({ claim, api }) => {
            const held = messagesIn(claim, api);
            return held === undefined ? [] : [wouldBeDeleted(claim, held, settings, snapshot, owners)];
        });
    return [...unknown, ...deleted];
}

/** Deleting a namespace deletes every claim in it, whoever owns it. */
function claimsDeletedWith({ namespace, claims = [] }: AbandonedNamespace, owners: Owners): readonly Claim[] {
    return claims.filter((claim) => !isRetained(namespace) || (isOwned(claim, owners) && !isRetained(claim)));
}

function unlistedClaims(abandoned: string, { namespace }: Settings): Finding {
    return {
        code: "claims-unlisted",
        severity: "error",
        subject: { kind: "Namespace", name: abandoned },
        reason:
            `Namespace ${abandoned} would be deleted, because namespace is ${JSON.stringify(namespace)}, and you may not list the claims in it.\n` +
            "Ask who runs the cluster for the permission to list persistentvolumeclaims there.",
        fixes: [{ to: "Keep the namespace", run: [`pulumi config set namespace ${abandoned}`] }],
    };
}

/** What a claim holds. Undefined: nothing. A claim whose messages cannot be counted counts as full. */
function messagesIn(claim: Claim, api: ApiState | undefined): string | undefined {
    const { metadata, spec } = claim;
    if (spec?.volumeName === undefined) {
        return undefined;
    }
    if (isBackupsClaim(claim)) {
        return "all backups";
    }
    if (api?.claim !== metadata.name || api.messages === undefined) {
        return "messages that cannot be counted (the api does not answer, or does not mount the claim)";
    }
    return api.messages === 0 ? undefined : countMessages(api.messages);
}

function wouldBeDeleted(
    claim: Claim,
    held: string,
    settings: Settings,
    snapshot: ClusterSnapshot,
    owners: Owners,
): Finding {
    const { name, namespace = "", uid } = claim.metadata;
    const { key, value, before } = cause(claim, settings, snapshot);
    const change = configCommand(key, value);
    const back = configCommand(key, before);
    const subject = { kind: "PersistentVolumeClaim", name, namespace, uid };
    const keep: Fix = { to: "Keep the claim", run: [back, ...keepClaim, change] };
    if (!isOwned(claim, owners)) {
        return {
            code: "foreign-claim-would-be-deleted",
            severity: "error",
            subject,
            reason: `Claim ${name} would be deleted with its namespace ${namespace}, because ${key} is ${JSON.stringify(value)}. This stack does not own the claim.`,
            fixes: [
                keep,
                { to: "Delete the claim", run: [`kubectl delete pvc ${name} --namespace ${namespace}`] },
            ],
        };
    }
    const unprotect = settings.protectData ? ["pulumi config set protectData false", "pulumi up"] : [];
    return {
        code: "claim-would-be-deleted",
        severity: "error",
        subject,
        reason: `Claim ${name} in namespace ${namespace} would be deleted with ${held}, because ${key} is ${JSON.stringify(value)}.`,
        fixes: [
            ...moveMessages(key, back, change),
            // A claim that is kept keeps its name, so no claim of another class could take its place.
            ...(key === "storageClass" ? [] : [keepInPlace(key, back) ?? keep]),
            {
                to: isBackupsClaim(claim) ? "Delete the backups" : "Delete the messages",
                run: [...unprotect, `pulumi config set discardClaim ${uid}`],
            },
        ],
    };
}

/** How a claim stays declared, so that one run does it. Undefined: it cannot. */
function keepInPlace(key: string, back: string): Fix | undefined {
    const run: Partial<Record<string, readonly string[]>> = {
        storageMode: ["pulumi config set retainData true"],
        backupSchedule: [back, "pulumi config set backupSuspend true"],
    };
    return run[key] && { to: "Keep the claim", run: run[key] };
}

/** How the messages come along with a change of a key. */
function moveMessages(key: string, back: string, change: string): readonly Fix[] {
    const run: Partial<Record<string, readonly string[]>> = {
        storageMode: ["npm run switch -- ephemeral"],
        storageClass: [back, "npm run switch -- ephemeral", change, "npm run switch -- persistent"],
    };
    const commands = run[key];
    return commands ? [{ to: "Move the messages", run: commands }] : [];
}

/** A change of a config key. Empty: its default. */
interface Cause {
    readonly key: string;
    readonly value: string;
    /** What the key said while the claim was declared. */
    readonly before: string;
}

/** The config key that gives the claim up. */
function cause(claim: Claim, { namespace, storage }: Settings, { objects }: ClusterSnapshot): Cause {
    if (claim.metadata.namespace !== namespace) {
        return { key: "namespace", value: namespace, before: claim.metadata.namespace ?? "" };
    }
    if (isBackupsClaim(claim)) {
        return { key: "backupSchedule", value: "", before: cronJobIn(objects)?.spec?.schedule ?? "@daily" };
    }
    if (storage.mode === "ephemeral") {
        return { key: "storageMode", value: storage.mode, before: "persistent" };
    }
    return "existingClaim" in storage
        ? { key: "existingClaim", value: storage.existingClaim, before: "" }
        : { key: "storageClass", value: storage.claim.storageClass ?? "", before: requestedClass(claim) };
}

function configCommand(key: string, value: string): string {
    const word = value.includes(" ") ? `'${value}'` : value;
    return value === "" ? `pulumi config rm ${key}` : `pulumi config set ${key} ${word}`;
}

/** Ephemeral messages that would be lost. */
export function ephemeralMessages(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    return [...inAbandonedNamespaces(settings, snapshot), ...inThisNamespace(settings, snapshot)];
}

function inAbandonedNamespaces({ namespace }: Settings, { abandoned }: ClusterSnapshot): readonly Finding[] {
    return abandoned.flatMap((one) => {
        const held = ephemeralMessagesOf(one.api);
        const { name } = one.namespace.metadata;
        return held === undefined
            ? []
            : [
                  {
                      code: "ephemeral-messages-would-be-lost",
                      severity: "warning" as const,
                      subject: { kind: "Namespace", name },
                      reason: `${held} in namespace ${name} would be lost: the stack moves to namespace ${namespace} and starts empty there.`,
                      fixes: [{ to: "Keep them", run: [`pulumi config set namespace ${name}`] }],
                  },
              ];
    });
}

function inThisNamespace(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    const held = ephemeralMessagesOf(snapshot.api);
    const loss = lossHere(settings, snapshot);
    return held === undefined || loss === undefined
        ? []
        : [
              {
                  code: "ephemeral-messages-would-be-lost",
                  severity: "warning",
                  subject: { kind: "Namespace", name: settings.namespace },
                  reason: `${held} ${loss}`,
                  fixes: [{ to: "Move them to a claim", run: ["npm run switch -- persistent"] }],
              },
          ];
}

/** How messages on the pod's volume would be lost, as the rest of a sentence. Undefined: the pod stays. */
function lossHere(settings: Settings, { claims, apiPodChanges }: ClusterSnapshot): string | undefined {
    if (settings.storage.mode === "persistent") {
        return claims.some((claim) => isCurrent(claim, settings))
            ? "would be lost: the api mounts the claim that was kept, with what that holds."
            : "would be lost: persistent storage starts empty.";
    }
    if (apiPodChanges === undefined) {
        return "may be lost: the cluster does not tell whether the api's pod is replaced.";
    }
    const shown = apiPodChanges.map((field) => field.replace(/^template\./, "")).slice(0, 3);
    const more = apiPodChanges.length > shown.length ? ", ..." : "";
    return apiPodChanges.length === 0
        ? undefined
        : `would be lost: the api's pod is replaced, because its template changes (${shown.join(", ")}${more}).`;
}

/** Messages in a claim that is kept, while the api does not mount it any more. */
export function keptClaimsNotMounted(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    return [...keptHere(settings, snapshot), ...keptElsewhere(snapshot)];
}

function keptHere(settings: Settings, { api, claims }: ClusterSnapshot): readonly Finding[] {
    const own = claims.find(({ metadata }) => metadata.name === api?.claim);
    const stays = own === undefined || isCurrent(own, settings);
    if (!stays || api?.claim === mountedClaim(settings.storage)) {
        return [];
    }
    const back =
        api?.claim === claimName
            ? ["pulumi config set storageMode persistent", "pulumi config rm existingClaim"]
            : [
                  "pulumi config set storageMode persistent",
                  `pulumi config set existingClaim ${api?.claim ?? ""}`,
              ];
    // The namespace was kept for this claim as long as existingClaim named it.
    const isDeletedLater = !own && !settings.retainNamespace;
    return keptNotMounted(api, back, isDeletedLater);
}

function keptElsewhere({ abandoned }: ClusterSnapshot): readonly Finding[] {
    return abandoned
        .filter(({ namespace }) => isRetained(namespace))
        .flatMap(({ api, namespace }) =>
            keptNotMounted(api, [`pulumi config set namespace ${namespace.metadata.name}`], false),
        );
}

function keptNotMounted(
    api: ApiState | undefined,
    back: readonly string[],
    isDeletedLater: boolean,
): readonly Finding[] {
    const held = messagesOf(api);
    if (held === undefined || api?.claim === undefined) {
        return [];
    }
    const { namespace = "" } = api.deployment.metadata;
    return [
        {
            code: "kept-claim-not-mounted",
            severity: "warning",
            subject: { kind: "PersistentVolumeClaim", name: api.claim, namespace },
            reason:
                `${held} stay in claim ${api.claim}, which the api does not mount any more.` +
                (isDeletedLater ? " From now on, a destroy deletes the claim with its namespace." : ""),
            fixes: [
                { to: "Mount it again", run: back },
                ...(isDeletedLater
                    ? [{ to: "Keep it on destroy", run: ["pulumi config set retainData true"] }]
                    : []),
            ],
        },
    ];
}

/** A discardClaim that was meant for one change and would apply to the next one as well. */
export function staleDiscardClaim(settings: Settings, { claims }: ClusterSnapshot): readonly Finding[] {
    const named = claims.find(({ metadata }) => metadata.uid === settings.discardClaim);
    return named && isCurrent(named, settings)
        ? [
              {
                  code: "discard-claim-stale",
                  severity: "warning",
                  subject: { key: "discardClaim", value: settings.discardClaim },
                  reason: `discardClaim names claim ${named.metadata.name}, which stays. A later change would delete its messages without a question.`,
                  fixes: [{ to: "Remove it", run: ["pulumi config rm discardClaim"] }],
              },
          ]
        : [];
}

/** Claims that are kept (retainData) and that the config no longer declares. */
export function undeclaredClaims(settings: Settings, { claims }: ClusterSnapshot): readonly Finding[] {
    if (declaredClaim(settings.storage)) {
        // Another claim would need the name of the kept one, which is an error of its own.
        return [];
    }
    return claims
        .filter((claim) => !isBackupsClaim(claim) && !isCurrent(claim, settings) && isRetained(claim))
        .map((claim) => undeclaredClaim(claim, settings));
}

function undeclaredClaim(claim: Claim, settings: Settings): Finding {
    const { name, namespace = "" } = claim.metadata;
    return {
        code: "kept-claim-undeclared",
        severity: "warning",
        subject: { kind: "PersistentVolumeClaim", name, namespace },
        reason:
            `Claim ${name} stays in namespace ${namespace} with its messages, and the stack no longer manages it. ` +
            (settings.retainNamespace
                ? "Only you can delete it."
                : "A destroy deletes it with the namespace."),
        fixes: [
            {
                to: "Mount it again",
                run: [
                    "pulumi config set storageMode persistent",
                    "pulumi config rm existingClaim",
                    configCommand("storageClass", requestedClass(claim)),
                ],
            },
            ...(settings.retainNamespace
                ? []
                : [{ to: "Keep it on destroy", run: ["pulumi config set retainData true"] }]),
        ],
    };
}

function ephemeralMessagesOf(api: ApiState | undefined): string | undefined {
    return api?.claim === undefined ? messagesOf(api, " on ephemeral storage") : undefined;
}

/** What an api has, as the subject of a sentence. Undefined: nothing. */
function messagesOf(api: ApiState | undefined, where = ""): string | undefined {
    if (!api || api.messages === 0) {
        return undefined;
    }
    return api.messages === undefined
        ? `Messages${where} that cannot be counted, because the api does not answer,`
        : `The api's ${countMessages(api.messages)}${where}`;
}
