/** Field managers: only the manager that has set a field can remove it. */
import { isStackName, objectPath } from "../model/kinds.ts";
import { managerAnnotation } from "../model/labels.ts";
import type { Client } from "./client.ts";
import type { LiveObject } from "./objects.ts";

/**
 * Hands over to Pulumi's manager of today what an earlier version of this program has applied under others. Otherwise an update
 * that changes the type of a volume would fail.
 */
export async function handOverFields(client: Client, objects: readonly LiveObject[]): Promise<void> {
    const [manager] = Object.values(managerAnnotation);
    const handed = objects.map(async ({ kind = "", metadata: { name, namespace, ...metadata } }) => {
        const { managedFields = [], resourceVersion } = metadata;
        const isFormer = (one: (typeof managedFields)[number]) =>
            one.manager?.startsWith("pulumi-kubernetes-") ?? false;
        if (isStackName(kind, name) && managedFields.some(isFormer)) {
            const renamed = managedFields.map((one) => (isFormer(one) ? { ...one, manager } : one));
            const patch = { metadata: { resourceVersion, managedFields: renamed } };
            // If somebody changes the object at this moment, the next update does it.
            await client.patch(objectPath(kind, name, namespace), patch, "application/merge-patch+json");
        }
    });
    await Promise.all(handed);
}
