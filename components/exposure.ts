import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stackLabels } from "./labels";

/** How the app is reached from outside the cluster. */
export type ExposureArgs =
    /** By an Ingress. `ingressClass` defaults to the cluster's default class. */
    | { readonly kind: "ingress"; readonly ingressClass?: string }
    /** By a Gateway and its HTTPRoutes (Gateway API). `gatewayClass` must exist. */
    | { readonly kind: "gateway"; readonly gatewayClass: string }
    /** Not at all: `kubectl port-forward` still works. */
    | { readonly kind: "none" };

/** A host name and the Service behind it. */
export interface Route {
    readonly host: string;
    readonly serviceName: pulumi.Input<string>;
}

export interface AppExposureArgs {
    readonly namespace: pulumi.Input<string>;
    readonly instance: string;
    readonly exposure: ExposureArgs;
    readonly web: Route;
    readonly api: Route;
}

/** The app's two host names, each to its Service. */
export class AppExposure extends pulumi.ComponentResource {
    public constructor(name: string, args: AppExposureArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:AppExposure", name, {}, opts);

        switch (args.exposure.kind) {
            case "ingress":
                this.ingress(name, args, args.exposure.ingressClass);
                break;
            case "gateway":
                this.gateway(name, args, args.exposure.gatewayClass);
                break;
            case "none":
                break;
        }
        this.registerOutputs({});
    }

    private ingress(name: string, args: AppExposureArgs, ingressClass: string | undefined): void {
        new k8s.networking.v1.Ingress(
            `${name}-ingress`,
            {
                metadata: {
                    ...metadata(args, "app-ingress"),
                    // Some controllers publish an address late, or never: no reason for `up` to wait, or to fail.
                    annotations: { "pulumi.com/skipAwait": "true" },
                },
                spec: {
                    ...(ingressClass && { ingressClassName: ingressClass }),
                    rules: [args.web, args.api].map(ingressRule),
                },
            },
            { parent: this },
        );
    }

    private gateway(name: string, args: AppExposureArgs, gatewayClass: string): void {
        const gateway = new k8s.apiextensions.CustomResource(
            `${name}-gateway`,
            {
                apiVersion: "gateway.networking.k8s.io/v1",
                kind: "Gateway",
                metadata: metadata(args, "app-gateway"),
                spec: {
                    gatewayClassName: gatewayClass,
                    listeners: [
                        {
                            name: "http",
                            protocol: "HTTP",
                            port: 80,
                            allowedRoutes: { namespaces: { from: "Same" } },
                        },
                    ],
                },
            },
            { parent: this },
        );
        for (const part of ["web", "api"] as const) {
            new k8s.apiextensions.CustomResource(
                `${name}-${part}-httproute`,
                {
                    apiVersion: "gateway.networking.k8s.io/v1",
                    kind: "HTTPRoute",
                    metadata: metadata(args, `${part}-httproute`),
                    spec: {
                        parentRefs: [{ name: gateway.metadata.name }],
                        hostnames: [args[part].host],
                        rules: [{ backendRefs: [{ name: args[part].serviceName, port: 80 }] }],
                    },
                },
                { parent: this },
            );
        }
    }
}

function metadata(args: AppExposureArgs, name: string): k8s.types.input.meta.v1.ObjectMeta {
    return { name, namespace: args.namespace, labels: stackLabels(args.instance) };
}

function ingressRule(route: Route): k8s.types.input.networking.v1.IngressRule {
    return {
        host: route.host,
        http: {
            paths: [
                {
                    path: "/",
                    pathType: "Prefix",
                    backend: { service: { name: route.serviceName, port: { name: "http" } } },
                },
            ],
        },
    };
}
