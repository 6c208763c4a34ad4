/**
 * What must be known of the cluster before anything is registered: that it is there, that it has what the config names,
 * that the stack's names are the stack's own, and that no message is lost unasked.
 *
 * cluster/facts.ts asks the cluster; `judge` decides, pure, so that every verdict has a unit test.
 */
import { RunError, log } from "@pulumi/pulumi";
import { type ApiFacts, type Claim, type Facts, countInWords, look } from "./cluster/facts";
import { type ApiObject, connect } from "./cluster/kubectl";
import { instanceLabel, managedBy } from "./components/labels";
import { retainAnnotation } from "./components/namespace";
import { type ClaimArgs, claimName, classAnnotation, ownClaim } from "./components/storage";
import type { Settings } from "./config";
import { bytesOf } from "./quantity";
import { otherCluster, readState } from "./state";

/** What the preflight found: problems stop the program, warnings are shown. */
export interface Verdict {
    readonly problems: readonly string[];
    readonly warnings: readonly string[];
}

/**
 * Looks at the cluster and stops the program where it must not go on.
 *
 * @param instance the stack's mark on its objects, the label app.kubernetes.io/instance.
 * @throws RunError with every problem at once.
 */
export async function preflight(settings: Settings, instance: string): Promise<void> {
    const { context, kubeconfig, namespace } = settings;
    const [recorded, cluster] = await Promise.all([readState(), connect({ context, kubeconfig })]);
    const elsewhere = otherCluster(context, recorded);
    if (elsewhere) {
        throw new RunError(elsewhere);
    }
    const facts = await look(cluster, namespace, instance, recorded.namespaces);
    const { problems, warnings } = judge(settings, facts, instance, process.env[switchMark] !== undefined);
    await Promise.all(warnings.map((warning) => log.warn(warning)));
    if (problems.length > 0) {
        throw new RunError(
            `The cluster is not ready for this stack, nothing was changed:\n\n  ${problems.join("\n\n  ")}\n`,
        );
    }
}

/** Set in the environment of the `pulumi up` that `npm run switch` runs: it has copied the messages. */
export const switchMark = "SYNERGYCHAT_SWITCH";

/**
 * Pure: what the facts mean for this config.
 *
 * @param switching whether `npm run switch` runs this.
 */
export function judge(settings: Settings, facts: Facts, instance: string, switching = false): Verdict {
    return {
        problems: [
            ...missingRights(settings, facts),
            ...missingClasses(settings, facts),
            ...foreignObjects(settings, facts, instance),
            ...impossibleClaims(settings, facts),
            ...(switching ? [] : halfSwitched(facts)),
            ...lostMessages(settings, facts),
        ],
        warnings: [...(switching ? [] : leftBehind(settings, facts)), ...spent(settings, facts)],
    };
}

/** A kind that the stack must be allowed to do something with: its API group, its resource, and the verbs. */
type Need = readonly [group: string, resource: string, verbs: readonly string[]];

/** What the stack needs in its namespace; docs/rbac.yaml grants exactly that. */
function needs({ exposure }: Settings): readonly Need[] {
    const make = ["create", "get", "list", "watch", "patch", "delete"];
    const follow = ["get", "list", "watch"];
    const exposed: Record<Settings["exposure"]["kind"], readonly Need[]> = {
        ingress: [["networking.k8s.io", "ingresses", make]],
        gateway: [
            ["gateway.networking.k8s.io", "gateways", make],
            ["gateway.networking.k8s.io", "httproutes", make],
        ],
        none: [],
    };
    return [
        ["", "configmaps", make],
        ["", "services", make],
        ["", "persistentvolumeclaims", make],
        ["apps", "deployments", make],
        ...exposed[exposure.kind],
        // How Pulumi follows a rollout.
        ["", "pods", follow],
        ["", "events", follow],
        ["apps", "replicasets", follow],
        // How the messages at stake are counted.
        ["", "services/proxy", ["get"]],
    ];
}

