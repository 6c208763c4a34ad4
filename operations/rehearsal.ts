/**
 * The chapter's lesson on persistence, tried: messages are written, the api's pod is deleted, and they are gone or kept.
 *
 * The app cannot delete a message, and on ephemeral storage a deleted pod takes everybody's messages with it. So the
 * lesson is tried on a copy of the api's pod, with a volume of the same kind that is its own: nobody's messages are
 * touched, and copy and volume are removed at the end. On the live pod it is tried where the person asks for it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { countInWords } from "../cluster/facts";
import type { Connection } from "../cluster/kubectl";
import { type Check, check, databaseVolume, deploymentOf } from "./lessons";
import { type Claim, type Live, messagesOf } from "./live";
import { UserError, output } from "./process";

const lesson = "Storage that dies, storage that stays";
const copyName = "synergychat-verify";
const port = 8080;
const patience = "120s";
const message = { AuthorUsername: "verify", Text: "written by npm run verify" };

/** Tries the lesson on a copy of the api's pod. */
export async function onACopy(cluster: Connection, live: Live): Promise<Check> {
    const tried = `a copy of the api's pod, with a volume of its own: write a message, delete the pod`;
    try {
        // A killed run leaves its copy behind.
        removeCopy(cluster, live);
        const claim = copyOfClaim(live);
        if (claim) {
            await create(cluster, `/api/v1/namespaces/${live.namespace}/persistentvolumeclaims`, claim);
        }
        await startCopy(cluster, live);
        const before = await write(cluster, `/api/v1/namespaces/${live.namespace}/pods/${copyName}:${port}`);
        kubectl(cluster, live, "delete", "pod", copyName, "--wait=true", `--timeout=${patience}`);
        await startCopy(cluster, live);
        const after = await read(cluster, `/api/v1/namespaces/${live.namespace}/pods/${copyName}:${port}`);
        return verdict(tried, live, before, after);
    } catch (error) {
        return check(lesson, tried, false, (error as Error).message);
    } finally {
        removeCopy(cluster, live);
    }
}

/** Tries the lesson on the live pod, where the person asks for it: whatever is written meanwhile may go with the pod. */
export async function onTheLivePod(cluster: Connection, live: Live, destructive: boolean): Promise<Check> {
    const tried = "kubectl delete pod --selector app=synergychat-api";
    const skipped = (seen: string): Check => ({ lesson, tried, seen, result: "skipped" });
    const service = `/api/v1/namespaces/${live.namespace}/services/api-service:http`;
    // Asked anew: people may have written since the walk began.
    const messages = await messagesOf(cluster, service);
    if (!destructive) {
        return skipped(harm({ ...live, messages }));
    }
    try {
        const before = messages?.length ? messages : await write(cluster, service);
        kubectl(cluster, live, "delete", "pod", "--selector=app=synergychat-api", `--timeout=${patience}`);
        kubectl(cluster, live, "rollout", "status", "deployment/synergychat-api", `--timeout=${patience}`);
        return verdict(tried, live, before, await read(cluster, service));
    } catch (error) {
        return check(lesson, tried, false, (error as Error).message);
    }
}

/** Pure: what harm the lesson does on this stack's live pod. */
export function harm({ messages, storageMode }: Pick<Live, "messages" | "storageMode">): string {
    if (messages === undefined) {
        return "the api does not tell its messages";
    }
    const some = countInWords(messages.length);
    if (storageMode === "persistent") {
        return messages.length > 0
            ? `the api holds ${some}, and would not answer for a moment; --destructive does it`
            : "a message of this command's would stay, since the app cannot delete one; --destructive leaves it there";
    }
    return messages.length > 0
        ? `the api holds ${some}, which would be gone; --destructive takes them`
        : "what somebody writes meanwhile would be gone; --destructive takes it";
}

/** Pure: whether the messages fared as the storage mode promises. Others may have written meanwhile. */
export function verdict(
    tried: string,
    { storageMode }: Pick<Live, "storageMode">,
    before: readonly unknown[],
    after: readonly unknown[],
): Check {
    const there = new Set(after.map((one) => JSON.stringify(one)));
    const kept = before.filter((one) => there.has(JSON.stringify(one))).length;
    const promised = storageMode === "persistent" ? before.length : 0;
    return check(
        lesson,
        tried,
        before.length > 0 && kept === promised,
        `${before.length} written, ${kept} there after the pod was replaced; ${storageMode} storage promises ${promised}`,
    );
}

function copyOfClaim(live: Live): object | undefined {
    const name = databaseVolume(live)?.persistentVolumeClaim?.claimName;
    const claim = live.claims.find(({ metadata }) => metadata.name === name);
    return (
        claim && {
            apiVersion: "v1",
            kind: "PersistentVolumeClaim",
            metadata: copyMetadata,
            spec: like(claim),
        }
    );
}

function like({ spec }: Claim): object {
    const { accessModes, resources, storageClassName } = spec;
    return {
        accessModes,
        resources: { requests: { storage: resources.requests.storage } },
        storageClassName,
    };
}

/** Labels of its own: with the api's, the Service would send people to it, and the api's ReplicaSet would adopt it. */
const copyMetadata = { name: copyName, labels: { app: copyName } };

async function startCopy(cluster: Connection, live: Live): Promise<void> {
    const template = deploymentOf(live, "api")?.spec.template.spec;
    if (!template) {
        throw new Error("there is no deployment synergychat-api to copy");
    }
    const volumes = (template.volumes ?? []).map((volume) =>
        volume.persistentVolumeClaim ? { ...volume, persistentVolumeClaim: { claimName: copyName } } : volume,
    );
    const pod = { apiVersion: "v1", kind: "Pod", metadata: copyMetadata, spec: { ...template, volumes } };
    await create(cluster, `/api/v1/namespaces/${live.namespace}/pods`, pod);
    kubectl(cluster, live, "wait", "--for=condition=Ready", `pod/${copyName}`, `--timeout=${patience}`);
}

/** By its label: what only happens to have the copy's name is somebody else's. */
function removeCopy(cluster: Connection, live: Live): void {
    const own = [`--selector=app=${copyName}`, "--ignore-not-found", `--timeout=${patience}`];
    kubectl(cluster, live, "delete", "pod,persistentvolumeclaim", ...own);
}

async function create(cluster: Connection, path: string, body: object): Promise<void> {
    const answer = await cluster.post(path, body);
    if (answer.kind !== "found") {
        throw new Error("message" in answer ? answer.message : `${path} is not there`);
    }
}

/** Writes a message, and gives back all that there are. */
async function write(cluster: Connection, path: string): Promise<readonly unknown[]> {
    await read(cluster, path);
    await create(cluster, `${path}/proxy/messages`, message);
    return read(cluster, path);
}

/** The messages, within half a minute: a Service hears of a new pod a moment after it is ready. */
async function read(cluster: Connection, path: string): Promise<readonly unknown[]> {
    for (let attempt = 0; attempt < 30; attempt++) {
        const messages = await messagesOf(cluster, path);
        if (messages) {
            return messages;
        }
        await sleep(1000);
    }
    throw new Error("the api does not answer /messages");
}

function kubectl(cluster: Connection, { namespace }: Live, ...args: readonly string[]): void {
    const all = [...args, `--namespace=${namespace}`, `--context=${cluster.target.context}`];
    if (output("kubectl", all, cluster.target.env ?? process.env) === undefined) {
        throw new UserError(`kubectl ${args.join(" ")} failed`);
    }
}
