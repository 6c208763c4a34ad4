/** What the API server says to objects that are not made yet. Every request is a dry run, so nothing changes. */
import { isDeepStrictEqual } from "node:util";
import { type KindPath, listPath, stackKinds } from "../model/kinds.ts";
import type { Answer, Client } from "./client.ts";
import type { DeclaredObject, LiveObject } from "./objects.ts";

/** The field manager of an object that is not Pulumi's yet. */
const manager = "pulumi-kubernetes-preflight";

/** An object that the cluster refuses. */
export interface Rejection {
    readonly object: DeclaredObject;
    /** The API server's own words. */
    readonly message: string;
    /** Whether only the change of the live object is refused, and Pulumi deletes that object to make a new one. */
    readonly replaced: boolean;
}

/** The objects that the cluster would refuse in a namespace. One that is among its live objects as declared is not asked about. */
export async function rejectedObjects(
    client: Client,
    objects: readonly DeclaredObject[],
    live: readonly LiveObject[],
    namespace: string,
): Promise<readonly Rejection[]> {
    // The objects of a list do not carry their apiVersion.
    const changed = objects.filter(
        (object) => !live.some((one) => isContained({ ...object, apiVersion: undefined }, one)),
    );
    const found = await Promise.all(changed.map((object) => rejectionOf(client, object, namespace)));
    return found.filter((one) => one !== undefined);
}

/** What the cluster would make of an object if it were applied. */
export function tryToApply<T>(client: Client, path: string, object: unknown, fieldManager = manager) {
    const parameters = new URLSearchParams({ dryRun: "All", force: "true", fieldManager });
    return client.patch<T>(`${path}?${parameters.toString()}`, object, "application/apply-patch+yaml");
}

async function rejectionOf(
    client: Client,
    object: DeclaredObject,
    namespace: string,
): Promise<Rejection | undefined> {
    const { metadata } = object;
    const kind = await kindPath(client, object);
    if (!kind?.namespaced) {
        return undefined;
    }
    const path = listPath(kind, namespace);
    const named = (name: string) => ({ ...object, metadata: { ...metadata, name, namespace } });
    const message = refusalIn(await tryToApply(client, `${path}/${metadata.name}`, named(metadata.name)));
    if (message === undefined) {
        return undefined;
    }
    const created = `${path}?dryRun=All&fieldManager=${manager}`;
    const ofNew = refusalIn(await client.post(created, named("synergychat-dry-run")));
    return { object, message: ofNew ?? message, replaced: ofNew === undefined };
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
            return [400, 422].includes(answer.status) ? answer.message : undefined;
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
