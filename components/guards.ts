/** How a stateful object is guarded against its own deletion. */
import type * as pulumi from "@pulumi/pulumi";
import { retainAnnotation } from "../model/labels";

/** Guards of a stateful object. */
export interface GuardArgs {
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

/** Resource options of the guards. Children do not inherit `retainOnDelete`, so set them on the resource itself. */
export function guardOptions(args: GuardArgs): pulumi.CustomResourceOptions {
    return { retainOnDelete: args.retain ?? false, protect: args.protect ?? false };
}

/** The annotation that tells the next run whether the object stays: Pulumi does not tell a program what its state retains. */
export function guardAnnotations(args: GuardArgs): Record<string, string> {
    return { [retainAnnotation]: String(args.retain ?? false) };
}
