/** Messages that a change of the config would lose. */
import { type ApiFacts, type Claim, type Facts, countInWords } from "../cluster/facts";
import { claimName } from "../components/storage";
import type { Settings } from "../config";
import { isCurrent, isRetained, mountedClaim } from "./claims";
import { isMarked } from "./ownership";

/** While the api is out of its Service, its messages are on the way to another volume. */
export const halfSwitched =
    "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.\n" +
    "    To go on, or back: npm run switch -- persistent, or: npm run switch -- ephemeral";

export function isHalfSwitched({ api, left }: Facts): boolean {
    return [api, ...left.map((place) => place.api)].some((one) => one?.outOfService);
}

/** Claims that this config would delete, with messages that nobody said may go. */
export function lostMessages(settings: Settings, facts: Facts): string[] {
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

function wouldLose(claim: Claim, stake: string, settings: Settings): string {
    const { name, namespace = "", uid } = claim.metadata;
    const keep = "take this change back, pulumi config set retainData true, pulumi up, and then this change";
    if (!isMarked(claim)) {
        return (
            `Claim ${name} is not the stack's, and would go with its namespace ${namespace}: ${cause(claim, settings)}.\n` +
            `    To keep it: ${keep}\n` +
            `    To lose it: kubectl delete pvc ${name} --namespace ${namespace}`
        );
    }
    const first = settings.protectData ? "pulumi config set protectData false, pulumi up, and then " : "";
    return (
        `Claim ${name} in namespace ${namespace} would be deleted, with ${stake}: ${cause(claim, settings)}.\n` +
        (settings.storage.mode === "ephemeral"
            ? "    To take them along: npm run switch -- ephemeral\n"
            : "") +
        `    To keep it: ${keep}\n` +
        `    To lose it: ${first}pulumi config set discardClaim ${uid}`
    );
}

/** What of the config gives the claim up. */
function cause({ metadata }: Claim, { namespace, storage }: Settings): string {
    const is = (key: string, value: string) => `${key} is ${JSON.stringify(value)} now`;
    if (metadata.namespace !== namespace) {
        return is("namespace", namespace);
    }
    if (storage.mode === "ephemeral") {
        return is("storageMode", storage.mode);
    }
    return "existingClaim" in storage
        ? is("existingClaim", storage.existingClaim)
        : is("storageClass", storage.claim.storageClass ?? "");
}

/** Messages on ephemeral storage that this config leaves behind. */
export function leftBehind(settings: Settings, { api, left, claims }: Facts): string[] {
    const { storage, namespace } = settings;
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
    const stake = onEphemeral(api);
    if (!stake || (storage.mode === "ephemeral" && !isReplaced(api, settings))) {
        return moved;
    }
    const kept = claims.some((claim) => isCurrent(claim, settings));
    const why =
        storage.mode === "ephemeral"
            ? "images or imagePullPolicy is another now, and so is the api's pod"
            : `the switch to persistent storage ${kept ? "goes on with what the kept claim holds" : "starts empty"}`;
    return [...moved, `${stake} will be lost: ${why}.\nTo take them along: npm run switch -- persistent`];
}

/** Whether this config gives the api another pod. A unit test holds this together with what the program makes of each key. */
function isReplaced(api: ApiFacts | undefined, { images, imagePullPolicy }: Settings): boolean {
    return api?.image !== images.api || api.imagePullPolicy !== imagePullPolicy;
}

function onEphemeral(api: ApiFacts | undefined): string | undefined {
    return api?.claim === undefined ? inWords(api, " on ephemeral storage") : undefined;
}

/** What an api has; undefined where that is nothing. */
function inWords(api: ApiFacts | undefined, where = ""): string | undefined {
    if (!api || api.messages === 0) {
        return undefined;
    }
    return api.messages === undefined
        ? `The api does not answer: whatever messages it has${where}`
        : `The api's ${countInWords(api.messages)}${where}`;
}

/** Messages that stay in a claim, while the api goes on without that claim: kept, and out of sight. */
export function outOfSight(settings: Settings, { api, claims, left }: Facts): string[] {
    const own = claims.find(({ metadata }) => metadata.name === api?.claim);
    const stays = own === undefined || isCurrent(own, settings);
    const here = stays && api?.claim !== mountedClaim(settings) ? [{ api, back: wayBack(api) }] : [];
    const there = left
        .filter(({ namespace }) => isRetained(namespace))
        .map(({ namespace: { metadata }, ...place }) => ({
            api: place.api,
            back: `pulumi config set namespace ${metadata.name}`,
        }));
    return [...here, ...there].flatMap((place) => {
        const stake = inWords(place.api);
        return stake && place.api?.claim !== undefined
            ? [
                  `${stake} will stay in claim ${place.api.claim}, and the api goes on without them.\n` +
                      `To go back to them: ${place.back}`,
              ]
            : [];
    });
}

function wayBack(api: ApiFacts | undefined): string {
    return api?.claim === claimName
        ? "pulumi config set storageMode persistent, without existingClaim"
        : `pulumi config set storageMode persistent, and existingClaim ${api?.claim ?? ""}`;
}

/** A word that was meant for one change and would count for the next one too. */
export function spent(settings: Settings, { claims }: Facts): string[] {
    const named = claims.find(({ metadata }) => metadata.uid === settings.discardClaim);
    return named && isCurrent(named, settings)
        ? [
              `discardClaim names claim ${named.metadata.name}, which stays: a later change would delete its messages unasked.\n` +
                  "Run: pulumi config rm discardClaim",
          ]
        : [];
}

/** Claims that were kept (retainData) and that this config no longer declares. */
export function orphaned(settings: Settings, { claims }: Facts): string[] {
    return claims
        .filter((claim) => !isCurrent(claim, settings) && isRetained(claim))
        .map(
            ({ metadata: { name, namespace = "" } }) =>
                `Claim ${name} stays in namespace ${namespace} with what it holds, and is no longer the stack's: whoever destroys the stack deletes it with the namespace.\n` +
                "To keep it with the stack: pulumi config set retainData true",
        );
}
