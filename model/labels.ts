/**
 * Labels and annotations of everything that the stack makes.
 *
 * Source of the names: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
 */
import { createHash } from "node:crypto";
import { type Part, workloadName } from "./names.ts";

/** Says which stack an object belongs to. */
export const instanceLabel = "app.kubernetes.io/instance";

const managedByLabel = "app.kubernetes.io/managed-by";

/** Says on a claim or a namespace whether it stays when the stack no longer declares it, for the next run to read. */
export const retainAnnotation = "synergychat/retain-data";

/** Says on a claim or a namespace that its deletion is refused. Without it, nothing is refused. */
export const protectAnnotation = "synergychat/protect-data";

/** Says on a claim which storage class the config asked for. Empty: the cluster's default class. */
export const classAnnotation = "synergychat/storage-class";

/**
 * Names the manager under which Pulumi applies an object. Without it, Pulumi takes over an object that its state does not have
 * under a new name, and what only the former manager has set stays for ever.
 */
export const managerAnnotation = { "pulumi.com/patchFieldManager": "pulumi-synergychat" } as const;

/** A command that takes the api out of its Service while it works on the messages, so that nobody can post. */
export type Operation = "switch" | "restore";

/** A label that no pod has. With it in its selector, a Service leads nowhere. Its value is the operation. */
export const outOfServiceLabel = "synergychat/out-of-service";

/** The operation that has put the label into a Service's selector. Undefined: the Service leads to its pods. */
export function operationOf(selector: Readonly<Record<string, unknown>> = {}): Operation | undefined {
    if (!(outOfServiceLabel in selector)) {
        return undefined;
    }
    return selector[outOfServiceLabel] === "restore" ? "restore" : "switch";
}

/** Labels that identify the owner of an object: this program, for the stack of this instance. */
export function ownerLabels(instance: string): Record<string, string> {
    return { [instanceLabel]: instance, [managedByLabel]: "pulumi" };
}

/** Labels of every object of the stack. */
export function stackLabels(instance: string): Record<string, string> {
    return { "app.kubernetes.io/part-of": "synergychat", ...ownerLabels(instance) };
}

/** Labels that a Deployment and a Service select pods by. They never change: a Deployment's selector is immutable. */
export function selectorLabels(part: Part): Record<string, string> {
    return { app: workloadName(part) };
}

/** The node of the api's pod, as a term of another pod's affinity. */
export const nodeOfApi = {
    labelSelector: { matchLabels: selectorLabels("api") },
    topologyKey: "kubernetes.io/hostname",
};

/** The affinity of a pod that runs there if it can. */
export const preferNodeOfApi = {
    podAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: nodeOfApi }],
    },
};

/** Labels of every object that belongs to one part of the app. */
export function partLabels(part: Part, instance: string): Record<string, string> {
    return {
        ...selectorLabels(part),
        "app.kubernetes.io/name": workloadName(part),
        "app.kubernetes.io/component": part,
        ...stackLabels(instance),
    };
}

/**
 * The value of the instance label: it tells two stacks in one cluster apart.
 *
 * @returns `<project>-<stack>` if that is a label value (at most 63 characters, a letter or a digit at both ends). Otherwise
 *   the name is cut and ends with a checksum of the whole.
 */
export function instanceOf(project: string, stack: string): string {
    const whole = `${project}-${stack}`;
    const checksum = createHash("sha256").update(whole).digest("hex").slice(0, 8);
    return /^[a-z0-9](.{0,61}[a-z0-9])?$/i.test(whole)
        ? whole
        : `${whole.slice(0, 54)}-${checksum}`.replace(/^[^a-z0-9]+/i, "");
}
