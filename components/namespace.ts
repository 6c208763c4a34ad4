import type * as k8s from "@pulumi/kubernetes";
import { Namespace } from "@pulumi/kubernetes/core/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { managerAnnotation, stackLabels } from "../model/labels.ts";
import { type ProtectionArgs, protectionAnnotations, protectionOptions } from "./place.ts";

export interface AppNamespaceArgs extends ProtectionArgs {
    /** Name of the namespace. A new name is a new namespace: everything in the old one is deleted with it. */
    readonly name: pulumi.Input<string>;
    /** The stack that owns it: the value of the label app.kubernetes.io/instance. */
    readonly instance: string;
}

/**
 * The namespace of the app. Only pods that meet the `restricted` pod security standard run in it.
 *
 * Deleting a namespace deletes everything in it, whatever the options of its content say. So it is protected as
 * the claim is.
 */
export class AppNamespace extends pulumi.ComponentResource {
    public readonly namespace: k8s.core.v1.Namespace;
    /** Name of the namespace, known once it exists. What takes its namespace from here is created after it. */
    public readonly namespaceName: pulumi.Output<string>;

    public constructor(name: string, args: AppNamespaceArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:AppNamespace", name, {}, opts);

        this.namespace = new Namespace(
            `${name}-namespace`,
            {
                metadata: {
                    name: args.name,
                    labels: { ...stackLabels(args.instance), ...podSecurity },
                    annotations: { ...managerAnnotation, ...protectionAnnotations(args) },
                },
            },
            { parent: this, ...protectionOptions(args) },
        );

        this.namespaceName = this.namespace.metadata.name;
        this.registerOutputs({ namespaceName: this.namespaceName });
    }
}

/** Source: https://kubernetes.io/docs/concepts/security/pod-security-admission/ */
const podSecurity = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/audit": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
};
