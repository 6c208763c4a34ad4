/** A look into a claim that the api does not mount yet. */
import type * as k8s from "@pulumi/kubernetes";
import { apiVolumeName, claimCheckName } from "../model/names.ts";
import { databaseVolume } from "./storage.ts";
import { type WorkloadArgs, container, jobPodMetadata, podSpec } from "./workload.ts";

/**
 * A Job that finds out whether the api could keep its messages on a claim: as the api's user, with the shell of the api's
 * image. It prints "unusable" if not, and changes nothing.
 *
 * @param claim name of the claim.
 */
export function claimCheckJob(args: WorkloadArgs, claim: string): k8s.types.input.batch.v1.JobSpec {
    const { volume, mountPath: folder, databasePath: file } = databaseVolume(claim);
    const canUse = `if [ -e ${file} ]; then [ -f ${file} ] && [ -r ${file} ] && [ -w ${file} ]; else [ -w ${folder} ]; fi`;
    const pod = podSpec(args, {
        containers: [
            container(args, {
                name: claimCheckName,
                command: ["sh", "-c", `${canUse} || echo unusable`],
                volumeMounts: [{ name: apiVolumeName, mountPath: folder }],
                memory: { request: "16Mi", limit: "64Mi" },
            }),
        ],
        volumes: [volume],
        restartPolicy: "Never",
    });
    return {
        backoffLimit: 0,
        activeDeadlineSeconds: 120,
        template: { metadata: jobPodMetadata(claimCheckName, args.instance), spec: pod },
    };
}
