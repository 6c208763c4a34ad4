/** The proof of the end: every claim, volume, data folder and namespace is looked for, and named as gone, kept or left. */
import { poll } from "../../../kubernetes/poll.ts";
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
    readonly kept: boolean;
    /** Undefined if that cannot be seen. */
    readonly isIn: (look: Look) => boolean | undefined;
    /** What holds it, if something does. */
    readonly blocker?: (look: Look) => Finding | undefined;
}

/** Looks for everything that the plan had. @throws UserError if something is not as the stack says. */
export async function proveEnd(plan: DestroyPlan, yes: boolean): Promise<void> {
    const { client, output } = plan.session;
    await deleteIgnored(plan, await settled(plan), yes);
    const look = await lookAt(client, plan.place.name);
    const wrong: string[] = [];
    for (const { name, isIn, kept } of [...itemsOf(plan), ...folderItems(plan)]) {
        const found = isIn(look);
        output.info(
            `  ${found === undefined ? "unknown" : !found ? "gone" : kept ? "kept" : "left"}  ${name}`,
        );
        if (found !== undefined && found !== kept) {
            wrong.push(`${name} ${found ? "still exists" : "is gone, although it should be kept"}`);
        }
    }
    if (wrong.length > 0) {
        const blocked = output.render(blockers(plan, look));
        throw new UserError(`Cleanup is incomplete: ${wrong.join("; ")}.${blocked && `\n\n${blocked}`}`);
    }
}

/** What holds each claim, volume and namespace that should be gone. */
export function blockers(plan: DestroyPlan, look: Look): readonly Finding[] {
    return itemsOf(plan).flatMap(({ kept, isIn, blocker }) =>
        !kept && isIn(look) ? (blocker?.(look) ?? []) : [],
    );
}

/** The cluster once everything that must be gone is, or has had some time for it. */
async function settled(plan: DestroyPlan): Promise<Look> {
    const { client, output } = plan.session;
    const start = await provisionerStart(client);
    const ignored = plan.volumes
        .filter(({ volume, kept }) => !kept && isIgnored(volume, start))
        .map(({ volume }) => volume.metadata.name);
    const items = itemsOf(plan).filter(
        ({ kept, name }) => !kept && !ignored.some((one) => name === `volume ${one}`),
    );
    let look: Look;
    const ask = async (): Promise<Look | false> => {
        look = await lookAt(client, plan.place.name);
        // A volume is still Bound for a moment when its claim is gone.
        const isBound = look.volumes.some(
            ({ metadata, status }) => ignored.includes(metadata.name) && status?.phase === "Bound",
        );
        return !isBound && items.every(({ isIn }) => !isIn(look)) && look;
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
    const isGone = async (): Promise<Look["volumes"] | undefined | false> => {
        const { volumes } = await lookAt(client, plan.place.name);
        return (
            left.every(({ metadata }) => volumes.every((one) => one.metadata.uid !== metadata.uid)) && volumes
        );
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

function itemsOf({ place, claims, volumes, keepsNamespace, session }: DestroyPlan): readonly Item[] {
    const uid = place.namespace?.metadata.uid;
    const namespaceIn = (look: Look) =>
        look.place.namespace?.metadata.uid === uid ? look.place.namespace : undefined;
    return [
        ...claims.map((live) =>
            item(
                `claim ${live.claim.metadata.name}`,
                isKept(live),
                (look) => look.place.claims?.find(({ metadata }) => metadata.uid === live.claim.metadata.uid),
                (claim, look) => claimBlocker(claim, look.place.pods),
            ),
        ),
        ...volumes.map(({ volume: { metadata }, kept }) =>
            item(
                `volume ${metadata.name}`,
                kept,
                (look) => look.volumes.find((one) => one.metadata.uid === metadata.uid),
                (volume) =>
                    volume.status?.phase === "Bound" ? undefined : volumeBlocker(volume, session.context),
            ),
        ),
        ...(keepsNamespace === undefined
            ? []
            : [
                  item(`namespace ${place.name}`, keepsNamespace, namespaceIn, (namespace) =>
                      namespace.metadata.deletionTimestamp ? terminatingNamespace(namespace) : undefined,
                  ),
              ]),
    ];
}

function item<T>(
    name: string,
    kept: boolean,
    find: (look: Look) => T | undefined,
    blocker: (found: T, look: Look) => Finding | undefined,
): Item {
    return {
        name,
        kept,
        isIn: (look) => find(look) !== undefined,
        blocker: (look) => {
            const found = find(look);
            return found && blocker(found, look);
        },
    };
}

/** The volumes' folders on the node, if that can be seen. */
function folderItems({ volumes, session: { cluster } }: DestroyPlan): readonly Item[] {
    const folders = new Map(volumes.map(({ volume, kept }) => [volume.spec?.hostPath?.path, kept]));
    return [...folders].flatMap(([folder, kept]) =>
        folder === undefined || cluster.kind === "existing"
            ? []
            : [{ name: `data folder ${folder}`, kept, isIn: () => cluster.folderExists(folder) }],
    );
}
