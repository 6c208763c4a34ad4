/** The plainest program of the same objects: one resource for each, no options, and Pulumi's defaults for everything. */
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

interface KubernetesObject {
    readonly apiVersion: keyof typeof groups;
    readonly kind: string;
    readonly metadata: { readonly name: string };
}
type AnyResource = new (name: string, args: object, opts: pulumi.CustomResourceOptions) => pulumi.Resource;

const groups = {
    v1: k8s.core.v1,
    "apps/v1": k8s.apps.v1,
    "networking.k8s.io/v1": k8s.networking.v1,
    "policy/v1": k8s.policy.v1,
};
const objects = readFileSync(new pulumi.Config().require("objects"), "utf8");

let namespace: pulumi.Resource | undefined;
for (const object of JSON.parse(objects) as KubernetesObject[]) {
    const { [object.kind]: Class } = groups[object.apiVersion] as object as Record<string, AnyResource>;
    const name = `${object.kind}-${object.metadata.name}`.toLowerCase();
    // An annotation could keep Pulumi from waiting as it does by default.
    const args = { ...object, metadata: { ...object.metadata, annotations: {} } };
    const created = Class && new Class(name, args, namespace ? { dependsOn: namespace } : {});
    namespace ??= created;
}
