import type { StackValidationPolicy } from "@pulumi/policy";
import { namespaceOf, objectsOf, podsOf } from "../objects.ts";

export const networkPolicies: StackValidationPolicy = {
    name: "network-policies",
    description: "A namespace that has pods has a network policy.",
    validateStack: ({ resources }, report) => {
        const objects = objectsOf(resources);
        const covered = objects
            .filter(({ object }) => object.kind === "NetworkPolicy")
            .map(({ object }) => namespaceOf(object));
        for (const { object, urn } of objects) {
            const namespace = namespaceOf(object);
            if (podsOf(object) && !covered.includes(namespace)) {
                report(
                    `The stack has no network policy in namespace ${namespace}, so every pod of the cluster reaches these. ` +
                        "Add a NetworkPolicy that allows only the required connections.",
                    urn,
                );
            }
        }
    },
};
