/** How a stateful object is protected from its own deletion. */
import type * as pulumi from "@pulumi/pulumi";
import { protectAnnotation, retainAnnotation } from "../model/labels.ts";

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
