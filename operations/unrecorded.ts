/**
 * What a killed command made in the cluster and did not get to record in the stack's state. The next `up` takes it over;
 * a destroy knows nothing of it, and would wait for ever for a claim that such a pod uses.
 */
import { instanceLabel, instanceOf, managedBy } from "../components/labels";
import { type Environment, UserError, output, run } from "./process";
import { projectName } from "./stack";

interface Found {
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
}

interface Recorded {
    readonly id?: string;
    readonly inputs?: { readonly kind?: string };
}

/** The kinds that a destroy must not leave, those that hold messages last. */
const workloads = "deployments,services,configmaps,ingresses";
const data = "persistentvolumeclaims,namespaces";

/**
 * Deletes what carries the stack's marks and is not in its state, each named first.
 *
 * @param keepData leave claims and namespaces alone.
 */
export function deleteUnrecorded(stack: string, context: string, keepData: boolean, env: Environment): void {
    const kinds = keepData ? workloads : `${workloads},${data}`;
    const recorded = recordedIds(stack, env);
    for (const object of marked(stack, context, kinds, env)) {
        const { name, namespace } = object.metadata;
        if (recorded.has(idOf(object))) {
            continue;
        }
        console.log(`${object.kind} ${name} was made by a command that was killed: deleting it.`);
        const where = namespace ? ["--namespace", namespace] : [];
        // Nothing of an unrecorded namespace is recorded, so it can go now. A claim goes only after the pods that use it.
        const wait = `--wait=${object.kind === "Namespace"}`;
        const what = [object.kind.toLowerCase(), name, ...where, "--ignore-not-found", wait];
        run("kubectl", ["--context", context, "delete", ...what], env);
    }
}

function recordedIds(stack: string, env: Environment): Set<string> {
    const json = output("pulumi", ["stack", "export", "--stack", stack], env);
    if (json === undefined) {
        throw new UserError(`There is no stack ${stack}, or its state cannot be read: pulumi stack ls`);
    }
    const { deployment } = JSON.parse(json) as { deployment: { resources?: readonly Recorded[] } };
    return new Set((deployment.resources ?? []).map(({ id, inputs }) => `${inputs?.kind ?? ""} ${id ?? ""}`));
}

function idOf({ kind, metadata: { name, namespace } }: Found): string {
    return `${kind} ${namespace ? `${namespace}/${name}` : name}`;
}

function marked(stack: string, context: string, kinds: string, env: Environment): Found[] {
    const marks = `${instanceLabel}=${instanceOf(projectName(), stack)},${managedBy.label}=${managedBy.value}`;
    const args = ["get", kinds, "--all-namespaces", "--selector", marks, "--output=json"];
    const json = output("kubectl", ["--context", context, ...args], env);
    if (json === undefined) {
        throw new UserError(
            `kubectl ${args.join(" ")} failed: is the cluster of context ${context} running?`,
        );
    }
    return (JSON.parse(json) as { items: Found[] }).items;
}
