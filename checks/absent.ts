/** Objects that the state has and the cluster does not have. */
import type { Recorded, RecordedObject } from "../state";

/**
 * Why a run without a refresh must stop: Pulumi would call these objects unchanged, and succeed without them.
 *
 * @returns undefined if the cluster has all of them.
 */
export function recordedAndAbsent(
    { context = "", objects }: Pick<Recorded, "context" | "objects">,
    absent: readonly RecordedObject[],
): string | undefined {
    if (absent.length === 0) {
        return undefined;
    }
    const what =
        absent.length === objects.length
            ? `The cluster of context ${context} has none of the ${objects.length} objects of this stack's state: it is a new cluster, or everything was deleted.`
            : `The state of this stack has objects that the cluster does not have:\n${absent.map(line).join("\n")}`;
    const claims = absent.filter(({ kind }) => kind === "PersistentVolumeClaim");
    const messages = claims.length > 0 ? " The new claim has no messages." : "";
    return `${what}\n    Create them again: pulumi up --refresh${messages && `\n   ${messages}`}`;
}

function line({ kind, metadata: { name, namespace } }: RecordedObject): string {
    return `        ${kind} ${name}${namespace === undefined ? "" : ` in namespace ${namespace}`}`;
}
