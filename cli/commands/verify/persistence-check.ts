/**
 * The persistence check, as the chapter tries it: messages are written, the api's pod is deleted, and they are gone or kept.
 *
 * The app cannot delete a message, and with ephemeral storage deleting the pod deletes everybody's messages. So the check
 * is made on a copy of the api's pod, with a volume of the same kind of its own. Both are removed at the end. On the live
 * pod it is made only if the person asks for it.
 */
import { ChatApi } from "../../../kubernetes/chat-api.ts";
import type { Client } from "../../../kubernetes/client.ts";
import type { Claim, Pod, PodSpec, StorageClass } from "../../../kubernetes/objects.ts";
import { storageClassesPath } from "../../../kubernetes/snapshot.ts";
import { kindOf, listPath } from "../../../model/kinds.ts";
import { workloadName } from "../../../model/names.ts";
import type { StorageMode } from "../../../model/storage.ts";
import type { Message } from "../../../pods/database.ts";
import { countMessages } from "../../../preflight/text.ts";
import { UserError } from "../../../system/errors.ts";
import { type Check, check } from "./checks.ts";
import { type LiveStack, podsPath, specOf } from "./live.ts";

type Volume = NonNullable<PodSpec["volumes"]>[number];

const heading = "Storage that is deleted, storage that stays";
const copyName = "synergychat-verify";
const waitSeconds = 180;
const message: Message = { AuthorUsername: "verify", Text: "written by npm run verify" };

/** Labels of the copy's own: with the api's, the Service would lead to it, and the api's ReplicaSet would adopt it. */
const copyMetadata = { name: copyName, labels: { app: copyName } };

/** Makes the check on a copy of the api's pod. */
export async function checkOnCopy(client: Client, live: LiveStack): Promise<Check> {
    const tried = "a copy of the api's pod with a volume of its own: write a message, delete the pod";
    const claim = live.claims?.find(({ metadata }) => metadata.name === live.api?.claim);
    const obstacle = claim && (await withoutProvisioner(client, claim));
    if (obstacle !== undefined) {
        return { heading, tried, seen: obstacle, result: "skipped" };
    }
    const api = new ChatApi(client, live.name);
    const proxy = api.podProxy(copyName);
    try {
        // A killed run leaves its copy behind.
        await removeCopy(client, live);
        if (claim) {
            await create(client, claimsPath(live), claimOfCopy(claim));
        }
        await create(client, podsPath(live), podOfCopy(live));
        const before = await write(api, proxy);
        await deleteAll(client, podsPath(live));
        await create(client, podsPath(live), podOfCopy(live));
        return outcome(tried, live, before, await api.waitForMessages(proxy, waitSeconds));
    } catch (error) {
        return check(heading, tried, false, (error as Error).message);
    } finally {
        await removeCopy(client, live);
    }
}

/** Makes the check on the live pod, if the person asks for it. What people write meanwhile may be lost with the pod. */
export async function checkOnLivePod(client: Client, live: LiveStack, destructive: boolean): Promise<Check> {
    const tried = `kubectl delete pod --selector app=${workloadName("api")}`;
    const api = new ChatApi(client, live.name);
    const proxy = api.serviceProxy();
    // Asked again: people may have written since the checks began.
    const messages = await api.messagesAt(proxy);
    if (!destructive) {
        return { heading, tried, seen: harm(live.storageMode, messages?.length), result: "skipped" };
    }
    try {
        const before = messages?.length ? messages : await write(api, proxy);
        await api.restart();
        return outcome(tried, live, before, await api.waitForMessages(proxy, waitSeconds));
    } catch (error) {
        return check(heading, tried, false, (error as Error).message);
    }
}

/** What the check would do to this stack. The app cannot delete a message, so one that is written stays. */
function harm(storageMode: StorageMode, messages: number | undefined): string {
    if (messages === undefined) {
        return "the api does not answer /messages";
    }
    const what =
        storageMode === "ephemeral"
            ? `the api's ${countMessages(messages)}, and what people write meanwhile, would be lost`
            : `the api would not answer for a moment${messages === 0 ? ", and would keep a message of the check" : ""}`;
    return `${what}. Try it with --destructive`;
}

/** Whether the storage mode kept its promise. Other people may have written messages meanwhile. */
function outcome(
    tried: string,
    { storageMode }: Pick<LiveStack, "storageMode">,
    before: readonly Message[],
    after: readonly Message[],
): Check {
    const there = new Set(after.map((one) => JSON.stringify(one)));
    const kept = before.filter((one) => there.has(JSON.stringify(one))).length;
    const promised = storageMode === "persistent" ? before.length : 0;
    return check(
        heading,
        tried,
        before.length > 0 && kept === promised,
        `${before.length} written, ${kept} there after the pod was replaced, ${promised} promised by ${storageMode} storage`,
    );
}

/** Why the copy would get no volume. Undefined if it would, or if that is unknown. */
async function withoutProvisioner(client: Client, { spec }: Claim): Promise<string | undefined> {
    const { storageClassName: name = "" } = spec ?? {};
    const classes = await client.listIfAllowed<StorageClass>(storageClassesPath);
    const found = classes?.find(({ metadata }) => metadata.name === name);
    const isProvisioned = found !== undefined && found.provisioner !== "kubernetes.io/no-provisioner";
    return classes === undefined || isProvisioned
        ? undefined
        : `the claim's class ${name === "" ? "(none)" : name} has no provisioner, so the copy would get no volume`;
}

function claimsPath({ name }: LiveStack): string {
    return listPath(kindOf("PersistentVolumeClaim"), name);
}

function claimOfCopy({ spec }: Claim): object {
    const { accessModes, resources, storageClassName } = spec ?? {};
    const requests = { storage: resources?.requests?.storage };
    return {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: copyMetadata,
        spec: { accessModes, storageClassName, resources: { requests } },
    };
}

function podOfCopy(live: LiveStack): object {
    const template = specOf(live, "api");
    if (!template.containers) {
        throw new UserError(`there is no Deployment ${workloadName("api")} to copy`);
    }
    const volumes = volumesOfCopy(template.volumes ?? [], live.api?.claim);
    return { apiVersion: "v1", kind: "Pod", metadata: copyMetadata, spec: { ...template, volumes } };
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

async function removeCopy(client: Client, live: LiveStack): Promise<void> {
    await deleteAll(client, podsPath(live));
    await deleteAll(client, claimsPath(live));
}

/** Deletes the copy's objects, by its label: what only happens to have its name belongs to somebody else. */
async function deleteAll(client: Client, path: string): Promise<void> {
    const selected = `${path}?labelSelector=${encodeURIComponent(`app=${copyName}`)}`;
    for (const { metadata } of await client.list<Pod>(selected)) {
        await client.delete(`${path}/${metadata.name}`);
    }
    await client.waitUntil(
        `${path} has none of the deleted objects`,
        async () => (await client.list<Pod>(selected)).length === 0,
        waitSeconds,
    );
}

async function create(client: Client, path: string, body: object): Promise<void> {
    client.bodyOf(await client.post(path, body), path);
}

/** Writes a message, and returns all that there are. */
async function write(api: ChatApi, proxy: string): Promise<readonly Message[]> {
    await api.waitForMessages(proxy, waitSeconds);
    await api.postTo(proxy, message);
    return api.waitForMessages(proxy);
}
