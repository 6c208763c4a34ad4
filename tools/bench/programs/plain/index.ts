/** The plainest program of the same objects: one resource for each, no options, and Pulumi's defaults for everything. */
import { readFileSync } from "node:fs";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";

interface KubernetesObject {
    readonly kind: string;
    readonly metadata: { readonly name: string };
}

const file = new pulumi.Config().require("objects");
const objects = JSON.parse(readFileSync(file, "utf8")) as readonly KubernetesObject[];
const provider = new k8s.Provider("cluster", { context: new pulumi.Config().require("context") });

const classes = {
    Namespace: k8s.core.v1.Namespace,
    ConfigMap: k8s.core.v1.ConfigMap,
    PersistentVolumeClaim: k8s.core.v1.PersistentVolumeClaim,
    Service: k8s.core.v1.Service,
    Deployment: k8s.apps.v1.Deployment,
    Ingress: k8s.networking.v1.Ingress,
};

type AnyResource = new (name: string, args: object, opts: pulumi.CustomResourceOptions) => pulumi.Resource;

function create(object: KubernetesObject, opts: pulumi.CustomResourceOptions): pulumi.Resource {
    const Class = classes[object.kind as keyof typeof classes] as unknown as AnyResource;
    return new Class(`${object.kind}-${object.metadata.name}`.toLowerCase(), object, opts);
}

const [namespace, ...others] = objects;
if (namespace) {
    const first = create(namespace, { provider });
    for (const object of others) {
        create(object, { provider, dependsOn: first });
    }
}
