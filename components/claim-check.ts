/** A look into a claim that the api does not mount yet. */
import type * as k8s from "@pulumi/kubernetes";
import { partLabels } from "../model/labels.ts";
import { apiVolumeName, claimCheckName } from "../model/names.ts";
import { databaseVolume } from "./storage.ts";
import { type WorkloadArgs, container, podSpec } from "./workload.ts";

/**
 * A Job that finds out whether the api could keep its messages on a claim: as the api's user, with the shell of the api's
 * image. It prints a `ClaimFile`, and changes nothing.
 *
 * @param claim name of the claim.
 */
export function claimCheckJob(args: WorkloadArgs, claim: string): k8s.types.input.batch.v1.JobSpec {
    const { volume, mountPath, databasePath } = databaseVolume(claim);
    const script = `
        if [ -d "$FILE" ]; then echo folder
        elif [ -e "$FILE" ] && ! { [ -r "$FILE" ] && [ -w "$FILE" ]; }; then echo file-refused
        elif [ ! -e "$FILE" ] && [ ! -w "$FOLDER" ]; then echo folder-refused
        else echo usable
        fi`;
    const pod = podSpec(args, {
        containers: [
            container(args, {
                name: claimCheckName,
                command: ["sh", "-c", script],
                env: [
                    { name: "FILE", value: databasePath },
                    { name: "FOLDER", value: mountPath },
                ],
                volumeMounts: [{ name: apiVolumeName, mountPath }],
                memory: { request: "16Mi", limit: "64Mi" },
            }),
        ],
        volumes: [volume],
    });
    return {
        backoffLimit: 0,
        activeDeadlineSeconds: 120,
        template: {
            // Another `app` label than the api's: its Service must not lead to this pod.
            metadata: { labels: { ...partLabels("api", args.instance), app: claimCheckName } },
            spec: { ...pod, restartPolicy: "Never" },
        },
    };
}
