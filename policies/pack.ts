/** A policy pack about what a stateful app on Kubernetes should promise. README.md has a row for each rule. */
import { PolicyPack } from "@pulumi/policy";
import { claimsOutlivePods, claimsProtected } from "./rules/claims.ts";
import { imagesByDigest } from "./rules/images.ts";
import { networkPolicies } from "./rules/network-policies.ts";
import { oneWriter } from "./rules/one-writer.ts";
import { restrictedPods } from "./rules/restricted-pods.ts";

new PolicyPack("synergychat", {
    description: "One writer, kept claims, digests, restricted pods, network policies",
    enforcementLevel: "mandatory",
    policies: [
        oneWriter,
        claimsOutlivePods,
        claimsProtected,
        imagesByDigest,
        restrictedPods,
        networkPolicies,
    ],
});
