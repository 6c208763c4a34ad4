/** Labels of everything that the stack makes. Source of the names: https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/ */

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
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/managed-by": "pulumi",
    };
}
