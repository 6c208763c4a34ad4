/** Volumes that outlive their claims. */
import { kindOf, listPath } from "../model/kinds.ts";
import { claimName } from "../model/names.ts";
import type { Client } from "./client.ts";
import type { Claim, Pod, Volume } from "./objects.ts";
import { poll } from "./poll.ts";
import type { NamespaceSnapshot } from "./snapshot.ts";

/** Path of all volumes of the cluster. */
export const volumesPath = "/api/v1/persistentvolumes";

/** Volumes whose claims, in one of these namespaces, are gone. A volume that waits for its first claim is none of them. */
export function earlierVolumes(
    volumes: readonly Volume[],
    places: readonly Pick<NamespaceSnapshot, "name" | "claims">[],
): readonly Volume[] {
    const uids = places.flatMap(({ claims }) => (claims ?? []).map(({ metadata }) => metadata.uid));
    return volumes.filter(({ spec }) => {
        const { namespace, uid } = spec?.claimRef ?? {};
        return places.some(({ name }) => name === namespace) && uid !== undefined && !uids.includes(uid);
    });
}

/** Whether minikube's provisioner made a volume and should delete it when its claim is gone. */
function isMinikubes({ metadata, spec }: Volume): boolean {
    return (
        spec?.persistentVolumeReclaimPolicy !== "Retain" &&
        provisionerOf({ metadata }).includes("minikube-hostpath")
    );
}

/**
 * Whether a new claim of the stack gets the data of this volume of an earlier one. The folder of a volume of minikube has
 * the name of its claim, and the provisioner ignores volumes that it made before its last start, so the folder stays.
 */
export function isInheritable(volume: Volume): boolean {
    return volume.spec?.claimRef?.name === claimName && isMinikubes(volume);
}

/** The provisioner that made a volume. Empty if none did. */
export function provisionerOf({ metadata }: Pick<Volume, "metadata">): string {
    return metadata.annotations?.["pv.kubernetes.io/provisioned-by"] ?? "";
}

/** When minikube's provisioner started last. Undefined if the cluster has none, or does not tell. */
export async function provisionerStart(client: Client): Promise<string | undefined> {
    const path = "/api/v1/namespaces/kube-system/pods/storage-provisioner";
    const pod = await client.findIfAllowed<Pod>(path);
    return pod?.status?.containerStatuses?.[0]?.state?.running?.startedAt;
}

const deletionTime = 30_000; // ms that a provisioner may take to delete a volume

/** Whether minikube's provisioner ignores a volume whose claim is gone, or has not deleted it yet. */
export function isLeftByMinikube(volume: Volume): boolean {
    return volume.status?.phase === "Released" && isMinikubes(volume);
}

/** Whether minikube's provisioner will never delete a volume: it ignores those that it made before its last start. */
export function isIgnored(volume: Volume, start: string | undefined): boolean {
    const { metadata, status } = volume;
    const since = Date.parse(status?.lastPhaseTransitionTime ?? "");
    const isOld =
        start === undefined ? Date.now() - since > deletionTime : (metadata.creationTimestamp ?? "") < start;
    return isLeftByMinikube(volume) && isOld;
}

/** The folder of a volume of minikube, or of the sandbox. Undefined if it has not the name of its claim. */
export function minikubeFolder({ spec }: Volume): string | undefined {
    const { namespace = "", name = "" } = spec?.claimRef ?? {};
    const path = spec?.hostPath?.path ?? "";
    return new RegExp(`^(/\\.?[\\w-][\\w.-]*)+/${namespace}[/-]${name}(-[\\w-]+)?$`).test(path)
        ? path
        : undefined;
}

/**
 * The volumes of earlier claims that a new claim of the stack would inherit, once their provisioner has had time to delete
 * them. None if the user may not list volumes. `info` is called once if the wait takes time.
 */
export async function inheritableVolumes(
    client: Client,
    namespace: string,
    info: (text: string) => void,
): Promise<readonly Volume[]> {
    const start = await provisionerStart(client);
    let found: readonly Volume[] = [];
    const path = listPath(kindOf("PersistentVolumeClaim"), namespace);
    const settled = async () => {
        const volumes = (await client.listIfAllowed<Volume>(volumesPath)) ?? [];
        const place = { name: namespace, claims: await client.listIfAllowed<Claim>(path) };
        const earlier = earlierVolumes(volumes, [place]);
        // A folder that the volume of a live claim uses again holds no old messages: it is the live data.
        const used = volumes.filter((one) => !earlier.includes(one)).map(({ spec }) => spec?.hostPath?.path);
        found = earlier.filter((one) => isInheritable(one) && !used.includes(one.spec?.hostPath?.path));
        return found.every((volume) => isIgnored(volume, start)) && found;
    };
    const seconds = deletionTime / 1000;
    const onWait = () => {
        info(`Waiting until the volume of the earlier claim is deleted, at most ${seconds} s ...`);
    };
    return poll(settled, { seconds, onWait, inVain: () => found });
}
