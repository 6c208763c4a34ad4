/**
 * Objects of this stack that its state does not have: a killed run did not get to record them, or the state is lost or elsewhere.
 *
 * The next update takes them over under a field manager of its own. So the API server keeps every field that the earlier run has
 * set and that this program does not: with the same config there is none.
 */
import type { Settings } from "../config/settings.ts";
import type { DeclaredObject, LiveObject } from "../kubernetes/objects.ts";
import { dropManagers, pulumiManagers } from "../kubernetes/managers.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, error, fix } from "../model/finding.ts";
import { workloadName } from "../model/names.ts";
import type { RecordedState } from "../pulumi/state.ts";
import type { Reached } from "./preflight.ts";

/** Objects that an update would mix with what an earlier run has made of them. */
export function mixedObjects(
    settings: Settings,
    { objects, api }: ClusterSnapshot,
    declared: readonly DeclaredObject[],
    recorded: RecordedState,
): readonly Finding[] {
    const known = managersIn(recorded);
    return (
        objects
            // Other rules decide what becomes of a claim.
            .filter(({ kind, metadata }) => kind !== "PersistentVolumeClaim" && !known.has(metadata.uid))
            .flatMap((live) => {
                const { kind = "", metadata } = live;
                const own = declared.find((one) => one.kind === kind && one.metadata.name === metadata.name);
                const [left] = own ? leftFields(live, own) : [];
                if (left === undefined) {
                    return [];
                }
                const wanted = settings.storage.mode;
                const has = api?.claim === undefined ? "ephemeral" : "persistent";
                const isOtherStorage = metadata.name === workloadName("api") && api && has !== wanted;
                const { name, namespace = "" } = metadata;
                return error(
                    "object-of-earlier-run",
                    `${kind} ${name} in namespace ${namespace} was made by an earlier run with another config, and this stack's state does not have it. An update would leave the earlier ${left} in it.`,
                    isOtherStorage &&
                        fix(
                            "Take it over as it is, then change the storage",
                            `pulumi config set storageMode ${has}`,
                            "npm run up",
                            `npm run switch -- ${wanted}`,
                        ),
                    fix(
                        "Delete it, and let the update make it anew",
                        `kubectl delete ${kind.toLowerCase()} ${name} --namespace ${namespace}`,
                    ),
                );
            })
    );
}

/** The objects of the state by UID, each with the field manager under which Pulumi applies it. */
function managersIn({ objects }: RecordedState): ReadonlyMap<string, string | undefined> {
    return new Map(objects.map((one) => [one.metadata.uid, one.__fieldManager]));
}

/**
 * Makes Pulumi's manager of today the only one that owns the fields, so that it can remove them: before an update for the objects
 * that the state had, and after it for those that it has taken over.
 */
export async function dropOtherManagers(
    { client, recorded }: Reached,
    { objects }: Pick<ClusterSnapshot, "objects">,
    which: "recorded" | "taken over",
): Promise<void> {
    const known = managersIn(recorded);
    const dropped = objects
        .filter(({ metadata }) => known.has(metadata.uid) === (which === "recorded"))
        .map((live) => {
            const own = known.get(live.metadata.uid);
            return { live, others: pulumiManagers(live.metadata).filter((one) => one !== own) };
        })
        .filter(({ others }) => others.length > 0);
    await Promise.all(dropped.map(({ live, others }) => dropManagers(client, live, others)));
}

/** Fields that a run of Pulumi has set in a live object, except for its metadata, and that the declared object does not have. */
export function leftFields({ metadata }: LiveObject, declared: DeclaredObject): readonly string[] {
    return (metadata.managedFields ?? [])
        .filter(({ manager = "" }) => pulumiManagers(metadata).includes(manager))
        .flatMap(({ fieldsV1 }) => missingFields((fieldsV1 ?? {}) as Fields, declared, ""))
        .filter((path) => !path.startsWith("metadata."));
}

type Fields = Readonly<Record<string, object>>;

/** Source of the notation: https://kubernetes.io/docs/reference/using-api/server-side-apply/#managed-fields-v1 */
function missingFields(fields: Fields, declared: unknown, path: string): readonly string[] {
    return Object.entries(fields).flatMap(([key, inner]) => {
        const [kind, name] = [key.slice(0, 2), key.slice(2)];
        if (kind === "f:") {
            const value = (declared as Readonly<Record<string, unknown>>)[name];
            const at = path === "" ? name : `${path}.${name}`;
            return value === undefined ? [at] : missingFields(inner as Fields, value, at);
        }
        if (kind === "k:") {
            const keys = JSON.parse(name) as object;
            const value = itemWith(keys, declared);
            const at = `${path}[${Object.values(keys).join("/")}]`;
            return value === undefined ? [at] : missingFields(inner as Fields, value, at);
        }
        return [];
    });
}

/** The item of a list with these keys. A default may be left out. */
function itemWith(keys: object, list: unknown): unknown {
    return (list as readonly Readonly<Record<string, unknown>>[]).find((item) =>
        Object.entries(keys).every(([key, value]) => item[key] === undefined || item[key] === value),
    );
}
