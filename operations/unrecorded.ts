/**
 * What carries the stack's marks and is not in its state: a killed command made it and did not get to record it. The next
 * `up` takes it over; a destroy knows nothing of it, and would wait in vain for a claim that such a pod uses.
 */
import { isRetained } from "../checks/claims";
import { instanceLabel, instanceOf, managedBy } from "../components/labels";
import { type Environment, UserError, output, run } from "./process";
import { type Resource, type StackCluster, projectName, shortName } from "./stack";

/** An object in the cluster. */
export interface Found {
    readonly kind: string;
    readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly annotations?: Readonly<Record<string, string>>;
    };
}

/** In the order in which they can go: a claim goes only after the pods that use it. */
const kinds = "deployments,services,configmaps,ingresses,persistentvolumeclaims,namespaces";

/**
 * Finds it in one namespace. What was made to stay (`retainData`) is none of it.
 *
 * @param keepData leave claims and namespaces out.
 */
export function unrecorded(
    stack: string,
    namespace: string,
    keepData: boolean,
    state: readonly Resource[],
    { context, env }: StackCluster,
): readonly Found[] {
    const recorded = new Set(state.map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
    const isData = ({ kind }: Found) => ["PersistentVolumeClaim", "Namespace"].includes(kind);
    return marked(stack, context, env)
        .filter(
            ({ kind, metadata }) => (kind === "Namespace" ? metadata.name : metadata.namespace) === namespace,
        )
        .filter((object) => !recorded.has(idOf(object)))
        .filter((object) => !isData(object) || !(keepData || isRetained(object)));
}

/** Deletes what was found. */
export function deleteAll(found: readonly Found[], { context, env }: StackCluster): void {
    for (const { kind, metadata } of found) {
        const where = metadata.namespace ? ["--namespace", metadata.namespace] : [];
        // Nothing of an unrecorded namespace is recorded, so it can go now.
        const wait = `--wait=${kind === "Namespace"}`;
        const what = [kind.toLowerCase(), metadata.name, ...where, "--ignore-not-found", wait];
        run("kubectl", ["--context", context, "delete", ...what], env);
    }
}

function idOf({ kind, metadata: { name, namespace } }: Found): string {
    return `${kind} ${namespace ? `${namespace}/${name}` : name}`;
}

function marked(stack: string, context: string, env: Environment): Found[] {
    const marks = `${instanceLabel}=${instanceOf(projectName(), shortName(stack))},${managedBy.label}=${managedBy.value}`;
    const args = ["get", kinds, "--all-namespaces", "--selector", marks, "--output=json"];
    const json = output("kubectl", ["--context", context, ...args], env);
    if (json === undefined) {
        throw new UserError(
            `kubectl ${args.join(" ")} failed: is the cluster of context ${context} running?`,
        );
    }
    return (JSON.parse(json) as { items: Found[] }).items;
}
