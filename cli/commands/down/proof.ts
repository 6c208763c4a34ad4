/** The proof of the end: every claim, volume, data folder and namespace is looked for, and named as gone or kept. */
import type { Volume } from "../../../kubernetes/objects.ts";
import { poll } from "../../../kubernetes/poll.ts";
import type { Finding } from "../../../model/finding.ts";
import { isOwned, isRetained } from "../../../model/ownership.ts";
import { terminatingNamespace } from "../../../preflight/ownership.ts";
import { guardedTypes } from "../../../pulumi/state.ts";
import { UserError } from "../../../system/errors.ts";
import { claimBlocker, volumeBlocker } from "./blockers.ts";
import { type DestroyPlan, type Look, isKept, keepsNamespace, lookAgain } from "./plan.ts";

const settleSeconds = 30; // a volume is deleted a moment after its claim

/** Something that is looked for after the destroy. */
interface Item {
    readonly name: string;
    /** Undefined if that cannot be seen. */
    readonly isIn: (look: Look) => boolean | undefined;
    readonly kept: boolean;
}

/** Looks for everything that the plan had. @throws UserError if something is not as the stack says. */
export async function proveEnd(plan: DestroyPlan): Promise<void> {
    const { output } = plan.session;
    const items = [...claimItems(plan), ...volumeItems(plan), ...namespaceItems(plan)];
    const look = await settled(plan, items);
    const wrong: string[] = [];
    for (const { name, isIn, kept } of items) {
        const found = isIn(look);
        output.info(`  ${found === undefined ? "unknown" : found ? "kept" : "gone"}  ${name}`);
        if (found !== undefined && found !== kept) {
            wrong.push(`${name} ${found ? "still exists" : "is gone, although it should be kept"}`);
        }
    }
    if (wrong.length > 0) {
        const blocked = output.render(blockers(plan, look));
        throw new UserError(`Cleanup is incomplete: ${wrong.join("; ")}.${blocked && `\n\n${blocked}`}`);
    }
}

/** The cluster once everything that must be gone is, or has had some time for it. */
async function settled(plan: DestroyPlan, items: readonly Item[]): Promise<Look> {
    let look: Look = plan;
    const ask = async (): Promise<Look | false> => {
        look = await lookAgain(plan);
        return items.every(({ kept, isIn }) => kept || !isIn(look)) && look;
    };
    return poll(ask, { seconds: settleSeconds, inVain: () => look });
}

/** What holds each claim, volume and namespace that should be gone. */
export function blockers(plan: DestroyPlan, look: Look): readonly Finding[] {
    const going = plan.claims.filter((one) => !isKept(one));
    const claims = going.flatMap(({ claim, place }) => {
        const now = look.places.find(({ name }) => name === place.name);
        const held = now?.claims?.find(({ metadata }) => metadata.uid === claim.metadata.uid);
        return held ? [claimBlocker(held, now?.pods ?? [])] : [];
    });
    const names = [
        ...going.map(({ claim }) => claim.spec?.volumeName),
        ...plan.earlier.filter((one) => !staysOnDestroy(one, plan)).map(({ metadata }) => metadata.name),
    ];
    const volumes = look.volumes
        .filter(({ metadata, status }) => names.includes(metadata.name) && status?.phase !== "Bound")
        .map((volume) => volumeBlocker(volume, plan.session.context));
    const namespaces = look.places.flatMap(({ namespace }) =>
        namespace?.metadata.deletionTimestamp ? [terminatingNamespace(namespace)] : [],
    );
    return [...claims, ...volumes, ...namespaces];
}

function claimItems(plan: DestroyPlan): readonly Item[] {
    return plan.claims.flatMap((live) => {
        const { claim, place } = live;
        const { name } = claim.metadata;
        const kept = isKept(live);
        const isIn = (look: Look) =>
            look.places.some(
                (one) =>
                    one.name === place.name && one.claims?.some(({ metadata }) => metadata.name === name),
            );
        const volume = plan.volumes.find(({ metadata }) => metadata.name === claim.spec?.volumeName);
        return [{ name: `claim ${name}`, isIn, kept }, ...(volume ? volumeItem(volume, kept, plan) : [])];
    });
}

function volumeItems(plan: DestroyPlan): readonly Item[] {
    return plan.earlier.flatMap((volume) => volumeItem(volume, staysOnDestroy(volume, plan), plan));
}

/** No destroy deletes the volume of an earlier claim, so all but those of reclaim policy Retain should be gone already. */
function staysOnDestroy({ spec }: Volume, { session }: DestroyPlan): boolean {
    return session.settings.retainData || spec?.persistentVolumeReclaimPolicy === "Retain";
}

/** A volume, and its folder on the node if that can be seen. */
function volumeItem({ metadata, spec }: Volume, kept: boolean, { session }: DestroyPlan): readonly Item[] {
    const { name } = metadata;
    const { cluster } = session;
    const folder = cluster.kind === "existing" ? undefined : spec?.hostPath?.path;
    const isIn = ({ volumes }: Look) => volumes.some((one) => one.metadata.name === name);
    const isFolderThere = () => cluster.folderExists(folder ?? "");
    return [
        { name: `volume ${name}`, isIn, kept },
        ...(folder === undefined ? [] : [{ name: `data folder ${folder}`, isIn: isFolderThere, kept }]),
    ];
}

/** The namespaces that the stack owns. One that an earlier destroy kept is in no state any more. */
function namespaceItems({ places, session }: DestroyPlan): readonly Item[] {
    const isRecorded = session.state.some(({ type }) => type === guardedTypes.namespace);
    return places.flatMap(({ name, namespace }) => {
        if (!namespace || !isOwned(namespace, session.owners)) {
            return [];
        }
        const isIn = (look: Look) =>
            look.places.some((one) => one.namespace?.metadata.uid === namespace.metadata.uid);
        const kept = keepsNamespace(session) || (isRetained(namespace) && !isRecorded);
        return [{ name: `namespace ${name}`, isIn, kept }];
    });
}
