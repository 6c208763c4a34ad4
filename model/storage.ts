/** Where the api keeps its messages, as the config chooses it and the components and the preflight understand it. */
import { claimName } from "./names.ts";

/** A volume that outlives its pods, or one that is deleted with its pod. */
export type StorageMode = "persistent" | "ephemeral";

/** What a claim requests. */
export interface ClaimArgs {
    /** Size, as a Kubernetes quantity. It can grow if the class allows it, and never shrinks. */
    readonly size: string;
    /**
     * Storage class. A new class is a new claim.
     *
     * @default - The cluster's default class.
     */
    readonly storageClass?: string;
    /**
     * Who may mount the volume: the pods of one node, or one pod. A new mode is a new claim.
     *
     * @default "ReadWriteOnce"
     */
    readonly accessMode?: "ReadWriteOnce" | "ReadWriteOncePod";
}

/** Where the api keeps its messages. */
export type StorageArgs =
    /** A volume that is deleted with its pod. `keep` still declares a claim, which no pod mounts. */
    | { readonly mode: "ephemeral"; readonly keep?: ClaimArgs }
    /** A volume that outlives its pods, by a claim that the stack makes. */
    | { readonly mode: "persistent"; readonly claim: ClaimArgs }
    /** A volume that outlives its pods, by a claim that somebody else made and the stack never deletes. */
    | { readonly mode: "persistent"; readonly existingClaim: string };

/** The claim that the stack declares, whether a pod mounts it or not. */
export function declaredClaim(storage: StorageArgs): ClaimArgs | undefined {
    if (storage.mode === "ephemeral") {
        return storage.keep;
    }
    return "claim" in storage ? storage.claim : undefined;
}

/** Name of the claim that the api mounts. Undefined with ephemeral storage. */
export function mountedClaim(storage: StorageArgs): string | undefined {
    if (storage.mode === "ephemeral") {
        return undefined;
    }
    return "existingClaim" in storage ? storage.existingClaim : claimName;
}