function missingRights(settings: Settings, { rights, namespace }: Facts): string[] {
    if (!rights) {
        return [];
    }
    const may = (verb: string, group: string, resource: string) =>
        rights.some(
            ({ verbs, apiGroups, resources = [] }) =>
                has(verbs, verb) && has(apiGroups, group) && has(resources, resource),
        );
    const ofNamespace: Need = ["", "namespaces", ["create", "get", "list", "watch", "patch", "delete"]];
    const wanted = [...needs(settings), ...(namespace ? [] : [ofNamespace])];
    const missing = wanted.flatMap(([group, resource, all]) => {
        const verbs = all.filter((verb) => !may(verb, group, resource));
        return verbs.length > 0 ? [`${verbs.join(", ")} ${resource}${group && `.${group}`}`] : [];
    });
    return missing.length === 0
        ? []
        : [
              `You may not do in namespace ${settings.namespace} what the stack needs. Missing: ${missing.join("; ")}.\n` +
                  "    Ask who runs the cluster for these rights; the README lists all of them.",
          ];
}

function has(list: readonly string[], item: string): boolean {
    return list.includes(item) || list.includes("*");
}

function missingClasses(settings: Settings, facts: Facts): string[] {
    const { storage, exposure } = settings;
    const found: (string | undefined)[] = [];
    if ("claim" in storage && !facts.claims.some((claim) => isCurrent(claim, settings))) {
        found.push(
            classProblem("storageClass", "storage class", storage.claim.storageClass, facts.storageClasses),
        );
    }
    if (exposure.kind === "ingress") {
        found.push(
            classProblem("ingressClass", "ingress class", exposure.ingressClass, facts.ingressClasses),
        );
    }
    if (
        exposure.kind === "gateway" &&
        !facts.gatewayClasses?.some(({ metadata }) => metadata.name === exposure.gatewayClass)
    ) {
        const have = facts.gatewayClasses
            ? `it has: ${names(facts.gatewayClasses)}`
            : "it has no Gateway API (gateway.networking.k8s.io/v1)";
        found.push(
            `gatewayClass is ${JSON.stringify(exposure.gatewayClass)}: the cluster has no such gateway class, ${have}.`,
        );
    }
    return found.filter((problem) => problem !== undefined);
}

/** @param wanted name of the class; undefined: the cluster's default. */
function classProblem(
    key: "storageClass" | "ingressClass",
    what: string,
    wanted: string | undefined,
    classes: readonly ApiObject[] | undefined,
): string | undefined {
    if (!classes) {
        return undefined;
    }
    const have = classes.length > 0 ? `It has: ${names(classes)}` : `It has no ${what} at all`;
    if (wanted !== undefined) {
        const exists = classes.some(({ metadata }) => metadata.name === wanted);
        return exists
            ? undefined
            : `${key} is ${JSON.stringify(wanted)}: the cluster has no such ${what}. ${have}.\n    Run: pulumi config set ${key} NAME`;
    }
    const isDefault = `${key.toLowerCase()}.kubernetes.io/is-default-class`;
    if (classes.some(({ metadata }) => metadata.annotations?.[isDefault] === "true")) {
        return undefined;
    }
    const addon = key === "ingressClass" ? "    On minikube: minikube addons enable ingress\n" : "";
    return `${key} is not set, and the cluster has no default ${what}. ${have}.\n${addon}    Run: pulumi config set ${key} NAME`;
}

function names(objects: readonly ApiObject[]): string {
    return objects.map(({ metadata }) => metadata.name).join(", ") || "none";
}

/** The stack takes over what it made and did not get to record, so it must never meet what is not its own. */
function foreignObjects(settings: Settings, facts: Facts, instance: string): string[] {
    const { namespace } = facts;
    if (namespace?.metadata.deletionTimestamp) {
        return [
            `Namespace ${settings.namespace} is being deleted. Wait until it is gone, then run this again.`,
        ];
    }
    if (namespace && !isOwn(namespace, instance)) {
        return [
            `Namespace ${settings.namespace} exists and is not this stack's (${ownerOf(namespace)}).\n` +
                "    Run: pulumi config set namespace ANOTHER\n" +
                `    Or give it to this stack: kubectl label namespace ${settings.namespace} --overwrite ${marks(instance)}`,
        ];
    }
    return facts.objects
        .filter((object) => isOurName(object) && !isOwn(object, instance))
        .map(
            (object) =>
                `${object.kind ?? "Object"} ${object.metadata.name} in namespace ${settings.namespace} is not this stack's (${ownerOf(object)}).\n` +
                `    Delete it, or give it to this stack: kubectl label ${(object.kind ?? "").toLowerCase()} ${object.metadata.name} --namespace ${settings.namespace} --overwrite ${marks(instance)}`,
        );
}

