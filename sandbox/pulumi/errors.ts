/** The API server's refusals, each in one message that names the object. */
import { ApiError, UnreachableError } from "./client.ts";
import { type JsonObject, listAt, textAt } from "./json.ts";
import { idOf } from "./naming.ts";

/** `done` is what was not done: created, updated, deleted. */
export function explain(done: string, object: JsonObject, error: unknown): Error {
    if (!(error instanceof Error) || error instanceof UnreachableError) {
        return error instanceof Error ? error : new Error(String(error));
    }
    const what = `${textAt(object, "kind") ?? "object"} ${idOf(object)}`;
    const conflict = error instanceof ApiError ? fieldConflict(error) : undefined;
    const reason = error instanceof ApiError && error.reason !== "" ? ` (${error.reason})` : "";
    const why = conflict ?? error.message + reason;
    return new Error(`${what} was not ${done}: ${why}`, { cause: error });
}

/**
 * Somebody else set a field that we want to set: who, and which. The causes are documented at
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts
 */
export function fieldConflict(error: ApiError): string | undefined {
    const causes = listAt(error.body, "details", "causes").filter(
        (cause) => textAt(cause, "reason") === "FieldManagerConflict",
    );
    if (error.status !== 409 || causes.length === 0) {
        return undefined;
    }
    const fields = causes.map((cause) => {
        const manager = /"([^"]+)"/.exec(textAt(cause, "message") ?? "")?.[1] ?? "somebody else";
        return `${textAt(cause, "field") ?? "?"} (set by ${manager})`;
    });
    return (
        `fields that others manage would change: ${fields.join(", ")}. Take them out of the program, ` +
        'or take them over with the annotation pulumi.com/patchForce: "true" (Conflict)'
    );
}
