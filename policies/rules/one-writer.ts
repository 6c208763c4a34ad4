import type { StackValidationPolicy } from "@pulumi/policy";
import {
    type KubernetesObject,
    type StackObject,
    containersOf,
    objectsOf,
    placeOf,
    podsOf,
} from "../objects.ts";

export const oneWriter: StackValidationPolicy = {
    name: "one-writer",
    description: "At most one pod at a time writes to a claim that is not ReadWriteMany.",
    validateStack: ({ resources }, report) => {
        const objects = objectsOf(resources);
        const shared = sharedClaims(objects);
        const writers = objects.filter(({ object }) => claimsOf(object).some((claim) => !shared.has(claim)));
        for (const { object, urn } of writers) {
            for (const problem of problemsOf(object)) {
                report(
                    `${problem}, and its pods write to a claim. Two at a time would damage its data.`,
                    urn,
                );
            }
        }
        for (const { object, urn } of objects) {
            const { kind, name } = object.spec?.scaleTargetRef ?? {};
            const isScaled = (one: StackObject) =>
                one.object.kind === kind && placeOf(one.object) === placeOf(object, name);
            if (object.kind === "HorizontalPodAutoscaler" && writers.some(isScaled)) {
                report(`This adds pods to ${kind ?? ""} ${name ?? ""}, whose pods write to a claim.`, urn);
            }
        }
        reportSecondDeployments(writers, shared, report);
    },
};

/** The claims of the stack that many pods may write to. A claim that the stack does not make is taken for one of one pod. */
function sharedClaims(objects: readonly StackObject[]): ReadonlySet<string> {
    const isShared = ({ kind, spec }: KubernetesObject) =>
        kind === "PersistentVolumeClaim" && spec?.accessModes?.includes("ReadWriteMany") === true;
    return new Set(objects.filter(({ object }) => isShared(object)).map(({ object }) => placeOf(object)));
}

/** The claims that the pods of an object write to. */
function claimsOf(object: KubernetesObject): readonly string[] {
    const pods = podsOf(object);
    const mounts = pods ? containersOf(pods).flatMap(({ volumeMounts = [] }) => volumeMounts) : [];
    return (pods?.volumes ?? []).flatMap(({ name, persistentVolumeClaim: claim }) => {
        const isWritten = mounts.some((mount) => mount.name === name && mount.readOnly !== true);
        return claim && isWritten && claim.readOnly !== true ? [placeOf(object, claim.claimName)] : [];
    });
}

/** Why more than one pod of an object can run at a time. */
function problemsOf({ kind, spec = {} }: KubernetesObject): readonly string[] {
    const { replicas = 1, strategy, concurrencyPolicy } = spec;
    const parallelism = (kind === "CronJob" ? spec.jobTemplate?.spec : spec)?.parallelism ?? 1;
    const problems: readonly (readonly [boolean, string])[] = [
        [kind === "DaemonSet", "It has a pod on each node"],
        [replicas > 1, `replicas is ${replicas} and not 1`],
        [parallelism > 1, `parallelism is ${parallelism} and not 1`],
        [
            kind === "Deployment" && strategy?.type !== "Recreate",
            `The strategy is ${strategy?.type ?? "RollingUpdate"} and not Recreate`,
        ],
        [
            kind === "CronJob" && (concurrencyPolicy ?? "Allow") === "Allow",
            "concurrencyPolicy is Allow and not Forbid or Replace",
        ],
    ];
    return problems.filter(([isProblem]) => isProblem).map(([, text]) => text);
}

/** Jobs are left out: one of them may well write to a claim that a Deployment reads. */
function reportSecondDeployments(
    writers: readonly StackObject[],
    shared: ReadonlySet<string>,
    report: (text: string, urn: string) => void,
): void {
    const users = new Map<string, string>();
    for (const { object, urn } of writers.filter((writer) => writer.object.kind === "Deployment")) {
        for (const claim of claimsOf(object).filter((one) => !shared.has(one))) {
            const other = users.get(claim);
            if (other !== undefined) {
                report(`Deployment ${other} writes to claim ${claim} as well. Give each a claim.`, urn);
            }
            users.set(claim, object.metadata?.name ?? "");
        }
    }
}
