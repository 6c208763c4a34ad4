/** Messages that a change of the config would lose. */
import { type ApiFacts, type Claim, type Facts, countInWords } from "../cluster/facts";
import { claimName } from "../components/storage";
import type { Settings } from "../config";
import { isCurrent, mountedClaim } from "./claims";
import { isMarked, isRetained } from "./ownership";

/** While the api is out of its Service, its messages are on the way to another volume. */
export const halfSwitched =
    "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.\n" +
    "    To go on, or back: npm run switch -- persistent, or: npm run switch -- ephemeral";

/** Why nothing can be done now but to go on with a switch; undefined where none was interrupted. */
export function interruptedSwitch({ api, left }: Facts): string | undefined {
    if (api?.outOfService) {
        return halfSwitched;
    }
    const place = left.find((one) => one.api?.outOfService);
    return (
        place &&
        `${halfSwitched}\n    Before that: pulumi config set namespace ${place.namespace.metadata.name}`
    );
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
    const [key, value] = cause(claim, settings);
    const why = `${key} is ${JSON.stringify(value)} now`;
    const keep =
        "    To keep it: take this change back, pulumi config set retainData true, pulumi up, and then this change\n";
    if (!isMarked(claim)) {
        return (
            `Claim ${name} is not the stack's, and would go with its namespace ${namespace}: ${why}.\n${keep}` +
            `    To lose it: kubectl delete pvc ${name} --namespace ${namespace}`
        );
    }
    const first = settings.protectData ? "pulumi config set protectData false, pulumi up, and then " : "";
    return (
        `Claim ${name} in namespace ${namespace} would be deleted, with ${stake}: ${why}.\n` +
        (key in along ? `    To take them along: ${along[key as keyof typeof along]}\n` : "") +
        // A claim that is kept holds its name, so none of another class could take its place.
        (key === "storageClass" ? "" : keep) +
        `    To lose it: ${first}pulumi config set discardClaim ${uid}`
    );
}

/** How the messages come along with a change of these keys. */
const along = {
    storageMode: "npm run switch -- ephemeral",
    storageClass:
        "take this change back, npm run switch -- ephemeral, then this change again, npm run switch -- persistent",
};

/** What of the config gives the claim up. */
function cause({ metadata }: Claim, { namespace, storage }: Settings): [key: string, value: string] {
    if (metadata.namespace !== namespace) {
        return ["namespace", namespace];
    }
    if (storage.mode === "ephemeral") {
        return ["storageMode", storage.mode];
    }
    return "existingClaim" in storage
        ? ["existingClaim", storage.existingClaim]
        : ["storageClass", storage.claim.storageClass ?? ""];
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
    // It was kept with its namespace as long as existingClaim named it.
    const end =
        own || settings.retainNamespace
            ? ""
            : "\nFrom now on a destroy deletes it with the namespace, unless you keep that: pulumi config set retainData true";
    const here = stays && api?.claim !== mountedClaim(settings) ? [{ api, back: wayBack(api), end }] : [];
    const there = left
        .filter(({ namespace }) => isRetained(namespace))
        .map(({ namespace: { metadata }, ...place }) => ({
            api: place.api,
            back: `pulumi config set namespace ${metadata.name}`,
            end: "",
        }));
    return [...here, ...there].flatMap((place) => {
        const stake = inWords(place.api);
        return stake && place.api?.claim !== undefined
            ? [
                  `${stake} will stay in claim ${place.api.claim}, and the api goes on without them.\n` +
                      `To go back to them: ${place.back}${place.end}`,
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
    const end = settings.retainNamespace
        ? "only you delete it."
        : "whoever destroys the stack deletes it with the namespace.\n" +
          "To keep it with the stack: pulumi config set retainData true";
    return claims
        .filter((claim) => !isCurrent(claim, settings) && isRetained(claim))
        .map(
            ({ metadata: { name, namespace = "" } }) =>
                `Claim ${name} stays in namespace ${namespace} with what it holds, and is no longer the stack's: ${end}`,
        );
}
