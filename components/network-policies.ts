import type * as k8s from "@pulumi/kubernetes";
import { NetworkPolicy } from "@pulumi/kubernetes/networking/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { selectorLabels, stackLabels } from "../model/labels.ts";
import {
    type Part,
    backupName,
    backupsReaderName,
    containerPort,
    guardPort,
    denyPolicyName,
    portName,
    targetPolicyName,
    workloadName,
} from "../model/names.ts";
import { type PlaceArgs, metadata } from "./place.ts";

type Spec = k8s.types.input.networking.v1.NetworkPolicySpec;
type Egress = k8s.types.input.networking.v1.NetworkPolicyEgressRule;
type Ports = k8s.types.input.networking.v1.NetworkPolicyPort[];

export interface NetworkPoliciesArgs extends PlaceArgs {
    /** Whether the api has a guard, which makes Events and so reaches the API server. */
    readonly guard: boolean;
    /** Whether Jobs read the api: those that make backups, and those that try a new image on a copy of the messages. */
    readonly jobs: boolean;
    /** Repository that backups are copied to, such as s3:https://host/bucket. Undefined: there is none. */
    readonly backupTarget?: string | undefined;
}

/**
 * Denies the stack's pods every connection but those that they need. A network plugin that knows network policies enforces it;
 * another ignores it. Pods that others add to the namespace are left alone.
 */
export class NetworkPolicies extends pulumi.ComponentResource {
    public constructor(name: string, args: NetworkPoliciesArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:NetworkPolicies", name, {}, opts);

        const declare = (id: string, policy: string, spec: Spec, part?: Part) =>
            new NetworkPolicy(
                `${name}-${id}-networkpolicy`,
                {
                    metadata: metadata(args, policy, part),
                    spec: { ...spec, policyTypes: ["Ingress", "Egress"] },
                },
                { parent: this },
            );
        const forPart = (part: Part, rules: Pick<Spec, "ingress" | "egress">) =>
            declare(part, workloadName(part), { podSelector: pods(part), ...rules }, part);

        declare("deny", denyPolicyName, { podSelector: { matchLabels: stackLabels(args.instance) } });
        // A browser's requests come from an ingress controller, which can be anywhere.
        const fromAnywhere = [{ ports: tcp(portName) }];
        forPart("web", { ingress: fromAnywhere });
        forPart("api", {
            ingress: fromAnywhere,
            egress: [
                dns,
                { to: [{ podSelector: pods("crawler") }], ports: tcp(containerPort) },
                ...(args.guard ? [apiServer] : []),
            ],
        });
        forPart("crawler", {
            ingress: [{ from: [{ podSelector: pods("api") }], ports: tcp(portName) }],
            egress: [dns, internet],
        });
        if (args.jobs) {
            declare("backups", backupName, {
                podSelector: { matchLabels: { app: backupName } },
                egress: [
                    dns,
                    {
                        to: [{ podSelector: pods("api") }],
                        ports: tcp(args.guard ? guardPort : containerPort),
                    },
                ],
            });
        }
        if (args.backupTarget !== undefined) {
            const apps = { key: "app", operator: "In", values: [backupName, backupsReaderName] };
            declare("target", targetPolicyName, {
                podSelector: { matchExpressions: [apps] },
                // A policy cannot name a host, and the target may be on a private network.
                egress: [dns, { ports: tcp(portOf(args.backupTarget)) }],
            });
        }
        this.registerOutputs({});
    }
}

function portOf(repository: string): number {
    const { port, protocol } = new URL(repository.replace(/^s3:/, ""));
    return Number(port) || (protocol === "https:" ? 443 : 80);
}

function pods(part: Part): k8s.types.input.meta.v1.LabelSelector {
    return { matchLabels: selectorLabels(part) };
}

function tcp(...ports: readonly (number | string)[]): Ports {
    return ports.map((port) => ({ protocol: "TCP", port }));
}

/** Wherever the cluster's DNS runs: a cache on each node has an address that no selector names. */
const dns: Egress = { ports: [...tcp(53), { protocol: "UDP", port: 53 }] };

/** Its address is the cluster's own affair. These are the ports that API servers have. */
const apiServer: Egress = { ports: tcp(443, 6443, 8443) };

/** Addresses outside of private networks. */
const internet: Egress = {
    to: [
        {
            ipBlock: {
                cidr: "0.0.0.0/0",
                except: ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
            },
        },
        { ipBlock: { cidr: "::/0", except: ["fc00::/7", "fe80::/10"] } },
    ],
    ports: tcp(80, 443),
};
