import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { partLabels, stackLabels } from "../model/labels.ts";
import type { Part } from "../model/names.ts";

/** Where the objects of a component are, and whose they are. */
export interface PlaceArgs {
    /** Namespace of the objects. */
    readonly namespace: pulumi.Input<string>;
    /** The stack that owns them: the value of the label app.kubernetes.io/instance. */
    readonly instance: string;
}

/** @param part the part of the app that the object belongs to. Undefined: it belongs to no single one. */
export function metadata(
    { namespace, instance }: PlaceArgs,
    name: string,
    part?: Part,
): k8s.types.input.meta.v1.ObjectMeta {
    return { name, namespace, labels: part ? partLabels(part, instance) : stackLabels(instance) };
}
