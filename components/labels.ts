/** Labels of everything that the stack makes. Source of the names: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */

import { createHash } from "node:crypto";

/** The label that says which stack an object belongs to. */
export const instanceLabel = "app.kubernetes.io/instance";

/** The label that says what manages an object. */
export const managedBy = { label: "app.kubernetes.io/managed-by", value: "pulumi" };

/** A label that no pod has: with it in its selector, a Service leads nowhere. `npm run switch` puts it there. */
export const outOfService = "synergychat/out-of-service";

/** A part of the app: what its objects are called after. */
export type Part = "web" | "api" | "crawler";

/** Labels that a Deployment and a Service select pods by. They never change: a Deployment's selector is immutable. */
export function selectorLabels(part: Part): Record<string, string> {
    return { app: `synergychat-${part}` };
}

/** Labels of every object that belongs to one part of the app. */
export function partLabels(part: Part, instance: string): Record<string, string> {
    return {
        ...selectorLabels(part),
        "app.kubernetes.io/name": `synergychat-${part}`,
        "app.kubernetes.io/component": part,
        ...stackLabels(instance),
    };
}

/** Labels of every object of the stack. */
export function stackLabels(instance: string): Record<string, string> {
    return {
        "app.kubernetes.io/part-of": "synergychat",
        [instanceLabel]: instance,
        [managedBy.label]: managedBy.value,
    };
}

/**
 * The mark of a stack on its objects: project and stack. It tells two stacks in one cluster apart.
 *
 * @returns a label value: at most 63 characters, a letter or a digit at both ends. A name that is none is cut where needed,
 *   and ends with a checksum of the whole.
 */
export function instanceOf(project: string, stack: string): string {
    const whole = `${project}-${stack}`;
    const checksum = createHash("sha256").update(whole).digest("hex").slice(0, 8);
    return /^[a-z0-9](.{0,61}[a-z0-9])?$/i.test(whole)
        ? whole
        : `${whole.slice(0, 54)}-${checksum}`.replace(/^[^a-z0-9]+/i, "");
}
