/** Messages that a change of the config would lose. */
import { type ApiFacts, type Claim, type Facts, countInWords } from "../cluster/facts";
import type { Settings } from "../config";
import { isCurrent, isRetained } from "./claims";
import { isMarked } from "./ownership";

/** While the api is out of its Service, its messages are on the way to another volume. */
export function halfSwitched({ api, left }: Facts): string[] {
    return [api, ...left.map((place) => place.api)].some((one) => one?.outOfService)
        ? [
              "A switch of the storage was interrupted: the api is out of its Service, and nobody can post.\n" +
                  "    To go on, or back: npm run switch -- persistent STACK, or: npm run switch -- ephemeral STACK",
          ]
        : [];
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
export function leftBehind({ storage, namespace }: Settings, { api, left }: Facts): string[] {
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
export function spent(settings: Settings, { claims }: Facts): string[] {
    const named = claims.find(({ metadata }) => metadata.uid === settings.discardClaim);
    return named && isCurrent(named, settings)
        ? [
              `discardClaim names claim ${named.metadata.name}, which stays: a later change would delete its messages unasked.\n` +
                  "Run: pulumi config rm discardClaim",
          ]
        : [];
}
