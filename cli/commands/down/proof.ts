/** The proof of the end: every claim, volume, data folder and namespace is looked for, and named as gone, kept or left. */
import { poll } from "../../../kubernetes/poll.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { isIgnored, minikubeFolder, provisionerStart, volumesPath } from "../../../kubernetes/volumes.ts";
import type { Finding } from "../../../model/finding.ts";
import { terminatingNamespace } from "../../../preflight/ownership.ts";
import { UserError } from "../../../system/errors.ts";
import { confirm } from "../../terminal.ts";
import { type DestroyPlan, type Look, isKept, lookAt } from "./plan.ts";
import { claimBlocker, isLeftByMinikube, volumeBlocker } from "./refusals.ts";

const settleSeconds = 30; // a volume is deleted a moment after its claim

/** Something that is looked for after the destroy. */
interface Item {
    readonly name: string;
    readonly uid: string;
    readonly kept: boolean;
}

/** Looks for everything that the plan had. @throws UserError if something is not as the stack says. */
export async function proveEnd(plan: DestroyPlan, yes: boolean): Promise<void> {
    const { client, output } = plan.session;
    await deleteIgnored(plan, await settled(plan), yes);
    const look = await lookAt(client, plan.place.name);
    const found = itemsOf(plan).map((item) => ({ ...item, exists: uidsIn(look).includes(item.uid) }));
    const wrong: string[] = [];
    for (const { name, kept, exists } of [...found, ...foldersOf(plan)]) {
        output.info(
            `  ${exists === undefined ? "unknown" : !exists ? "gone" : kept ? "kept" : "left"}  ${name}`,
        );
        if (exists !== undefined && exists !== kept) {
            wrong.push(`${name} ${exists ? "still exists" : "is gone, although it should be kept"}`);
        }
    }
    if (wrong.length > 0) {
        const blocked = output.render(blockers(plan, look));
        throw new UserError(`Cleanup is incomplete: ${wrong.join("; ")}.${blocked && `\n\n${blocked}`}`);
    }
}

/** What holds each claim, volume and namespace that should be gone. */
export function blockers(plan: DestroyPlan, { place, volumes }: Look): readonly Finding[] {
    const going = itemsOf(plan).filter(({ kept }) => !kept);
    const left = <T extends LiveObject>(objects: readonly T[]): readonly T[] =>
        objects.filter(({ metadata }) => going.some(({ uid }) => uid === metadata.uid));
    const namespaces = place.namespace ? left([place.namespace]) : [];
    return [
        ...left(place.claims ?? []).map((claim) => claimBlocker(claim, place.pods)),
        ...left(volumes)
            .filter(({ status }) => status?.phase !== "Bound")
            .map((volume) => volumeBlocker(volume, plan.session.context)),
        ...namespaces.filter(({ metadata }) => metadata.deletionTimestamp).map(terminatingNamespace),
    ];
}

/** The cluster once everything that must be gone is, or has had some time for it. */
async function settled(plan: DestroyPlan): Promise<Look> {
    const { client, output } = plan.session;
    const start = await provisionerStart(client);
    const ignored = plan.volumes
        .filter(({ volume, kept }) => !kept && isIgnored(volume, start))
        .map(({ volume }) => volume.metadata.uid);
    const items = itemsOf(plan).filter(({ kept, uid }) => !kept && !ignored.includes(uid));
    let look: Look;
    const ask = async (): Promise<Look | false> => {
        look = await lookAt(client, plan.place.name);
        // A volume is still Bound for a moment when its claim is gone.
        const isBound = look.volumes.some(
            ({ metadata, status }) => ignored.includes(metadata.uid) && status?.phase === "Bound",
        );
        return !isBound && items.every(({ uid }) => !uidsIn(look).includes(uid)) && look;
    };
    const onWait = () => {
        output.info(`Waiting until claims and volumes are deleted, at most ${settleSeconds} s ...`);
    };
    return poll(ask, { seconds: settleSeconds, onWait, inVain: () => look });
}

/** Deletes the volumes that minikube's provisioner ignores, with their folders: a yes to the destroy is one to that too. */
async function deleteIgnored(plan: DestroyPlan, look: Look, yes: boolean): Promise<void> {
    const { client, cluster, output } = plan.session;
    const going = plan.volumes.filter(({ kept }) => !kept).map(({ volume }) => volume.metadata.uid);
    const left = look.volumes.filter(
        (volume) => going.includes(volume.metadata.uid) && isLeftByMinikube(volume),
    );
    if (left.length === 0 || !cluster.deleteFolder) {
        return;
    }
    const described = left.map(
        (volume) => `${volume.metadata.name}, folder ${minikubeFolder(volume) ?? "unknown"}`,
    );
    output.list("minikube's provisioner ignores volumes that it made before its last start:", described);
    if (!yes && !(await confirm("Delete them with their data?"))) {
        return;
    }
    await Promise.all(left.map(({ metadata }) => client.delete(`${volumesPath}/${metadata.name}`)));
    const isGone = async () => {
        const { volumes } = await lookAt(client, plan.place.name);
        const uids = volumes.map(({ metadata }) => metadata.uid);
        return left.every(({ metadata }) => !uids.includes(metadata.uid)) && volumes;
    };
    const remaining = await poll<Look["volumes"] | undefined>(isGone, {
        seconds: settleSeconds,
        inVain: () => undefined,
    });
    // A folder stays if one of its volumes does, or if it is another volume's too.
    const used = remaining?.map(({ spec }) => spec?.hostPath?.path);
    for (const folder of new Set(left.map(minikubeFolder))) {
        if (folder !== undefined && used?.includes(folder) === false) {
            cluster.deleteFolder(folder);
        }
    }
}

function itemsOf({ place, claims, volumes, keepsNamespace }: DestroyPlan): readonly Item[] {
    const item = (what: string, { metadata: { name, uid } }: LiveObject, kept: boolean): Item => ({
        name: `${what} ${name}`,
        uid,
        kept,
    });
    return [
        ...claims.map((live) => item("claim", live.claim, isKept(live))),
        ...volumes.map(({ volume, kept }) => item("volume", volume, kept)),
        ...(place.namespace && keepsNamespace !== undefined
            ? [item("namespace", place.namespace, keepsNamespace)]
            : []),
    ];
}

function uidsIn({ place, volumes }: Look): readonly string[] {
    const namespaces = place.namespace ? [place.namespace] : [];
    return [...(place.claims ?? []), ...volumes, ...namespaces].map(({ metadata }) => metadata.uid);
}

/** The volumes' folders on the node. Whether they exist is undefined if that cannot be seen. */
function foldersOf({ volumes, session: { cluster } }: DestroyPlan) {
    const folders = new Map(volumes.map(({ volume, kept }) => [volume.spec?.hostPath?.path, kept]));
    return [...folders].flatMap(([folder, kept]) =>
        folder === undefined || cluster.kind === "existing"
            ? []
            : [{ name: `data folder ${folder}`, kept, exists: cluster.folderExists(folder) }],
    );
}
