/** The resource option `ignoreChanges`, where somebody else sets the field in the cluster. */
import { type Json, type JsonObject, at, isObject, listAt, objectAt, parsePath, textAt } from "./json.ts";

/**
 * The inputs of an update without the ignored fields that others manage, so that applying neither takes them over nor
 * changes them; an ignored field that is ours is sent as it is in the cluster.
 */
export function withIgnored(
    inputs: JsonObject,
    live: JsonObject,
    ignoreChanges: string[],
    manager: string,
): JsonObject {
    let result = inputs;
    for (const text of ignoreChanges) {
        const path = parsePath(text);
        if (!path.every((step): step is string => typeof step === "string" && step !== "*")) {
            throw new Error(`ignoreChanges: this provider covers no lists (${text})`);
        }
        const current = at(live, ...path);
        if (at(inputs, ...path) !== undefined && current !== undefined) {
            result = replaced(result, path, isOurs(live, path, manager) ? current : undefined);
        }
    }
    return result;
}

/** Who set a field is in `managedFields`, as a tree of keys `f:name`. */
function isOurs(live: JsonObject, path: string[], manager: string): boolean {
    const keys = path.map((step) => `f:${step}`);
    return listAt(live, "metadata", "managedFields").some(
        (entry) => textAt(entry, "manager") === manager && at(entry, "fieldsV1", ...keys) !== undefined,
    );
}

function replaced(object: JsonObject, path: string[], value: Json | undefined): JsonObject {
    const [key, ...rest] = path;
    if (key === undefined) {
        return object;
    }
    const { [key]: current, ...others } = object;
    const next =
        rest.length === 0 ? value : replaced(isObject(current) ? current : objectAt(current), rest, value);
    return next === undefined ? others : { ...others, [key]: next };
}
