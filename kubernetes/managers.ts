/** Field managers: only the manager that has set a field can remove it. */
import { isDeepStrictEqual } from "node:util";
import { isStackName, objectPath } from "../model/kinds.ts";
import { managerAnnotation } from "../model/labels.ts";
import type { Client } from "./client.ts";
import { isSame } from "./dry-run.ts";
import type { LiveObject, Metadata, RecordedObject } from "./objects.ts";

type ManagedFields = NonNullable<Metadata["managedFields"]>[number];

/**
 * Hands over to Pulumi's manager of today what an earlier version of this program has applied under others. Otherwise an update
 * that changes the type of a volume would fail.
 *
 * @param recorded the objects that the stack's state has. Of a claim that it does not have, which an earlier destroy has kept, the
 *   manager no longer owns the class. An update that does not name the class would try to remove it, and the API server would refuse.
 */
export async function handOverFields(
    client: Client,
    objects: readonly LiveObject[],
    recorded: readonly RecordedObject[],
): Promise<void> {
    const handed = objects.map(async (object) => {
        const { kind = "", metadata } = object;
        const { name, namespace, managedFields = [], resourceVersion } = metadata;
        const isKept = kind === "PersistentVolumeClaim" && !recorded.some((one) => isSame(one, object));
        const isOfPulumi = (manager = "") => manager === today || manager.startsWith("pulumi-kubernetes-");
        const after = managedFields.map((one) => (isOfPulumi(one.manager) ? handedOver(one, isKept) : one));
        if (isStackName(kind, name) && !isDeepStrictEqual(after, managedFields)) {
            const patch = { metadata: { resourceVersion, managedFields: after } };
            // If somebody changes the object at this moment, the next update does it.
            await client.patch(objectPath(kind, name, namespace), patch, "application/merge-patch+json");
        }
    });
    await Promise.all(handed);
}

const [today] = Object.values(managerAnnotation);

function handedOver(fields: ManagedFields, withoutClass: boolean): ManagedFields {
    const after = { ...structuredClone(fields), manager: today };
    if (withoutClass) {
        delete (after.fieldsV1 as ClaimFields | undefined)?.["f:spec"]?.["f:storageClassName"];
    }
    return after;
}

interface ClaimFields {
    readonly "f:spec"?: { "f:storageClassName"?: unknown };
}
