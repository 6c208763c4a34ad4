/** The proof of the end: every claim, volume, data folder and namespace is looked for, and named as gone or kept. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Claim, LiveObject } from "../../../kubernetes/objects.ts";
import type { Finding } from "../../../model/finding.ts";
import { objectPath } from "../../../model/kinds.ts";
import { isOwned, isRetained } from "../../../model/ownership.ts";
import { terminatingNamespace } from "../../../preflight/ownership.ts";
import { guardedTypes } from "../../../pulumi/state.ts";
import { UserError } from "../../../system/errors.ts";
import { claimBlocker, volumeBlocker } from "./blockers.ts";
import {
    type Data,
    type DestroyPlan,
    type Place,
    claimsIn,
    keepsNamespace,
    podsIn,
    volumeNamed,
} from "./plan.ts";

const settleSeconds = 30; // a volume is deleted a moment after its claim

/** Something that is looked for after the destroy. */
interface Item {
    readonly name: string;
    readonly isThere: () => Promise<boolean | undefined>;
    readonly kept: boolean;
}

/**
 * Looks for everything that the plan had.
 *
 * @throws UserError if something is not as the stack says.
 */
export async function proveEnd(plan: DestroyPlan): Promise<void> {
    const { info } = plan.open.output;
    const wrong: string[] = [];
    const items = [
        ...plan.data.flatMap((data) => dataItems(data, plan)),
        ...plan.places.flatMap((place) => namespaceItems(place, plan)),
    ];
    for (const { name, isThere, kept } of items) {
        const found = await settled(isThere, kept);
        if (found === undefined) {
            info(`  unknown  ${name}`);
            continue;
        }
        info(`  ${found ? "kept" : "gone"}  ${name}`);
        if (found !== kept) {
            wrong.push(`${name} ${found ? "still exists" : "is gone, although it should be kept"}`);
        }
    }
    if (wrong.length > 0) {
        const blocked = plan.open.output.render(await blockers(plan));
        throw new UserError(`Cleanup is incomplete: ${wrong.join("; ")}.${blocked && `\n\n${blocked}`}`);
    }
}

/**
 * What holds each claim, volume and namespace that should be gone.
 *
 * @param which of the claims.
 */
export async function blockers(
    { client, data, open, places }: Pick<DestroyPlan, "client" | "data" | "open" | "places">,
    which: (claim: Claim) => boolean = () => true,
): Promise<readonly Finding[]> {
    const found: Finding[] = [];
    for (const { namespace, claim, isEarlier, volume } of data.filter(({ kept }) => !kept)) {
        const pods = await podsIn(client, namespace);
        const claims = (await claimsIn(client, namespace)).filter(
            (one) => !isEarlier && one.metadata.name === claim && which(one),
        );
        found.push(...claims.map((one) => claimBlocker(one, pods)));
        const held = volume === undefined ? undefined : await volumeNamed(client, volume);
        if (held && held.status?.phase !== "Bound") {
            found.push(volumeBlocker(held, open.context));
        }
    }
    for (const { namespace } of places) {
        const held = await client.find<LiveObject>(objectPath("Namespace", namespace));
        if (held?.metadata.deletionTimestamp) {
            found.push(terminatingNamespace(held));
        }
    }
    return found;
}

function dataItems(data: Data, { open, client }: DestroyPlan): readonly Item[] {
    const { namespace, claim, isEarlier, volume, folder, kept } = data;
    const isClaimThere = async () =>
        (await claimsIn(client, namespace)).some(({ metadata }) => metadata.name === claim);
    const isVolumeThere = async () => (await volumeNamed(client, volume ?? "")) !== undefined;
    const isFolderThere = () => Promise.resolve(open.cluster.folderExists(folder ?? ""));
    const isFolderSeen = folder !== undefined && open.cluster.kind !== "existing";
    return [
        ...(isEarlier ? [] : [{ name: `claim ${claim}`, isThere: isClaimThere, kept }]),
        ...(volume ? [{ name: `volume ${volume}`, isThere: isVolumeThere, kept }] : []),
        ...(isFolderSeen ? [{ name: `data folder ${folder}`, isThere: isFolderThere, kept }] : []),
    ];
}

/** The namespace, if the stack owns it. One that an earlier destroy kept is in no state any more. */
function namespaceItems({ namespace, found }: Place, plan: DestroyPlan): readonly Item[] {
    const { open, client } = plan;
    if (!found || !isOwned(found, open.owners)) {
        return [];
    }
    const isKeptEarlier =
        isRetained(found) && !open.state.some(({ type }) => type === guardedTypes.namespace);
    const isThere = async () => {
        const now = await client.find<LiveObject>(objectPath("Namespace", namespace));
        return now?.metadata.uid === found.metadata.uid;
    };
    return [{ name: `namespace ${namespace}`, isThere, kept: isKeptEarlier || keepsNamespace(plan) }];
}

/** Whether an item is there. What must be gone has some time for it. Undefined if that cannot be seen. */
async function settled(isThere: Item["isThere"], kept: boolean): Promise<boolean | undefined> {
    const end = performance.now() + settleSeconds * 1000;
    while (!kept && performance.now() < end && (await isThere())) {
        await sleep(1000);
    }
    return isThere();
}
