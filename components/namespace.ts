import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stackLabels } from "./labels";

/** Whether an object stays when the stack no longer declares it, as the object itself says, for the next run to read. */
export const retainAnnotation = "synergychat/retain-data";

/** How a stateful object is guarded against its own deletion. */
export interface GuardArgs {
    /** Leave the object in the cluster when the stack no longer declares it, or is destroyed. Default: false. */
    readonly retain?: boolean;
    /** Refuse, in the state, every operation that would delete the object. Default: false. */
    readonly protect?: boolean;
}

export interface AppNamespaceArgs extends GuardArgs {
    /** Name of the namespace. A new name is a new namespace: everything in the old one is deleted with it. */
    readonly name: string;
    /** The stack that it belongs to, for the label app.kubernetes.io/instance. */
    readonly instance: string;
}

/**
 * The namespace of the app. Only pods that meet the `restricted` pod security standard run in it.
 *
 * A deleted namespace takes everything in it along, whatever the options of what is in it say. So it carries the same
 * guards as the claim.
 */
export class AppNamespace extends pulumi.ComponentResource {
    /** Name of the namespace, known once it exists: what takes its namespace from here is made after it. */
    public readonly namespaceName: pulumi.Output<string>;

    public constructor(name: string, args: AppNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:AppNamespace", name, {}, opts);

        const namespace = new k8s.core.v1.Namespace(
            `${name}-namespace`,
            {
                metadata: {
                    name: args.name,
                    labels: { ...stackLabels(args.instance), ...podSecurity("restricted") },
                    annotations: { [retainAnnotation]: String(args.retain ?? false) },
                },
            },
            { parent: this, ...guards(args) },
        );

        this.namespaceName = namespace.metadata.name;
        this.registerOutputs({ namespaceName: this.namespaceName });
    }
}

/** Resource options of the guards. Children do not inherit `retainOnDelete`: set them on the resource itself. */
export function guards(args: GuardArgs): pulumi.CustomResourceOptions {
    return { retainOnDelete: args.retain ?? false, protect: args.protect ?? false };
}

/** Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/ */
function podSecurity(level: "restricted"): Record<string, string> {
    return Object.fromEntries(
        ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, level]),
    );
}
