/** Storage, ingress and gateway classes: what the config names must exist. */
import { declaredClaim } from "../model/storage.ts";
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import type { Finding, Fix } from "../model/finding.ts";
import { isCurrent } from "./claims.ts";
import { listNames } from "./text.ts";

/** A kind of class that a config key names. */
interface ClassKind {
    readonly key: "storageClass" | "ingressClass" | "gatewayClass";
    readonly called: string;
    /** The annotation that makes a class the cluster's default. Undefined: there is no default. */
    readonly defaultAnnotation?: string;
    /** A way to get a class. */
    readonly fix?: Fix;
}

const storageClass: ClassKind = {
    key: "storageClass",
    called: "storage class",
    defaultAnnotation: "storageclass.kubernetes.io/is-default-class",
};

const ingressClass: ClassKind = {
    key: "ingressClass",
    called: "ingress class",
    defaultAnnotation: "ingressclass.kubernetes.io/is-default-class",
    fix: { to: "On minikube", run: ["minikube addons enable ingress"] },
};

const gatewayClass: ClassKind = { key: "gatewayClass", called: "gateway class" };

/** Classes that the config names, or needs the default of, and that the cluster does not have. */
export function missingClasses(settings: Settings, snapshot: ClusterSnapshot): readonly Finding[] {
    const { storage, exposure } = settings;
    const claim = declaredClaim(storage);
    const isNewClaim = claim && !snapshot.claims.some((one) => isCurrent(one, settings));
    return [
        ...(isNewClaim ? missingClass(storageClass, claim.storageClass, snapshot.storageClasses) : []),
        ...(exposure.kind === "ingress"
            ? missingClass(ingressClass, exposure.ingressClass, snapshot.ingressClasses)
            : []),
        ...(exposure.kind === "gateway"
            ? missingClass(gatewayClass, exposure.gatewayClass, snapshot.gatewayClasses ?? [])
            : []),
    ];
}

/**
 * @param wanted name of the class. Undefined: the cluster's default.
 * @param classes undefined if they may not be listed, so that nothing is known.
 */
function missingClass(
    kind: ClassKind,
    wanted: string | undefined,
    classes: readonly LiveObject[] | undefined,
): readonly Finding[] {
    if (!classes || classes.some((one) => isWanted(one, kind, wanted))) {
        return [];
    }
    const { key, called, fix } = kind;
    const problem =
        wanted === undefined
            ? `${key} is not set, and the cluster has no default ${called}.`
            : `${key} is ${JSON.stringify(wanted)}. The cluster has no such ${called}.`;
    return [
        {
            code: wanted === undefined ? "default-class-missing" : "class-missing",
            severity: "error",
            subject: { key, value: wanted ?? "" },
            reason: `${problem} It has: ${listNames(classes)}.`,
            fixes: [
                ...(fix ? [fix] : []),
                { to: "Name a class that exists", run: [`pulumi config set ${key} NAME`] },
            ],
        },
    ];
}

function isWanted({ metadata }: LiveObject, kind: ClassKind, wanted: string | undefined): boolean {
    return wanted === undefined
        ? kind.defaultAnnotation !== undefined && metadata.annotations?.[kind.defaultAnnotation] === "true"
        : metadata.name === wanted;
}
