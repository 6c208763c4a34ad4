import type * as k8s from "@pulumi/kubernetes";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/index.js";
import { Ingress } from "@pulumi/kubernetes/networking/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { gatewayName, httpRouteName, ingressName, portName } from "../model/names.ts";
import { type PlaceArgs, metadata } from "./place.ts";

/** How the app is reached from outside the cluster. */
export type ExposureArgs =
    /** By an Ingress. `ingressClass` defaults to the cluster's default class. */
    | ({ readonly kind: "ingress"; readonly ingressClass?: string } & EntryArgs)
    /** By a Gateway and its HTTPRoutes (Gateway API). The class must exist. */
    | ({ readonly kind: "gateway"; readonly gatewayClass: string } & EntryArgs)
    /** Not at all. `kubectl port-forward` still works. */
    | { readonly kind: "none" };

/** What Ingress and Gateway have in common. */
export interface EntryArgs {
    /**
     * Annotations of the object.
     *
     * @default {}
     */
    readonly annotations?: Readonly<Record<string, string>>;
    /**
     * Name of the secret with the certificate of both hosts.
     *
     * @default - They are served by plain http.
     */
    readonly tlsSecret?: string;
}

/** A host name and the Service behind it. */
export interface Route {
    readonly host: pulumi.Input<string>;
    /** Name of the Service, which listens on port 80. */
    readonly serviceName: pulumi.Input<string>;
}

export interface AppExposureArgs extends PlaceArgs {
    readonly exposure: ExposureArgs;
    readonly web: Route;
    readonly api: Route;
}

/** The app's two host names, each to its Service. */
export class AppExposure extends pulumi.ComponentResource {
    public constructor(name: string, args: AppExposureArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:AppExposure", name, {}, opts);

        const { exposure } = args;
        if (exposure.kind === "ingress") {
            this.makeIngress(name, args, exposure);
        } else if (exposure.kind === "gateway") {
            this.makeGateway(name, args, exposure);
        }
        this.registerOutputs({});
    }

    private makeIngress(
        name: string,
        args: AppExposureArgs,
        { ingressClass, annotations, tlsSecret }: Extract<ExposureArgs, { readonly kind: "ingress" }>,
    ): void {
        new Ingress(
            `${name}-ingress`,
            {
                // Some controllers publish an address late or never, which is no reason for `pulumi up` to wait or to fail.
                metadata: metadata(args, ingressName, undefined, {
                    "pulumi.com/skipAwait": "true",
                    ...annotations,
                }),
                spec: {
                    ...(ingressClass && { ingressClassName: ingressClass }),
                    rules: [args.web, args.api].map(ingressRule),
                    ...(tlsSecret && {
                        tls: [{ secretName: tlsSecret, hosts: [args.web.host, args.api.host] }],
                    }),
                },
            },
            { parent: this },
        );
    }

    private makeGateway(
        name: string,
        args: AppExposureArgs,
        { gatewayClass, annotations, tlsSecret }: Extract<ExposureArgs, { readonly kind: "gateway" }>,
    ): void {
        const make = (resource: string, kind: string, object: string, spec: object, own = {}) =>
            new CustomResource(
                `${name}-${resource}`,
                {
                    apiVersion: "gateway.networking.k8s.io/v1",
                    kind,
                    metadata: metadata(args, object, undefined, own),
                    spec,
                },
                { parent: this },
            );
        const allowedRoutes = { namespaces: { from: "Same" } };
        const http = { name: "http", protocol: "HTTP", port: 80, allowedRoutes };
        const routed = ["web", "api"] as const;
        const gateway = make(
            "gateway",
            "Gateway",
            gatewayName,
            {
                gatewayClassName: gatewayClass,
                // With TLS, one for each host: cert-manager makes no certificate for a listener without a host name.
                listeners: tlsSecret
                    ? routed.flatMap((part) => [
                          { ...http, name: `${part}-http`, hostname: args[part].host },
                          {
                              ...{ name: part, protocol: "HTTPS", port: 443, allowedRoutes },
                              hostname: args[part].host,
                              tls: {
                                  mode: "Terminate",
                                  certificateRefs: [{ kind: "Secret", name: tlsSecret }],
                              },
                          },
                      ])
                    : [http],
            },
            annotations,
        );
        const from = (listener: string) => ({ name: gateway.metadata.name, sectionName: listener });
        for (const part of routed) {
            make(`${part}-httproute`, "HTTPRoute", httpRouteName(part), {
                parentRefs: [tlsSecret ? from(part) : { name: gateway.metadata.name }],
                hostnames: [args[part].host],
                rules: [{ backendRefs: [{ name: args[part].serviceName, port: 80 }] }],
            });
        }
        if (tlsSecret) {
            const requestRedirect = { scheme: "https", statusCode: 301 };
            make("https-httproute", "HTTPRoute", httpRouteName("https"), {
                parentRefs: routed.map((part) => from(`${part}-http`)),
                hostnames: [args.web.host, args.api.host],
                rules: [{ filters: [{ type: "RequestRedirect", requestRedirect }] }],
            });
        }
    }
}

function ingressRule(route: Route): k8s.types.input.networking.v1.IngressRule {
    const service = { name: route.serviceName, port: { name: portName } };
    return {
        host: route.host,
        http: { paths: [{ path: "/", pathType: "Prefix", backend: { service } }] },
    };
}
