/** The proof of the end: every claim, volume, data folder and namespace is looked for, and named as gone, kept or left. */
import { poll } from "../../../kubernetes/poll.ts";
import type { Claim, LiveObject, Pod, Volume } from "../../../kubernetes/objects.ts";
import { isIgnored, minikubeFolder, provisionerStart, volumesPath } from "../../../kubernetes/volumes.ts";
import { type Finding, error, fix } from "../../../model/finding.ts";
import { terminatingNamespace } from "../../../preflight/ownership.ts";
import { volumeBlocker } from "../../../preflight/volumes.ts";
import { UserError } from "../../../system/errors.ts";
import { type DestroyPlan, type Look, lookAt, mountedClaims } from "./plan.ts";

const settleSeconds = 60; // a volume is deleted a moment after its claim, a namespace when its pods have ended

/** Looks for everything that the plan had. @throws UserError if something is not as the stack says. */
export async function proveEnd(plan: DestroyPlan): Promise<void> {
    const { session, items, place } = plan;
    const ignored = await settle(plan);
    const look = await lookAt(session.client, place.name);
    // A folder stays if its volume does, or if it is another volume's too.
    const used = look.volumes.map(({ spec }) => spec?.hostPath?.path);
    for (const folder of new Set(ignored.map(minikubeFolder))) {
        if (folder !== undefined && !used.includes(folder)) {
            session.cluster.folders?.remove(folder);
        }
    }
    const found = items.map((item) => ({ ...item, exists: uidsIn(look).includes(item.uid) }));
    const wrong = [...found, ...foldersOf(plan)].flatMap(({ kind, name, kept, exists }) => {
        const fate = exists === undefined ? "unknown" : !exists ? "gone" : kept ? "kept" : "left";
        session.output.info(`  ${fate}  ${kind} ${name}`);
        const problem = exists ? "still exists" : "is gone, although it should be kept";
        return exists === undefined || exists === kept ? [] : `${kind} ${name} ${problem}`;
    });
    if (wrong.length > 0) {
        const blocked = session.output.render(blockers(plan, look));
        throw new UserError(`Cleanup is incomplete: ${wrong.join("; ")}.${blocked && `\n\n${blocked}`}`);
    }
}

/** What holds each claim, volume and namespace that is being deleted. */
export function blockers({ items, session }: DestroyPlan, look: Look): readonly Finding[] {
    const { claims = [], pods, volumes, namespace } = look;
    const isGoing = ({ metadata }: LiveObject) =>
        items.some(({ uid, kept }) => !kept && uid === metadata.uid);
    const isTerminating = (one: LiveObject) => isGoing(one) && one.metadata.deletionTimestamp !== undefined;
    return [
        ...claims.filter(isTerminating).map((claim) => claimBlocker(claim, pods)),
        ...volumes
            .filter((volume) => isGoing(volume) && volume.status?.phase !== "Bound")
            .map((volume) => volumeBlocker(volume, session.context)),
        ...(namespace && isTerminating(namespace) ? [terminatingNamespace(namespace)] : []),
    ];
}

/** Kubernetes keeps a claim while a pod uses it. */
const inUseFinalizer = "kubernetes.io/pvc-protection";

export function claimBlocker(claim: Claim, pods: readonly Pod[]): Finding {
    const { name, namespace = "", finalizers = [] } = claim.metadata;
    const others = finalizers.filter((finalizer) => finalizer !== inUseFinalizer);
    const [mounted] = mountedClaims(claim, pods);
    const holder = others.join(", ") || inUseFinalizer;
    const reason = `Claim ${name} is Terminating. The finalizer ${holder} holds it, and whoever set the finalizer must remove it.`;
    const look = fix("See the claim", `kubectl describe pvc ${name} --namespace ${namespace}`);
    return mounted ?? error("claim-held-by-finalizer", reason, look);
}

/** Waits until all that must be gone is. Deletes the volumes that minikube's provisioner ignores, and returns them. */
async function settle({ session, items, place }: DestroyPlan): Promise<readonly Volume[]> {
    const { client, cluster, output } = session;
    const start = await provisionerStart(client);
    const going = new Set(items.filter(({ kept }) => !kept).map(({ uid }) => uid));
    const deleted = new Map<string, Volume>();
    const isGone = async (): Promise<boolean> => {
        const look = await lookAt(client, place.name);
        const left = uidsIn(look).filter((uid) => going.has(uid));
        const ignored = look.volumes.filter((one) => going.has(one.metadata.uid) && isIgnored(one, start));
        if (!cluster.folders) {
            return left.length === ignored.length;
        }
        const found = ignored.filter(({ metadata }) => !deleted.has(metadata.uid));
        output.list(
            "minikube's provisioner ignores volumes that it made before its last start. Deleting them:",
            found.map((one) => `${one.metadata.name}, folder ${minikubeFolder(one) ?? "unknown"}`),
        );
        for (const volume of found) {
            const { name, uid } = volume.metadata;
            deleted.set(uid, volume);
            if ((await client.delete(`${volumesPath}/${name}`)).kind !== "found") {
                going.delete(uid); // it stays
            }
        }
        return found.length > 0 ? isGone() : left.length === 0;
    };
    const onWait = () => output.info(`Waiting until all of it is deleted, at most ${settleSeconds} s ...`);
    await poll(isGone, { seconds: settleSeconds, onWait, inVain: () => false });
    return [...deleted.values()];
}

function uidsIn({ claims = [], volumes, namespace }: Look): readonly string[] {
    return [claims, volumes, namespace ?? []].flat().map(({ metadata }) => metadata.uid);
}

/** The volumes' folders on the node. Whether they exist is undefined if that cannot be seen. */
function foldersOf({ items, session: { cluster } }: DestroyPlan) {
    const folders = new Map(items.map(({ folder, kept }) => [folder, kept]));
    return [...folders].flatMap(([folder, kept]) =>
        folder === undefined || !cluster.folders
            ? []
            : [{ kind: "data folder", name: folder, kept, exists: cluster.folders.exists(folder) }],
    );
}
