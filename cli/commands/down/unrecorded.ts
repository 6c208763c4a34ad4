/**
 * What the stack owns by its labels while its state does not have it: a killed command made it and did not get to record
 * it. The next `up` takes it over. A destroy does not know it, and would wait in vain for a claim that such a pod mounts.
 */
import type { Client } from "../../../kubernetes/client.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { kindOf, listPath, objectPath, stackKinds } from "../../../model/kinds.ts";
import { type Owners, isRetained, ownerSelector } from "../../../model/ownership.ts";
import type { StateResource } from "../../../pulumi/state.ts";

/** Everything that a stack owns, in the order in which it can be deleted. */
export async function ownedObjects(client: Client, owners: Owners): Promise<readonly LiveObject[]> {
    const selector = `?labelSelector=${encodeURIComponent(ownerSelector(owners))}`;
    const lists = await Promise.all(
        stackKinds.map((row) => client.list<LiveObject>(`${listPath(row)}${selector}`)),
    );
    return lists.flat();
}

/**
 * Of the owned objects in these namespaces, those that no state has. What is retained is none of them.
 *
 * @param keepData leave claims and namespaces out.
 */
export function unrecorded(
    objects: readonly LiveObject[],
    namespaces: readonly string[],
    keepData: boolean,
    state: readonly StateResource[],
): readonly LiveObject[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    return objects
        .filter((object) => namespaces.includes(namespaceOf(object)))
        .filter((object) => !recorded.has(idOf(object)) && !endsByItself(object))
        .filter((object) => !kindOf(object.kind ?? "").holdsData || !(keepData || isRetained(object)));
}

/** Deletes objects in their order. Waits for namespaces only: nothing of an unrecorded namespace is recorded. */
export async function deleteUnrecorded(client: Client, objects: readonly LiveObject[]): Promise<void> {
    for (const { kind = "", metadata } of objects) {
        const path = objectPath(kind, metadata.name, metadata.namespace);
        const answer = await client.delete(path);
        if (answer.kind !== "not found") {
            client.bodyOf(answer, path);
        }
        if (kind === "Namespace") {
            await client.waitUntil(
                `namespace ${metadata.name} is gone`,
                async () => (await client.find(path)) === undefined,
                300,
                `kubectl get namespace ${metadata.name} --output yaml`,
            );
        }
    }
}

/** Jobs are in no state. They are deleted with their owner, or after some minutes. */
function endsByItself({ kind }: LiveObject): boolean {
    return kind === "Job";
}

/** The namespace that an object is in. A namespace is in itself. */
function namespaceOf({ kind, metadata }: LiveObject): string {
    return (kind === "Namespace" ? metadata.name : metadata.namespace) ?? "";
}

/** The id that Pulumi's state has for an object. */
function idOf({ kind = "", metadata: { name, namespace } }: LiveObject): string {
    return `${kind} ${namespace ? `${namespace}/${name}` : name}`;
}