function isOurName({ metadata: { name } }: ApiObject): boolean {
    return (
        /^synergychat-(web|api|crawler)(-configmap)?$|^(web|api|crawler)-service$|^app-ingress$/.test(name) ||
        name === claimName
    );
}

function isOwn({ metadata: { labels } }: ApiObject, instance: string): boolean {
    return labels?.[instanceLabel] === instance && labels[managedBy.label] === managedBy.value;
}

function ownerOf({ metadata: { labels } }: ApiObject): string {
    const owner = labels?.[instanceLabel];
    return owner ? `it is marked as ${owner}'s` : "it carries no stack's mark";
}

function marks(instance: string): string {
    return `${instanceLabel}=${instance} ${managedBy.label}=${managedBy.value}`;
}

function impossibleClaims(settings: Settings, facts: Facts): string[] {
    const { storage } = settings;
    if ("existingClaim" in storage) {
        const claims = facts.objects.filter(({ kind }) => kind === "PersistentVolumeClaim");
        const exists = claims.some(({ metadata }) => metadata.name === storage.existingClaim);
        return exists
            ? []
            : [
                  `existingClaim is ${JSON.stringify(storage.existingClaim)}: namespace ${settings.namespace} has no such claim, it has: ${names(claims)}.\n` +
                      "    Make the claim first, or run: pulumi config rm existingClaim",
              ];
    }
    const wanted = ownClaim(storage);
    const claim = facts.claims.find(({ metadata }) => metadata.namespace === settings.namespace);
    if (!wanted || !claim) {
        return [];
    }
    if (!isCurrent(claim, settings)) {
        return isRetained(claim) ? [keptClaimInTheWay(claim, wanted)] : [];
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

/** A claim that stays holds its name, so none of another class can take its place. */
function keptClaimInTheWay(claim: Claim, wanted: ClaimArgs): string {
    const asked = claim.metadata.annotations?.[classAnnotation] ?? "";
    return (
        `storageClass is ${JSON.stringify(wanted.storageClass ?? "")}: claim ${claimName} is kept (retainData) with the class ${JSON.stringify(asked)}.\n` +
        `    To go on with it: pulumi config set storageClass ${JSON.stringify(asked)}\n` +
        `    To give it up, with all that it holds: kubectl delete pvc ${claimName} --namespace ${claim.metadata.namespace ?? ""}`
    );
}

/** While the api is out of its Service, its messages are on the way to another volume. */
function halfSwitched({ api, left }: Facts): string[] {
    return [api, ...left.map((place) => place.api)].some((one) => one?.outOfService)
        ? [
              "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.\n" +
                  "    To go on, or back: npm run switch -- persistent STACK, or: npm run switch -- ephemeral STACK",
          ]
        : [];
}

/** Claims that this config would delete, with messages that nobody said may go. */
function lostMessages(settings: Settings, facts: Facts): string[] {
    const here = facts.claims
        .filter((claim) => !isCurrent(claim, settings) && !isRetained(claim))
        .map((claim) => ({ claim, api: facts.api }));
    const there = facts.left.flatMap(({ namespace, claims, api }) =>
        // A deleted namespace takes every claim in it along, the stack's own and anybody's.
        (claims ?? [])
            .filter((claim) => !isRetained(namespace) || (isMarked(claim) && !isRetained(claim)))
            .map((claim) => ({ claim, api })),
    );
    const unseen = facts.left
        .filter(({ namespace, claims }) => claims === undefined && !isRetained(namespace))
        .map(({ namespace: { metadata } }) => mayNotLook(metadata.name, settings));
    return [
        ...unseen,
        ...[...here, ...there]
            .filter(({ claim }) => claim.metadata.uid !== settings.discardClaim)
            .flatMap(({ claim, api }) => {
                const stake = atStake(claim, api);
                return stake === undefined ? [] : [wouldLose(claim, stake, settings)];
            }),
    ];
}

function mayNotLook(left: string, { namespace }: Settings): string {
    return (
        `namespace is ${JSON.stringify(namespace)}: namespace ${left} would be deleted, and you may not see which claims are in it.\n` +
        `    Run: pulumi config set namespace ${left}, or ask who runs the cluster for the right to list persistentvolumeclaims there`
    );
}

/** Made by this program, for whichever stack. */
function isMarked({ metadata: { labels } }: ApiObject): boolean {
    return labels?.[managedBy.label] === managedBy.value && labels[instanceLabel] !== undefined;
}

/** Whether the program still declares this very claim: a change of any of these replaces it. */
function isCurrent(claim: Claim, { storage, namespace }: Settings): boolean {
    const wanted = ownClaim(storage);
    return (
        wanted !== undefined &&
        claim.metadata.namespace === namespace &&
        claim.metadata.name === claimName &&
        (claim.metadata.annotations?.[classAnnotation] ?? "") === (wanted.storageClass ?? "")
    );
}

function isRetained({ metadata }: ApiObject): boolean {
    return metadata.annotations?.[retainAnnotation] === "true";
}

/** In words; undefined: nothing is at stake. A claim that cannot be counted counts as full. */
function atStake({ metadata, spec }: Claim, api: ApiFacts | undefined): string | undefined {
    if (spec.volumeName === undefined) {
        return undefined;
    }
    if (api?.claim !== metadata.name || api.messages === undefined) {
        return "messages that cannot be counted (the api does not answer, or does not mount it)";
    }
    return api.messages === 0 ? undefined : countInWords(api.messages);
}

function wouldLose(claim: Claim, stake: string, { storage }: Settings): string {
    const { name, namespace = "", uid } = claim.metadata;
    if (!isMarked(claim)) {
        return (
            `Claim ${name} is not the stack's, and would go with its namespace ${namespace}.\n` +
            "    To keep it: take this change back, pulumi config set retainData true, pulumi up, and then this change\n" +
            `    To lose it: kubectl delete pvc ${name} --namespace ${namespace}`
        );
    }
    return (
        `Claim ${name} in namespace ${namespace} would be deleted, with ${stake}.\n` +
        (storage.mode === "ephemeral"
            ? "    To take them along: npm run switch -- ephemeral STACK (the stack's name)\n"
            : "") +
        "    To keep it: take this change back, pulumi config set retainData true, pulumi up, and then this change\n" +
        `    To lose it: pulumi config set discardClaim ${uid}`
    );
}

/** Messages on ephemeral storage that this config leaves behind. */
function leftBehind({ storage, namespace }: Settings, { api, left }: Facts): string[] {
    const moved = left.flatMap((place) => {
        const stake = onEphemeral(place.api);
        const { name } = place.namespace.metadata;
        return stake
            ? [
                  `${stake} in namespace ${name} will be lost: the stack moves to namespace ${namespace} and starts empty there.\n` +
                      `To keep them: pulumi config set namespace ${name}`,
              ]
            : [];
    });
    const stake = storage.mode === "persistent" ? onEphemeral(api) : undefined;
    return stake
        ? [
              ...moved,
              `${stake} will be lost: the switch to persistent storage starts empty.\n` +
                  "To take them along: npm run switch -- persistent STACK (the stack's name)",
          ]
        : moved;
}

function onEphemeral(api: ApiFacts | undefined): string | undefined {
    if (!api || api.claim !== undefined || api.messages === 0) {
        return undefined;
    }
    return api.messages === undefined
        ? "The api does not answer: whatever messages it has on ephemeral storage"
        : `The api's ${countInWords(api.messages)} on ephemeral storage`;
}

/** A word that was meant for one change and would count for the next one too. */
function spent(settings: Settings, { claims }: Facts): string[] {
    const named = claims.find(({ metadata }) => metadata.uid === settings.discardClaim);
    return named && isCurrent(named, settings)
        ? [
              `discardClaim names claim ${named.metadata.name}, which stays: a later change would delete its messages unasked.\n` +
                  "Run: pulumi config rm discardClaim",
          ]
        : [];
}
