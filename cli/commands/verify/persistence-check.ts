/**
 * The persistence check, as the chapter tries it: messages are written, the api's pod is deleted, and they are gone or kept.
 *
 * The app cannot delete a message, and with ephemeral storage deleting the pod deletes everybody's messages. So the check
 * is made on a copy of the api's pod, with a volume of the same kind of its own. Both are removed at the end. On the live
 * pod it is made only if the person asks for it.
 */
import { ChatApi } from "../../../kubernetes/chat-api.ts";
import type { Client } from "../../../kubernetes/client.ts";
import { type Claim, type Pod, type PodSpec, isReady } from "../../../kubernetes/objects.ts";
import { kindOf, listPath } from "../../../model/kinds.ts";
import { workloadName } from "../../../model/names.ts";
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
    const obstacle = withoutProvisioner(live);
    if (obstacle !== undefined) {
        return { heading, tried, seen: obstacle, result: "skipped" };
    }
    const api = new ChatApi(client, live.name);
    try {
        // A killed run leaves its copy behind.
        await removeCopy(client, live);
        await makeClaim(client, live);
        await startCopy(client, live);
        const before = await write(api, api.podProxy(copyName));
        await deletePods(client, live, copyName);
        await startCopy(client, live);
        const after = await api.waitForMessages(api.podProxy(copyName));
        return outcome(tried, live, before, after);
    } catch (error) {
        return check(heading, tried, false, (error as Error).message);
    } finally {
        await removeCopy(client, live);
    }
}

/** Makes the check on the live pod, if the person asks for it. What people write meanwhile may be lost with the pod. */
export async function checkOnLivePod(client: Client, live: LiveStack, destructive: boolean): Promise<Check> {
    const app = workloadName("api");
    const tried = `kubectl delete pod --selector app=${app}`;
    const api = new ChatApi(client, live.name);
    // Asked again: people may have written since the checks began.
    const messages = await api.messagesAt(api.serviceProxy());
    if (!destructive) {
        return { heading, tried, seen: harm(live.storageMode, messages?.length), result: "skipped" };
    }
    try {
        const before = messages?.length ? messages : await write(api, api.serviceProxy());
        await deletePods(client, live, app);
        await client.waitUntil("the api has a ready pod", () => api.isReady(), waitSeconds);
        return outcome(tried, live, before, await api.waitForMessages(api.serviceProxy()));
    } catch (error) {
        return check(heading, tried, false, (error as Error).message);
    }
}

/** What the check would do to this stack's live pod. */
export function harm(storageMode: LiveStack["storageMode"], messages: number | undefined): string {
    if (messages === undefined) {
        return "the api does not answer /messages";
    }
    if (storageMode === "persistent") {
        return messages > 0
            ? `the api has ${countMessages(messages)} and would not answer for a moment. Try it with --destructive`
            : "it would leave a message in the chat, because the app cannot delete one. Try it with --destructive";
    }
    return messages > 0
        ? `the api's ${countMessages(messages)} would be lost. Try it with --destructive`
        : "what people write meanwhile would be lost. Try it with --destructive";
}

/** Whether the storage mode kept its promise. Other people may have written messages meanwhile. */
export function outcome(
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
export function withoutProvisioner(live: LiveStack): string | undefined {
    const claim = claimToCopy(live);
    if (!claim || !live.storageClasses) {
        return undefined;
    }
    const name = claim.spec?.storageClassName;
    const storageClass = live.storageClasses.find(({ metadata }) => metadata.name === name);
    const called = name === undefined || name === "" ? "(none)" : name;
    const isProvisioned =
        storageClass !== undefined && storageClass.provisioner !== "kubernetes.io/no-provisioner";
    return isProvisioned
        ? undefined
        : `the claim's class ${called} has no provisioner, so the copy would get no volume`;
}

function claimToCopy(live: LiveStack): Claim | undefined {
    return live.claims?.find(({ metadata }) => metadata.name === live.api?.claim);
}

async function makeClaim(client: Client, live: LiveStack): Promise<void> {
    const claim = claimToCopy(live);
    if (!claim) {
        return;
    }
    const { accessModes, resources, storageClassName } = claim.spec ?? {};
    await create(client, listPath(kindOf("PersistentVolumeClaim"), live.name), {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: copyMetadata,
        spec: {
            accessModes,
            storageClassName,
            resources: { requests: { storage: resources?.requests?.storage } },
        },
    });
}

async function startCopy(client: Client, live: LiveStack): Promise<void> {
    const template = specOf(live, "api");
    if (!template.containers) {
        throw new UserError(`there is no Deployment ${workloadName("api")} to copy`);
    }
    const volumes = volumesOfCopy(template.volumes ?? [], live.api?.claim);
    await create(client, podsPath(live), {
        apiVersion: "v1",
        kind: "Pod",
        metadata: copyMetadata,
        spec: { ...template, volumes },
    });
    await client.waitUntil(
        "the copy of the api's pod is ready",
        async () => {
            const pod = await client.find<Pod>(`${podsPath(live)}/${copyName}`);
            return pod !== undefined && isReady(pod);
        },
        waitSeconds,
    );
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

/** By its label: what only happens to have the copy's name belongs to somebody else. */
async function removeCopy(client: Client, live: LiveStack): Promise<void> {
    await deletePods(client, live, copyName);
    await deleteAll(client, listPath(kindOf("PersistentVolumeClaim"), live.name), copyName);
}

function deletePods(client: Client, live: LiveStack, app: string): Promise<void> {
    return deleteAll(client, podsPath(live), app);
}

/** Deletes the objects of an `app` label, and waits until they are gone. */
async function deleteAll(client: Client, path: string, app: string): Promise<void> {
    const selected = `${path}?labelSelector=${encodeURIComponent(`app=${app}`)}`;
    const found = await client.list<Pod>(selected);
    for (const { metadata } of found) {
        await client.delete(`${path}/${metadata.name}`);
    }
    const uids = new Set(found.map(({ metadata }) => metadata.uid));
    await client.waitUntil(
        `${path} has none of the deleted objects`,
        async () => {
            const left = await client.list<Pod>(selected);
            return !left.some(({ metadata }) => uids.has(metadata.uid));
        },
        waitSeconds,
    );
}

async function create(client: Client, path: string, body: object): Promise<void> {
    client.bodyOf(await client.post(path, body), path);
}

/** Writes a message, and returns all that there are. */
async function write(api: ChatApi, proxy: string): Promise<readonly Message[]> {
    await api.waitForMessages(proxy);
    await api.postTo(proxy, message);
    return api.waitForMessages(proxy);
}
