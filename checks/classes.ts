/** Storage, ingress and gateway classes: what the config names must be there. */
import type { Facts } from "../cluster/facts";
import type { ApiObject } from "../cluster/kubectl";
import { ownClaim } from "../components/storage";
import type { Settings } from "../config";
import { isCurrent } from "./claims";
import { names } from "./ownership";

export function missingClasses(settings: Settings, facts: Facts): string[] {
    const { storage, exposure } = settings;
    const found: (string | undefined)[] = [];
    const claim = ownClaim(storage);
    if (claim && !facts.claims.some((one) => isCurrent(one, settings))) {
        found.push(classProblem("storageClass", "storage class", claim.storageClass, facts.storageClasses));
    }
    if (exposure.kind === "ingress") {
        found.push(
            classProblem("ingressClass", "ingress class", exposure.ingressClass, facts.ingressClasses),
        );
    }
    if (
        exposure.kind === "gateway" &&
        !facts.gatewayClasses?.some(({ metadata }) => metadata.name === exposure.gatewayClass)
    ) {
        const have = facts.gatewayClasses
            ? `it has: ${names(facts.gatewayClasses)}`
            : "it has no Gateway API (gateway.networking.k8s.io/v1)";
        found.push(
            `gatewayClass is ${JSON.stringify(exposure.gatewayClass)}: the cluster has no such gateway class, ${have}.`,
        );
    }
    return found.filter((problem) => problem !== undefined);
}

/** @param wanted name of the class; undefined: the cluster's default. */
function classProblem(
    key: "storageClass" | "ingressClass",
    what: string,
    wanted: string | undefined,
    classes: readonly ApiObject[] | undefined,
): string | undefined {
    if (!classes) {
        return undefined;
    }
    const have = classes.length > 0 ? `It has: ${names(classes)}` : `It has no ${what} at all`;
    if (wanted !== undefined) {
        const exists = classes.some(({ metadata }) => metadata.name === wanted);
        return exists
            ? undefined
            : `${key} is ${JSON.stringify(wanted)}: the cluster has no such ${what}. ${have}.\n    Run: pulumi config set ${key} NAME`;
    }
    const isDefault = `${key.toLowerCase()}.kubernetes.io/is-default-class`;
    if (classes.some(({ metadata }) => metadata.annotations?.[isDefault] === "true")) {
        return undefined;
    }
    const addon = key === "ingressClass" ? "    On minikube: minikube addons enable ingress\n" : "";
    return `${key} is not set, and the cluster has no default ${what}. ${have}.\n${addon}    Run: pulumi config set ${key} NAME`;
}
