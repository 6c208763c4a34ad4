/** Storage, ingress and gateway classes: what the config names must exist. */
import type { Settings } from "../config/settings.ts";
import type { LiveObject } from "../kubernetes/objects.ts";
import type { ClusterSnapshot } from "../kubernetes/snapshot.ts";
import { type Finding, type Fix, type Found, error, fix } from "../model/finding.ts";
import { type FatedClaim, newClaims } from "./fates.ts";
import { listNames } from "./text.ts";

/** How a controller is had if the cluster has none. */
const controllers: Readonly<Record<"ingress" | "gateway", (wanted?: string) => readonly Fix[]>> = {
    ingress: () => [
        fix("On minikube", "minikube addons enable ingress"),
        fix(
            "On kind, Docker Desktop, colima and others, install a controller, such as Traefik",
            "helm install traefik traefik --repo https://traefik.github.io/charts --namespace traefik --create-namespace",
        ),
        fix("Without a controller, by port-forwarding", "pulumi config set exposure none"),
    ],
    gateway: (name = "") => [
        fix(
            "Install Envoy Gateway, and make its class",
            "kubectl apply --server-side --filename https://github.com/envoyproxy/gateway/releases/download/v1.9.1/install.yaml",
            `kubectl apply --filename - <<< '${JSON.stringify({
                apiVersion: "gateway.networking.k8s.io/v1",
                kind: "GatewayClass",
                metadata: { name },
                spec: { controllerName: "gateway.envoyproxy.io/gatewayclass-controller" },
            })}'`,
            "npm run up",
        ),
    ],
};

/** Classes that the config names, or needs the default of, and that the cluster does not have. */
export function missingClasses(
    settings: Settings,
    snapshot: ClusterSnapshot,
    claims: readonly FatedClaim[],
): readonly Finding[] {
    const { exposure } = settings;
    const wanted = new Set(newClaims(settings, claims).map(({ args }) => args.storageClass));
    return [
        ...[...wanted].map((one) => missingClass("storage", one, snapshot.storageClasses)),
        exposure.kind === "ingress"
            ? missingClass("ingress", exposure.ingressClass, snapshot.ingressClasses)
            : [],
        exposure.kind === "gateway"
            ? missingClass("gateway", exposure.gatewayClass, snapshot.gatewayClasses ?? [])
            : [],
    ].flat();
}

/** Whether a claim gives way to one of a class that the cluster does not have: ways to that one would lead nowhere. */
export function isForMissingClass({ fate }: FatedClaim, { storageClasses }: ClusterSnapshot): boolean {
    const cause = "cause" in fate ? fate.cause : undefined;
    return cause?.key === "storageClass" && isMissing(cause.value || undefined, storageClasses);
}

/** See `missingClass`. */
function isMissing(
    wanted: string | undefined,
    classes: readonly LiveObject[] | undefined,
): classes is readonly LiveObject[] {
    const isWanted = (one: LiveObject) =>
        wanted === undefined ? isDefaultClass(one) : one.metadata.name === wanted;
    return classes !== undefined && !classes.some(isWanted);
}

/**
 * @param wanted name of the class. Undefined: the cluster's default.
 * @param classes undefined if they may not be listed, so that nothing is known.
 */
function missingClass(
    kind: "storage" | "ingress" | "gateway",
    wanted: string | undefined,
    classes: readonly LiveObject[] | undefined,
): Found {
    if (!isMissing(wanted, classes)) {
        return [];
    }
    const key = `${kind}Class`;
    const problem =
        wanted === undefined
            ? `${key} is not set, and the cluster has no default ${kind} class.`
            : `${key} is ${JSON.stringify(wanted)}. The cluster has no such ${kind} class.`;
    return error(
        wanted === undefined ? "default-class-missing" : "class-missing",
        `${problem} It has: ${listNames(classes)}.`,
        ...(kind === "storage" || (classes.length > 0 && wanted !== undefined)
            ? []
            : controllers[kind](wanted)),
        fix("Name a class that exists", `pulumi config set ${key} NAME`),
        wanted !== undefined &&
            kind !== "gateway" &&
            fix("Use the cluster's default", `pulumi config rm ${key}`),
    );
}

/** Whether an annotation makes a class the cluster's default. Kubernetes still honours the beta one of storage classes. */
export function isDefaultClass({ metadata: { annotations = {} } }: LiveObject): boolean {
    const marks = ["storageclass", "storageclass.beta", "ingressclass"];
    return marks.some((mark) => annotations[`${mark}.kubernetes.io/is-default-class`] === "true");
}
