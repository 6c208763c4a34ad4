/** Why the pods of a rollout do not start, in their own words. */
import type { Finding } from "../model/finding";
import type { Pod } from "./objects";

/** Reasons of the kubelet that time alone does not cure. */
const persistentReasons = [
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

/** A finding for each pod that cannot start. */
export function podsThatCannotStart(pods: readonly Pod[]): readonly Finding[] {
    return pods.flatMap((pod) => {
        const problem = problemOf(pod);
        return problem === undefined ? [] : [cannotStart(pod, problem)];
    });
}

function cannotStart({ metadata }: Pod, problem: string): Finding {
    const { name, namespace = "" } = metadata;
    return {
        code: "pod-cannot-start",
        severity: "error",
        subject: { kind: "Pod", name, namespace },
        reason: `Pod ${name} cannot start: ${problem.replace(/\.?$/, ".")}`,
        fixes: [
            {
                to: "See its events and its log",
                run: [
                    `kubectl describe pod ${name} --namespace ${namespace}`,
                    `kubectl logs ${name} --namespace ${namespace} --all-containers --previous`,
                ],
            },
            {
                to: "Take the last change of the config back",
                run: ["pulumi config set KEY OLD-VALUE", "npm run up"],
            },
        ],
    };
}

/** What holds a pod. Undefined if it runs, or may still start. */
function problemOf({ metadata, status }: Pod): string | undefined {
    if (metadata.deletionTimestamp) {
        return undefined;
    }
    const waiting = (status?.containerStatuses ?? []).flatMap(({ name = "", state }) => {
        const { reason = "", message = "" } = state?.waiting ?? {};
        return persistentReasons.includes(reason) ? [`container ${name}: ${reason}. ${message}`.trim()] : [];
    });
    if (waiting.length > 0) {
        return waiting.join("; ");
    }
    const unscheduled = (status?.conditions ?? []).find(
        ({ type, status: is }) => type === "PodScheduled" && is === "False",
    );
    return unscheduled && `${unscheduled.reason ?? ""}: ${unscheduled.message ?? ""}`;
}
