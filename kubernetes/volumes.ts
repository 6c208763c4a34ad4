/** Volumes that outlive their claims. */
import { kindOf, listPath } from "../model/kinds.ts";
import { claimName } from "../model/names.ts";
import type { Client } from "./client.ts";
import type { Claim, Volume } from "./objects.ts";
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

/**
 * Whether a new claim of the stack gets the data of this volume of an earlier one. The folder of a volume of minikube has
 * the name of its claim, and the provisioner ignores volumes that it made before its last start, so the folder stays.
 */
export function isInheritable({ metadata, spec }: Volume): boolean {
    return (
        spec?.claimRef?.name === claimName &&
        spec.persistentVolumeReclaimPolicy !== "Retain" &&
        provisionerOf({ metadata }).includes("minikube-hostpath")
    );
}

/** The provisioner that made a volume. Empty if none did. */
export function provisionerOf({ metadata }: Pick<Volume, "metadata">): string {
    return metadata.annotations?.["pv.kubernetes.io/provisioned-by"] ?? "";
}

/**
 * The volumes of earlier claims that a new claim of the stack would inherit, once their provisioner has had time to delete
 * them. None if the user may not list volumes. `info` is called once if the wait takes time.
 */
export async function inheritableVolumes(
    client: Client,
    namespaces: readonly string[],
    info: (text: string) => void,
    seconds = 30,
): Promise<readonly Volume[]> {
    let found: readonly Volume[] = [];
    const none = async () => {
        const volumes = (await client.listIfAllowed<Volume>(volumesPath)) ?? [];
        const places = await Promise.all(
            namespaces.map(async (name) => ({
                name,
                claims: await client.listIfAllowed<Claim>(listPath(kindOf("PersistentVolumeClaim"), name)),
            })),
        );
        found = earlierVolumes(volumes, places).filter(isInheritable);
        return found.length === 0 && found;
    };
    const onWait = () => {
        info(`Waiting until the volume of the earlier claim is deleted, at most ${seconds} s ...`);
    };
    return poll(none, { seconds, onWait, inVain: () => found });
}
