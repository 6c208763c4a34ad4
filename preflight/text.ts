/** Words that several findings share. */
import type { LiveObject } from "../kubernetes/objects.ts";
import { ownerLabels } from "../model/labels.ts";

/** "1 message", "2 messages". */
export function countMessages(count: number): string {
    return count === 1 ? "1 message" : `${count} messages`;
}

/** The names of objects, with commas. */
export function listNames(objects: readonly LiveObject[]): string {
    return objects.map(({ metadata }) => metadata.name).join(", ") || "none";
}

/** The owner labels as arguments of `kubectl label`. */
export function ownerArguments(instance: string): string {
    return Object.entries(ownerLabels(instance))
        .map(([label, value]) => `${label}=${value}`)
        .join(" ");
}
