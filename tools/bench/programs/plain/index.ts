/** The plainest program of the same objects: one resource for each, no options, and Pulumi's defaults for everything. */
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

interface KubernetesObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string };
}
type AnyResource = new (name: string, args: object, opts: pulumi.CustomResourceOptions) => pulumi.Resource;

const groups = { v1: k8s.core.v1, "apps/v1": k8s.apps.v1, "networking.k8s.io/v1": k8s.networking.v1 };
const config = new pulumi.Config();
const provider = new k8s.Provider("cluster", { context: config.require("context") });
const objects = JSON.parse(readFileSync(config.require("objects"), "utf8")) as KubernetesObject[];

let namespace: pulumi.Resource | undefined;
for (const object of objects) {
    const group = groups[object.apiVersion as keyof typeof groups] as object as Record<string, AnyResource>;
    const { [object.kind]: Class } = group;
    const name = `${object.kind}-${object.metadata.name}`.toLowerCase();
    const created =
        Class && new Class(name, object, namespace ? { provider, dependsOn: namespace } : { provider });
    namespace ??= created;
}
