/** What the API server says to objects that are not made yet. Every request is a dry run, so nothing changes. */
import { isDeepStrictEqual } from "node:util";
import { type KindPath, listPath, stackKinds } from "../model/kinds.ts";
import type { Answer, Client } from "./client.ts";
import { pulumiManagers } from "./managers.ts";
import type { DeclaredObject, LiveObject } from "./objects.ts";

/** The field manager of an object that is not Pulumi's yet. */
const manager = "pulumi-kubernetes-preflight";

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
 * Tries the declared objects of a namespace. One that is among its live objects as declared is not tried, except for a
 * Deployment, of which a field may have been removed.
 *
 * @param recorded the objects that the stack's state has, by UID, each with its field manager. Pulumi replaces no other one.
 */
export async function tryObjects(
    client: Client,
    objects: readonly DeclaredObject[],
    live: readonly LiveObject[],
    { namespace, recorded }: { readonly namespace: string; readonly recorded: Recorded },
): Promise<readonly Tried[]> {
    const tried = objects.map(async (object) => {
        // The objects of a list do not carry their apiVersion.
        if (
            object.kind !== "Deployment" &&
            live.some((one) => isContained({ ...object, apiVersion: undefined }, one))
        ) {
            return undefined;
        }
        const before = live.find(
            ({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name,
        );
        const isRecorded = before !== undefined && recorded.has(before.metadata.uid);
        const own = isRecorded ? (recorded.get(before.metadata.uid) ?? manager) : undefined;
        // The update first takes away what another manager of Pulumi's still owns, so its result is not known.
        const isShared = own !== undefined && pulumiManagers(before?.metadata).some((one) => one !== own);
        return isShared ? { object } : tryObject(client, object, namespace, own);
    });
    return (await Promise.all(tried)).filter((one) => one !== undefined);
}

/** The objects that the stack's state has, by UID, each with its field manager. */
export type Recorded = ReadonlyMap<string, string | undefined>;

/** @param own the field manager of the live object. Undefined: the stack's state does not have it, and Pulumi cannot replace it. */
async function tryObject(
    client: Client,
    object: DeclaredObject,
    namespace: string,
    own: string | undefined,
): Promise<Tried | undefined> {
    const kind = await kindPath(client, object);
    if (!kind?.namespaced) {
        return undefined;
    }
    const { metadata } = object;
    const path = listPath(kind, namespace);
    const named = (name: string) => ({ ...object, metadata: { ...metadata, name, namespace } });
    const parameters = new URLSearchParams({ dryRun: "All", force: "true", fieldManager: own ?? manager });
    const answer = await client.patch<LiveObject>(
        `${path}/${metadata.name}?${parameters.toString()}`,
        named(metadata.name),
        "application/apply-patch+yaml",
    );
    if (answer.kind === "found") {
        return { object, result: answer.body };
    }
    const message = refusalIn(answer);
    if (message === undefined) {
        return { object };
    }
    const created = `${path}?dryRun=All&fieldManager=${manager}`;
    const ofNew = refusalIn(await client.post(created, named("synergychat-dry-run")));
    // A claim is replaced for a field that cannot be changed, and not for its size.
    const isChanged = kind.resource === "persistentvolumeclaims" && !message.includes("spec is immutable");
    const replaced = ofNew === undefined && own !== undefined && !isChanged;
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
    switch (answer.kind) {
        case "forbidden":
            return /cannot \w+ resource/.test(answer.message) ? undefined : answer.message;
        case "failed":
            return [400, 422].includes(answer.status) || answer.message.includes("failed calling webhook")
                ? answer.message
                : undefined;
        default:
            return undefined;
    }
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
