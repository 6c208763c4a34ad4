import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { partLabels } from "./labels";
import { type GuardArgs, guards, retainAnnotation } from "./namespace";

/** What a claim asks for. */
export interface ClaimArgs {
    /** Size, a Kubernetes quantity. It can grow where the class allows it, and never shrinks. */
    readonly size: string;
    /** Storage class. A new class is a new claim. Default: the cluster's default class. */
    readonly storageClass?: string;
}

/** Where the api keeps its messages. */
export type StorageArgs =
    /** A volume that dies with its pod. `keep` declares a claim all the same, which no pod uses. */
    | { readonly mode: "ephemeral"; readonly keep?: ClaimArgs }
    /** A volume that outlives its pods, by a claim of the stack's own. */
    | { readonly mode: "persistent"; readonly claim: ClaimArgs }
    /** A volume that outlives its pods, by a claim that somebody else made and the stack never deletes. */
    | { readonly mode: "persistent"; readonly existingClaim: string };

export interface ApiStorageArgs extends GuardArgs {
    readonly namespace: pulumi.Input<string>;
    readonly instance: string;
    readonly storage: StorageArgs;
}

/** A volume, how it is mounted and where the api's file is on it. */
export interface DatabaseVolume {
    readonly volume: k8s.types.input.core.v1.Volume;
    readonly mountPath: string;
    /** Path of the api's file: its API_DB_FILEPATH. */
    readonly databasePath: string;
}

/** Name of the claim that the stack makes. */
export const claimName = "synergychat-api-pvc";

/** The class that was asked for, as the claim itself says; empty for the cluster's default. Another one replaces the claim. */
export const classAnnotation = "synergychat/storage-class";

const volumeName = "synergychat-api-volume";

/** The api's volume in both storage modes, and its claim where there is one. */
export class ApiStorage extends pulumi.ComponentResource {
    /** What the api mounts. */
    public readonly database: DatabaseVolume;
    /** The claim, where the stack has one of its own. */
    public readonly claim: k8s.core.v1.PersistentVolumeClaim | undefined;
    /** Name of the claim that the api uses; undefined with ephemeral storage. */
    public readonly claimName: pulumi.Output<string> | undefined;

    public constructor(name: string, args: ApiStorageArgs, opts?: pulumi.ComponentResourceOptions) {
        super("synergychat:index:ApiStorage", name, {}, opts);

        const wanted = ownClaim(args.storage);
        this.claim = wanted && this.makeClaim(name, args, wanted);
        this.claimName = usedClaim(args.storage, this.claim);
        this.database = this.claimName ? persistent(this.claimName) : ephemeral();
        this.registerOutputs({ claimName: this.claimName });
    }

    private makeClaim(
        name: string,
        args: ApiStorageArgs,
        wanted: ClaimArgs,
    ): k8s.core.v1.PersistentVolumeClaim {
        return new k8s.core.v1.PersistentVolumeClaim(
            `${name}-claim`,
            {
                metadata: {
                    name: claimName,
                    namespace: args.namespace,
                    labels: partLabels("api", args.instance),
                    annotations: {
                        [classAnnotation]: wanted.storageClass ?? "",
                        [retainAnnotation]: String(args.retain ?? false),
                    },
                },
                spec: {
                    accessModes: ["ReadWriteOnce"],
                    resources: { requests: { storage: wanted.size } },
                    ...(wanted.storageClass && { storageClassName: wanted.storageClass }),
                },
            },
            // No pod mounts it by then. What holds it longer is somebody else's finalizer, and that is said soon.
            { parent: this, ...guards(args), customTimeouts: { delete: "1m" } },
        );
    }
}

/** The claim that the stack declares, whether a pod uses it or not. */
export function ownClaim(storage: StorageArgs): ClaimArgs | undefined {
    if (storage.mode === "ephemeral") {
        return storage.keep;
    }
    return "claim" in storage ? storage.claim : undefined;
}

/** The claim's name comes from the claim itself where it is the stack's own, so that the api is made after it and goes before it. */
function usedClaim(
    storage: StorageArgs,
    claim: k8s.core.v1.PersistentVolumeClaim | undefined,
): pulumi.Output<string> | undefined {
    if (storage.mode === "ephemeral") {
        return undefined;
    }
    return "existingClaim" in storage ? pulumi.output(storage.existingClaim) : claim?.metadata.name;
}

function persistent(claim: pulumi.Output<string>): DatabaseVolume {
    return {
        volume: { name: volumeName, persistentVolumeClaim: { claimName: claim } },
        mountPath: "/persist",
        databasePath: "/persist/db.json",
    };
}

/** The app's containers have a read-only root file system, so the chapter's path lies on a volume here, one that dies with the pod. */
function ephemeral(): DatabaseVolume {
    return {
        volume: { name: volumeName, emptyDir: {} },
        mountPath: "/var/lib/synergychat/api",
        databasePath: "/var/lib/synergychat/api/db.json",
    };
}
