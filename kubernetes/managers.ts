/**
 * Field managers of Pulumi. It applies each resource under one of its own, and under a new one if it takes over an object that
 * its state does not have. Then both own the fields, and what only the former one has set stays for ever: an update that changes the
 * type of a volume fails.
 */
import { objectPath } from "../model/kinds.ts";
import type { Client } from "./client.ts";
import type { LiveObject, Metadata } from "./objects.ts";

type ManagedFields = NonNullable<Metadata["managedFields"]>;

/** Pulumi's entries, the newest first. */
export function pulumiManagers({ managedFields = [] }: Metadata): ManagedFields {
    const time = ({ time }: ManagedFields[number]) => time ?? "";
    return managedFields
        .filter(({ manager = "" }) => manager.startsWith("pulumi-kubernetes"))
        .sort((one, other) => (time(one) < time(other) ? 1 : -1));
}

/** Leaves an object to the manager that has applied it last. */
export async function dropFormerManagers(client: Client, { kind = "", metadata }: LiveObject): Promise<void> {
    const path = objectPath(kind, metadata.name, metadata.namespace);
    const now = await client.findIfAllowed<LiveObject>(path);
    const [, ...former] = now ? pulumiManagers(now.metadata) : [];
    if (now && former.length > 0) {
        const { managedFields = [], resourceVersion } = now.metadata;
        const kept = managedFields.filter((one) => !former.includes(one));
        // If somebody changes the object at this moment, the next update does it.
        await client.patch(
            path,
            { metadata: { resourceVersion, managedFields: kept } },
            "application/merge-patch+json",
        );
    }
}
