/** What the API server says to objects that are not made yet. Every request is a dry run, so nothing changes. */
import { isDeepStrictEqual } from "node:util";
import { type KindPath, listPath, stackKinds } from "../model/kinds.ts";
import { managerAnnotation } from "../model/labels.ts";
import type { Answer, Client } from "./client.ts";
import type { DeclaredObject, Deployment, LiveObject, RecordedObject } from "./objects.ts";

/** What the cluster would make of a declared object, or why it refuses the object. */
export interface Tried {
    readonly object: DeclaredObject;
    readonly result?: LiveObject;
    readonly rejection?: Rejection;
}

/** An object that the cluster refuses. */
export interface Rejection {
    readonly object: DeclaredObject;
    /** The API server's own words. */
    readonly message: string;
    /** Whether only the change of the live object is refused, and Pulumi deletes that object to make a new one. */
    readonly replaced: boolean;
}

/**
 * Tries the declared objects of a namespace, and a pod of each Deployment, which a policy may refuse by itself. An object that is
 * among the live ones as declared is not tried, except for a Deployment, of which a field may have been removed.
 *
 * @param recorded the objects that the stack's state has. Pulumi replaces no other one.
 */
export async function tryObjects(
    client: Client,
    objects: readonly DeclaredObject[],
    live: readonly LiveObject[],
    { namespace, recorded }: { readonly namespace: string; readonly recorded: readonly RecordedObject[] },
): Promise<readonly Tried[]> {
    // The objects of a list do not carry their apiVersion.
    const isThere = (object: DeclaredObject) =>
        live.some((one) => isContained({ ...object, apiVersion: undefined }, one));
    const changed = objects.filter((object) => object.kind === "Deployment" || !isThere(object));
    const pods = changed.filter((object) => !isThere(object)).flatMap(podOf);
    const tried = [...changed, ...pods].map(async (object) => {
        const known = recorded.find((one) => isSame(one, object));
        const one = await tryObject(client, object, namespace, known);
        // A policy that is newer than an object does not keep the rest of the stack from changing.
        return one?.rejection && isThere(object) ? { object } : one;
    });
    return (await Promise.all(tried)).filter((one) => one !== undefined);
}

/** Whether this is one object of the cluster, as the state or the cluster has it. */
export function isSame(
    { kind, metadata }: LiveObject | RecordedObject,
    object: LiveObject | DeclaredObject,
): boolean {
    const { name, namespace } = object.metadata;
    return kind === object.kind && metadata.name === name && metadata.namespace === namespace;
}

/** A pod of a Deployment, without the service account, which may not exist yet. */
function podOf(object: DeclaredObject): readonly DeclaredObject[] {
    const { metadata, spec } = (object as LiveObject<Deployment>).spec?.template ?? {};
    const pod = {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...object.metadata, ...(metadata as object) },
        spec: { ...spec, serviceAccountName: undefined },
    };
    return object.kind === "Deployment" ? [pod] : [];
}

/** @param known what the stack's state has of it. Undefined: nothing, and Pulumi cannot replace the live object. */
async function tryObject(
    client: Client,
    object: DeclaredObject,
    namespace: string,
    known: RecordedObject | undefined,
): Promise<Tried | undefined> {
    const kind = await kindPath(client, object);
    if (!kind) {
        return undefined;
    }
    const { metadata } = object;
    const path = listPath(kind, namespace);
    const place = kind.namespaced ? { namespace } : {};
    const named = (name: string) => ({ ...object, metadata: { ...metadata, name, ...place } });
    const [manager = ""] = Object.values(managerAnnotation);
    const fieldManager = known?.__fieldManager ?? manager;
    const parameters = new URLSearchParams({ dryRun: "All", force: "true", fieldManager });
    const answer = await client.patch<LiveObject>(
        `${path}/${metadata.name}?${parameters.toString()}`,
        named(metadata.name),
        "application/apply-patch+yaml",
    );
    if (answer.kind === "found") {
        return { object, result: answer.body };
    }
    const message = refusalIn(answer);
    // A quota counts the pods that the update replaces. A new namespace has no service account yet.
    if (message === undefined || (object.kind === "Pod" && /exceeded quota|service account/.test(message))) {
        return { object };
    }
    const created = `${path}?dryRun=All`;
    const ofNew = refusalIn(await client.post(created, named("synergychat-dry-run")));
    // A claim is replaced for a field that cannot be changed, and not for its size.
    const isChanged = kind.resource === "persistentvolumeclaims" && !message.includes("spec is immutable");
    const replaced = ofNew === undefined && known !== undefined && !isChanged;
    return { object, rejection: { object, message: ofNew ?? message, replaced } };
}

/** Where the API has a kind. A kind that the stack does not make by itself is asked for. Undefined: the cluster does not have it. */
async function kindPath(
    client: Client,
    { apiVersion, kind }: Pick<DeclaredObject, "apiVersion" | "kind">,
): Promise<KindPath | undefined> {
    const own = stackKinds.find((row) => row.kind === kind && row.apiVersion === apiVersion);
    if (own) {
        return own;
    }
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    type Discovered = Record<"name" | "kind", string> & { readonly namespaced: boolean };
    const answer = await client.read<{ resources?: readonly Discovered[] }>(root);
    const resources = answer.kind === "found" ? (answer.body.resources ?? []) : [];
    const found = resources.find((one) => one.kind === kind && !one.name.includes("/"));
    return found && { apiVersion, resource: found.name, namespaced: found.namespaced };
}

/** Undefined if the cluster takes the object, or does not tell because the user lacks a permission. */
function refusalIn(answer: Answer): string | undefined {
    if (answer.kind === "forbidden") {
        return /cannot \w+ resource/.test(answer.message) ? undefined : answer.message;
    }
    const isRefused =
        answer.kind === "failed" &&
        ([400, 422].includes(answer.status) || answer.message.includes("failed calling webhook"));
    return isRefused ? answer.message : undefined;
}

/** Whether a live value has all that is declared. The API server adds defaults to it. */
export function isContained(declared: unknown, live: unknown): boolean {
    if (typeof declared !== "object" || typeof live !== "object" || declared === null || live === null) {
        return isDeepStrictEqual(declared, live);
    }
    return (
        (!Array.isArray(declared) || declared.length === (live as unknown[]).length) &&
        Object.entries(declared).every(([key, value]) =>
            isContained(value, (live as Readonly<Record<string, unknown>>)[key]),
        )
    );
}
