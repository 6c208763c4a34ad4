/** Where an object is, whose it is, and how a stateful one is protected from its own deletion. */
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import {
    managerAnnotation,
    partLabels,
    protectAnnotation,
    retainAnnotation,
    stackLabels,
} from "../model/labels.ts";
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
    annotations: Readonly<Record<string, string>> = {},
): k8s.types.input.meta.v1.ObjectMeta {
    const labels = part ? partLabels(part, instance) : stackLabels(instance);
    return { name, namespace, labels, annotations: { ...managerAnnotation, ...annotations } };
}

/** What protects a stateful object. */
export interface ProtectionArgs {
    /**
     * Leave the object in the cluster when the stack no longer declares it, or is destroyed.
     *
     * @default false
     */
    readonly retain?: boolean;
    /**
     * Refuse, in the state, every operation that would delete the object.
     *
     * @default false
     */
    readonly protect?: boolean;
}

/** Resource options that protect. Children do not inherit `retainOnDelete`, so set them on the resource itself. */
export function protectionOptions(args: ProtectionArgs): pulumi.CustomResourceOptions {
    return { retainOnDelete: args.retain ?? false, protect: args.protect ?? false };
}

/** Annotations that tell the next run what protects the object: Pulumi does not tell a program what its state has. */
export function protectionAnnotations(args: ProtectionArgs): Record<string, string> {
    return {
        [retainAnnotation]: String(args.retain ?? false),
        ...(args.protect && { [protectAnnotation]: "true" }),
    };
}
