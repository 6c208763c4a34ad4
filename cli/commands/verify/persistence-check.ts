/**
 * The persistence check, as the chapter tries it: messages are written, the api's pod is deleted, and they are gone or kept.
 *
 * The app cannot delete a message, and with ephemeral storage deleting the pod deletes everybody's messages. So the check
 * is made on a copy of the api's pod, with a volume of the same kind of its own. Both are removed at the end.
 */
import type { Claim, LiveObject, PodSpec, StorageClass } from "../../../kubernetes/objects.ts";
import { storageClassesPath } from "../../../kubernetes/snapshot.ts";
import { workloadName } from "../../../model/names.ts";
import { UserError } from "../../../system/errors.ts";
import { type Check, type LiveStack, check, pathOf, specOf } from "./checks.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];

const heading = "Storage that is deleted, storage that stays";
const copyName = "synergychat-verify";
const waitSeconds = 180;

/** Labels of the copy's own: with the api's, the Service would lead to it, and the api's ReplicaSet would adopt it. */
const metadata = { name: copyName, labels: { app: copyName } };

export async function persistenceCheck(live: LiveStack): Promise<Check> {
    const { api, outputs } = live.session;
    const tried = "a copy of the api's pod with a volume of its own: write a message, delete the pod";
    const claim = live.claims?.find(({ metadata }) => metadata.name === live.api?.claim);
    const obstacle = claim && (await withoutProvisioner(live, claim));
    if (obstacle !== undefined) {
        return check(heading, tried, undefined, obstacle);
    }
    const proxy = api.podProxy(copyName);
    const start = async () => {
        await create(live, "Pod", "pods", podOfCopy(live));
        return api.waitForMessages(proxy, waitSeconds);
    };
    try {
        // A killed run leaves its copy behind.
        await deleteCopy(live, "pods", "persistentvolumeclaims");
        if (claim) {
            await create(live, "PersistentVolumeClaim", "persistentvolumeclaims", claimOfCopy(claim));
        }
        await start();
        await api.postTo(proxy, { AuthorUsername: "verify", Text: "written by npm run verify" });
        await deleteCopy(live, "pods");
        const { length } = await start();
        const promised = outputs.storageMode === "persistent" ? 1 : 0;
        const seen = `1 written, ${length} there after the pod was replaced, ${promised} promised by ${outputs.storageMode} storage`;
        return check(heading, tried, length === promised, seen);
    } catch (error) {
        return check(heading, tried, false, (error as Error).message);
    } finally {
        await deleteCopy(live, "pods", "persistentvolumeclaims");
    }
}

/** Why the copy would get no volume. Undefined if it would, or if that is unknown. */
async function withoutProvisioner({ session }: LiveStack, { spec }: Claim): Promise<string | undefined> {
    const { storageClassName: name = "" } = spec ?? {};
    const classes = await session.client.listIfAllowed<StorageClass>(storageClassesPath);
    const found = classes?.find(({ metadata }) => metadata.name === name);
    const isProvisioned = found !== undefined && found.provisioner !== "kubernetes.io/no-provisioner";
    return classes === undefined || isProvisioned
        ? undefined
        : `the claim's class ${name === "" ? "(none)" : name} has no provisioner, so the copy would get no volume`;
}

function claimOfCopy({ spec: { accessModes, resources, storageClassName } = {} }: Claim): object {
    const requests = { storage: resources?.requests?.storage };
    return { accessModes, storageClassName, resources: { requests } };
}

function podOfCopy(live: LiveStack): object {
    const template = specOf(live, "api");
    if (!template.containers) {
        throw new UserError(`there is no Deployment ${workloadName("api")} to copy`);
    }
    return { ...template, volumes: volumesOfCopy(template.volumes ?? [], live.api?.claim) };
}

/**
 * The volumes of the copy: its own claim in place of the api's. Of any other claim, such as that of the backups, it gets
 * nothing. A pod with two volumes of one claim never starts.
 */
export function volumesOfCopy(volumes: readonly Volume[], claim: string | undefined): readonly Volume[] {
    return volumes.map((volume) => {
        const { persistentVolumeClaim, ...others } = volume;
        if (!persistentVolumeClaim) {
            return volume;
        }
        return persistentVolumeClaim.claimName === claim
            ? { ...others, persistentVolumeClaim: { claimName: copyName } }
            : { ...others, emptyDir: {} };
    });
}

type Resource = Parameters<typeof pathOf>[1];

/** Deletes the copy's objects, by its label: what only happens to have its name belongs to somebody else. */
async function deleteCopy(live: LiveStack, ...resources: readonly Resource[]): Promise<void> {
    const { client } = live.session;
    for (const path of resources.map((resource) => pathOf(live, resource))) {
        const selected = `${path}?labelSelector=${encodeURIComponent(`app=${copyName}`)}`;
        for (const { metadata } of await client.list<LiveObject>(selected)) {
            await client.delete(`${path}/${metadata.name}`);
        }
        const isGone = async () => (await client.list(selected)).length === 0;
        await client.waitUntil(`${path} has none of the deleted objects`, isGone, waitSeconds);
    }
}

async function create(live: LiveStack, kind: string, resource: Resource, spec: object): Promise<void> {
    const { client } = live.session;
    const path = pathOf(live, resource);
    client.bodyOf(await client.post(path, { apiVersion: "v1", kind, metadata, spec }), path);
}
