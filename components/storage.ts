import type * as k8s from "@pulumi/kubernetes";
import { PersistentVolumeClaim } from "@pulumi/kubernetes/core/v1/index.js";
import * as pulumi from "@pulumi/pulumi";
import { classAnnotation } from "../model/labels.ts";
import { apiVolumeName, claimName, databasePaths } from "../model/names.ts";
import { type ClaimArgs, type StorageArgs, declaredClaim, mountedClaim } from "../model/storage.ts";
import {
    type PlaceArgs,
    type ProtectionArgs,
    metadata,
    protectionAnnotations,
    protectionOptions,
} from "./place.ts";

export interface ApiStorageArgs extends PlaceArgs, ProtectionArgs {
    /** Where the api keeps its messages. */
    readonly storage: StorageArgs;
}

/** A volume, where it is mounted, and the api's file on it. */
export interface DatabaseVolume {
    readonly volume: k8s.types.input.core.v1.Volume;
    readonly mountPath: string;
    /** Path of the api's file: its API_DB_FILEPATH. */
    readonly databasePath: string;
}

/** The api's volume in both storage modes, and its claim if the stack has one. */
export class ApiStorage extends pulumi.ComponentResource {
    /** The volume that the api mounts. */
    public readonly database: DatabaseVolume;
    /** The claim that the stack declares, whether a pod mounts it or not. */
    public readonly claim: k8s.core.v1.PersistentVolumeClaim | undefined;
    /** Name of the claim that the api mounts. Undefined with ephemeral storage. */
    public readonly claimName: pulumi.Output<string> | undefined;

    public constructor(name: string, args: ApiStorageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:ApiStorage", name, {}, opts);

        const declared = declaredClaim(args.storage);
        this.claim = declared && declareClaim(this, `${name}-claim`, claimName, args, declared);
        // The name comes from the claim itself, so that the api is created after it and deleted before it.
        const mounted = mountedClaim(args.storage);
        this.claimName =
            mounted === undefined ? undefined : pulumi.output(this.claim?.metadata.name ?? mounted);
        this.database = databaseVolume(this.claimName);
        this.registerOutputs({ claimName: this.claimName });
    }
}

/**
 * @param parent the component.
 * @param name of the resource.
 * @param objectName name of the claim.
 */
export function declareClaim(
    parent: pulumi.ComponentResource,
    name: string,
    objectName: string,
    args: PlaceArgs & ProtectionArgs,
    { size, storageClass, accessMode = "ReadWriteOnce" }: ClaimArgs,
    opts: pulumi.CustomResourceOptions = {},
): k8s.core.v1.PersistentVolumeClaim {
    return new PersistentVolumeClaim(
        name,
        {
            metadata: metadata(args, objectName, "api", {
                [classAnnotation]: storageClass ?? "",
                ...protectionAnnotations(args),
                // Pulumi would wait five minutes in vain for a claim whose pod is already there: with a class that binds at the
                // first use, it takes Bound for not ready. The rollout of the api waits for the claim, and says what is wrong.
                "pulumi.com/waitFor": "jsonpath={.status.phase}",
            }),
            spec: {
                accessModes: [accessMode],
                resources: { requests: { storage: size } },
                ...(storageClass && { storageClassName: storageClass }),
            },
        },
        // By now no pod mounts the claim. If deletion still blocks, a foreign finalizer holds it: fail after one minute
        // instead of ten.
        { parent, ...protectionOptions(args), customTimeouts: { delete: "1m" }, ...opts },
    );
}

/**
 * The volume of a claim, or one that is deleted with its pod.
 *
 * @param claim name of the claim. Undefined: the volume is ephemeral. The containers' root file system is read-only, so
 *   the chapter's ephemeral path is a volume here as well.
 */
export function databaseVolume(claim: pulumi.Input<string> | undefined): DatabaseVolume {
    return claim === undefined
        ? { volume: { name: apiVolumeName, emptyDir: {} }, ...databasePaths.ephemeral }
        : {
              volume: { name: apiVolumeName, persistentVolumeClaim: { claimName: claim } },
              ...databasePaths.persistent,
          };
}
