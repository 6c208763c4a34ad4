/**
 * What the stack owns by its labels while its state does not have it: a killed command made it and did not get to record
 * it. The next `up` takes it over. A destroy does not know it, and would wait in vain for a claim that such a pod mounts.
 */
import type { Client } from "../../../kubernetes/client.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import type { NamespaceSnapshot } from "../../../kubernetes/snapshot.ts";
import { kindOf, objectPath } from "../../../model/kinds.ts";
import { type Owners, isOwned, isRetained } from "../../../model/ownership.ts";
import type { StateResource } from "../../../pulumi/state.ts";

/** What the stack owns and its state does not have, except for data that is kept, in the order in which it can be deleted. */
export function unrecorded(
    places: readonly Pick<NamespaceSnapshot, "objects" | "namespace">[],
    owners: Owners,
    keepData: boolean,
    state: readonly StateResource[],
): readonly LiveObject[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    return places
        .flatMap(({ objects, namespace }) => (namespace ? [...objects, namespace] : objects))
        .filter((object) => isOwned(object, owners) && !recorded.has(idOf(object)))
        .filter(({ kind }) => kind !== "Job") // they end by themselves, and are deleted with their owner
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

/** The id that Pulumi's state has for an object. */
function idOf({ kind = "", metadata: { name, namespace } }: LiveObject): string {
    return `${kind} ${namespace ? `${namespace}/${name}` : name}`;
}
