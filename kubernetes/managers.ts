/**
 * Field managers of Pulumi. It applies each resource under one of its own, and under a new one if it takes over an object that
 * its state does not have. Then both own the fields, and what only the former one has set stays for ever: an update that changes the
 * type of a volume fails.
 */
import { objectPath } from "../model/kinds.ts";
import type { Client } from "./client.ts";
import type { LiveObject, Metadata } from "./objects.ts";

/** Pulumi's managers of an object. */
export function pulumiManagers({
    managedFields = [],
}: Pick<Metadata, "managedFields"> = {}): readonly string[] {
    return managedFields
        .flatMap(({ manager }) => manager ?? [])
        .filter((manager) => manager.startsWith("pulumi-kubernetes"));
}

/** Makes these managers own nothing of an object any more. Its fields stay. */
export async function dropManagers(
    client: Client,
    { kind = "", metadata }: LiveObject,
    managers: readonly string[],
): Promise<void> {
    const path = objectPath(kind, metadata.name, metadata.namespace);
    const now = await client.findIfAllowed<LiveObject>(path);
    if (now) {
        const { managedFields = [], resourceVersion } = now.metadata;
        const kept = managedFields.filter(({ manager = "" }) => !managers.includes(manager));
        // Fields that nobody owns could never be removed.
        if (pulumiManagers({ managedFields: kept }).length > 0) {
            const patch = { metadata: { resourceVersion, managedFields: kept } };
            // If somebody changes the object at this moment, the next update does it.
            await client.patch(path, patch, "application/merge-patch+json");
        }
    }
}
