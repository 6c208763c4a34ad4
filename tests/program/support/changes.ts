/** What distinguishes two plans, field by field. */
import { isDeepStrictEqual } from "node:util";

/** Fields by name. */
export type Dump = Readonly<Record<string, unknown>>;

/** A field that differs. Without `from` it was added, without `to` it was removed. */
export interface Change {
    readonly from?: unknown;
    readonly to?: unknown;
}

/** Every field that differs, by its path. */
export function changesBetween(before: unknown, after: unknown, path = ""): Record<string, Change> {
    if (isDeepStrictEqual(before, after)) {
        return {};
    }
    if (!isDump(before) || !isDump(after)) {
        return {
            [path]: {
                ...(before !== undefined && { from: before }),
                ...(after !== undefined && { to: after }),
            },
        };
    }
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const changes = keys.map((key) =>
        changesBetween(before[key], after[key], path === "" ? key : `${path}.${key}`),
    );
    return Object.assign({}, ...changes) as Record<string, Change>;
}

function isDump(value: unknown): value is Dump {
    return typeof value === "object" && value !== null;
}
