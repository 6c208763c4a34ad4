/** The plain values that Kubernetes objects and Pulumi properties are made of, and small pure helpers over them. */

export type Json = string | number | boolean | null | Json[] | JsonObject;
export interface JsonObject {
    [key: string]: Json | undefined;
}

/** Where a value is in an object: keys, and indices of lists. */
export type Path = (string | number)[];

/** What stands for a value that is known only after an update (`plugin.UnknownStringValue` in Pulumi's Go SDK). */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export function isObject(value: Json | undefined): value is JsonObject {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function hasUnknown(value: Json | undefined): boolean {
    if (value === UNKNOWN) {
        return true;
    }
    if (Array.isArray(value)) {
        return value.some(hasUnknown);
    }
    return isObject(value) && Object.values(value).some(hasUnknown);
}

/** The value at a path of keys, or undefined where any step is missing. */
export function at(value: Json | undefined, ...path: Path): Json | undefined {
    let current = value;
    for (const step of path) {
        if (Array.isArray(current) && typeof step === "number") {
            current = current[step];
        } else if (isObject(current)) {
            current = current[String(step)];
        } else {
            return undefined;
        }
    }
    return current;
}

export function textAt(value: Json | undefined, ...path: Path): string | undefined {
    const found = at(value, ...path);
    return typeof found === "string" ? found : undefined;
}

export function countAt(value: Json | undefined, ...path: Path): number {
    const found = at(value, ...path);
    return typeof found === "number" ? found : 0;
}

export function objectAt(value: Json | undefined, ...path: Path): JsonObject {
    const found = at(value, ...path);
    return isObject(found) ? found : {};
}

export function listAt(value: Json | undefined, ...path: Path): Json[] {
    const found = at(value, ...path);
    return Array.isArray(found) ? found : [];
}

/** A value as text: a plain one as it is, any other as JSON. */
export function shown(value: Json | undefined): string {
    return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** A copy without some keys. */
export function without(object: JsonObject, ...keys: string[]): JsonObject {
    return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** A copy without nulls and undefined: an input that is null is an input that was not given. */
export function withoutNulls(value: Json): Json {
    if (Array.isArray(value)) {
        return value.map(withoutNulls);
    }
    if (!isObject(value)) {
        return value;
    }
    const kept: JsonObject = {};
    for (const [key, item] of Object.entries(value)) {
        if (item !== null && item !== undefined) {
            kept[key] = withoutNulls(item);
        }
    }
    return kept;
}

export function deepEqual(a: Json | undefined, b: Json | undefined): boolean {
    if (Array.isArray(a) && Array.isArray(b)) {
        return a.length === b.length && a.every((item, i) => deepEqual(item, b[i]));
    }
    if (isObject(a) && isObject(b)) {
        const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
        return [...keys].every((key) => deepEqual(a[key], b[key]));
    }
    return a === b;
}

/** A path as Pulumi writes it: `spec.ports[0].port`, `metadata.annotations["a.b/c"]`. */
export function formatPath(path: Path): string {
    let text = "";
    for (const step of path) {
        if (typeof step === "number") {
            text += `[${step}]`;
        } else if (/^[A-Za-z_$][\w$-]*$/.test(step)) {
            text += text === "" ? step : `.${step}`;
        } else {
            text += `[${JSON.stringify(step)}]`;
        }
    }
    return text;
}

/** The reverse of formatPath; `*` is a step like any other. */
export function parsePath(text: string): Path {
    const path: Path = [];
    const steps = /\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|\[(\*)\]|([^.[\]]+)/g;
    for (const [, quoted, index, star, plain] of text.matchAll(steps)) {
        if (index !== undefined) {
            path.push(Number(index));
        } else {
            path.push(quoted === undefined ? (star ?? plain ?? "") : (JSON.parse(`"${quoted}"`) as string));
        }
    }
    return path;
}

/** True if `path` is `prefix` or below it; a `*` in the prefix matches any one step. */
export function isWithin(path: Path, prefix: Path): boolean {
    return prefix.length <= path.length && prefix.every((step, i) => step === "*" || step === path[i]);
}
