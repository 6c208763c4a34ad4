/**
 * What the stack owns by its labels while its state does not have it: a killed command made it and did not get to record
 * it. The next `up` takes it over. A destroy does not know it, and would wait in vain for a claim that such a pod mounts.
 */
import type { LiveObject } from "../../../kubernetes/objects.ts";
import type { NamespaceSnapshot } from "../../../kubernetes/snapshot.ts";
import { kindOf, objectPath } from "../../../model/kinds.ts";
import { type Owners, isOwned, isRetained } from "../../../model/ownership.ts";
import { type StateResource, knownOutputs } from "../../../pulumi/state.ts";
import { UserError } from "../../../system/errors.ts";
import { confirm } from "../../terminal.ts";
import type { DestroyPlan } from "./plan.ts";

/** Deletes it after a yes, before the destroy: a claim cannot be deleted while such a pod mounts it. */
export async function removeUnrecorded({ session, place }: DestroyPlan, yes: boolean): Promise<void> {
    const { stack, client, settings, state, output, owners } = session;
    const keepData = knownOutputs(state)?.retainsData ?? settings.retainData;
    const found = unrecorded(place, owners, keepData, state);
    if (found.length === 0) {
        return;
    }
    const names = found.map(({ kind, metadata }) => `${kind ?? ""} ${metadata.name}`).join(", ");
    if (state.length === 0) {
        throw new UserError(
            `The state of stack ${stack.name} is empty, but the cluster has objects with its owner labels: ${names}.\n` +
                "Its state may be in another backend or on another machine. Nothing was changed.\n" +
                "  See where this state is:          pulumi whoami --verbose\n" +
                `  Adopt the objects and destroy:    npm run up -- ${stack.name} && npm run down -- ${stack.name}`,
        );
    }
    output.info(`This stack owns objects that its state does not have, as after a killed command: ${names}.`);
    if (!yes && !(await confirm("Delete them?"))) {
        throw new UserError("Nothing was changed.");
    }
    for (const { kind = "", metadata } of found) {
        const path = objectPath(kind, metadata.name, metadata.namespace);
        const answer = await client.delete(path);
        if (answer.kind !== "not found") {
            client.bodyOf(answer, path);
        }
        // Nothing of an unrecorded namespace is recorded, so the destroy does not wait for it.
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

/** What the stack owns and its state does not have, except for data that is kept, in the order in which it can be deleted. */
export function unrecorded(
    { objects, namespace }: Pick<NamespaceSnapshot, "objects" | "namespace">,
    owners: Owners,
    keepData: boolean,
    state: readonly StateResource[],
): readonly LiveObject[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    const idOf = ({ kind = "", metadata: { name, namespace } }: LiveObject) =>
        `${kind} ${namespace ? `${namespace}/${name}` : name}`;
    return [...objects, ...(namespace ? [namespace] : [])]
        .filter((object) => isOwned(object, owners) && !recorded.has(idOf(object)))
        .filter(({ kind }) => kind !== "Job") // they end by themselves, and are deleted with their owner
        .filter((object) => !kindOf(object.kind ?? "").holdsData || !(keepData || isRetained(object)));
}
