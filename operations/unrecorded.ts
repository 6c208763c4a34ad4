/**
 * What carries the stack's marks and is not in its state: a killed command made it and did not get to record it. The next
 * `up` takes it over; a destroy knows nothing of it, and would wait in vain for a claim that such a pod uses.
 */
import { isRetained } from "../checks/ownership";
import { listOf } from "../cluster/facts";
import type { ApiObject, Connection } from "../cluster/kubectl";
import { instanceLabel, managedBy } from "../components/labels";
import { run } from "./process";
import type { Resource, StackCluster } from "./stack";

/** In the order in which they can go: a claim goes only after the pods that use it. */
const paths = [
    "/apis/apps/v1/deployments",
    "/api/v1/services",
    "/api/v1/configmaps",
    "/apis/networking.k8s.io/v1/ingresses",
    "/api/v1/persistentvolumeclaims",
    "/api/v1/namespaces",
];

/**
 * Everything that carries a stack's marks, in the order in which it can go.
 *
 * @param instance the stack's mark on its objects.
 */
export async function marked(cluster: Connection, instance: string): Promise<readonly ApiObject[]> {
    const marks = `${instanceLabel}=${instance},${managedBy.label}=${managedBy.value}`;
    const selector = `?labelSelector=${encodeURIComponent(marks)}`;
    const lists = paths.map((path) => listOf<ApiObject>(cluster, path + selector));
    return (await Promise.all(lists)).flat();
}

/**
 * Of the marked objects in these namespaces those that no state knows. What was made to stay (`retainData`) is none of it.
 *
 * @param keepData leave claims and namespaces out.
 */
export function unrecorded(
    objects: readonly ApiObject[],
    namespaces: readonly string[],
    keepData: boolean,
    state: readonly Resource[],
): readonly ApiObject[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    return objects
        .filter((object) => namespaces.includes(namespaceOf(object)))
        .filter((object) => !recorded.has(idOf(object)))
        .filter((object) => !isData(object) || !(keepData || isRetained(object)));
}

/** Deletes what was found. */
export function deleteAll(found: readonly ApiObject[], { context, env }: StackCluster): void {
    for (const { kind = "", metadata } of found) {
        const where = metadata.namespace ? ["--namespace", metadata.namespace] : [];
        // Nothing of an unrecorded namespace is recorded, so it can go now.
        const wait = `--wait=${kind === "Namespace"}`;
        const what = [kind.toLowerCase(), metadata.name, ...where, "--ignore-not-found", wait];
        run("kubectl", ["--context", context, "delete", ...what], env);
    }
}

function isData({ kind = "" }: ApiObject): boolean {
    return ["PersistentVolumeClaim", "Namespace"].includes(kind);
}

/** The namespace that an object is in; a namespace is in itself. */
function namespaceOf({ kind, metadata }: ApiObject): string {
    return (kind === "Namespace" ? metadata.name : metadata.namespace) ?? "";
}

function idOf({ kind = "", metadata: { name, namespace } }: ApiObject): string {
    return `${kind} ${namespace ? `${namespace}/${name}` : name}`;
}
