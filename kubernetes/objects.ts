/** Shapes of live objects, from the types of @pulumi/kubernetes. */
import type { types } from "@pulumi/kubernetes";

/** A type of @pulumi/kubernetes as the API returns it: every field may be missing. */
export type Live<T> = T extends readonly (infer Item)[]
    ? readonly Live<Item>[]
    : T extends object
      ? { readonly [Key in keyof T]?: Live<T[Key]> | undefined }
      : T;

/** An object before it is made. */
export interface DeclaredObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** What the stack's state has of an object. */
export interface RecordedObject extends DeclaredObject {
    readonly urn: string;
    readonly metadata: DeclaredObject["metadata"] & { readonly uid: string };
    /** The field manager under which Pulumi applies it. */
    readonly __fieldManager?: string;
}

/** An object of the API. */
export type LiveObject<T = object> = Omit<Live<T>, "metadata"> & {
    readonly kind?: string | undefined;
    readonly metadata: Metadata;
};

export interface Metadata extends Omit<
    Live<types.output.meta.v1.ObjectMeta>,
    "name" | "uid" | "labels" | "annotations"
> {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export type Claim = LiveObject<types.output.core.v1.PersistentVolumeClaim>;
export type ClusterEvent = LiveObject<types.output.core.v1.Event>;
export type ConfigMap = LiveObject<types.output.core.v1.ConfigMap>;
export type CronJob = LiveObject<types.output.batch.v1.CronJob>;
export type Deployment = LiveObject<types.output.apps.v1.Deployment>;
export type EndpointSlice = LiveObject<types.output.discovery.v1.EndpointSlice>;
export type Job = LiveObject<types.output.batch.v1.Job>;
export type Pod = LiveObject<types.output.core.v1.Pod>;
export type PodSpec = Live<types.output.core.v1.PodSpec>;
export type Container = Live<types.output.core.v1.Container>;
export type Secret = LiveObject<types.output.core.v1.Secret>;
export type Service = LiveObject<types.output.core.v1.Service>;
export type StorageClass = LiveObject<types.output.storage.v1.StorageClass>;
export type Volume = LiveObject<types.output.core.v1.PersistentVolume>;

/** Names of the claims that a pod mounts. */
export function claimsOf(spec: PodSpec | undefined): readonly string[] {
    return (spec?.volumes ?? []).flatMap((volume) => volume.persistentVolumeClaim?.claimName ?? []);
}

/** Pods that mount a claim and have not ended. */
export function podsThatMount(claim: string, pods: readonly Pod[]): readonly Pod[] {
    return pods.filter((pod) => !hasEnded(pod) && claimsOf(pod.spec).includes(claim));
}

/** Whether a pod has ended, and only its record is left. */
export function hasEnded({ status }: Pod): boolean {
    return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** Whether a pod is ready and not on its way out. */
export function isReady(pod: Pod): boolean {
    return pod.metadata.deletionTimestamp === undefined && conditionOf(pod, "Ready") !== undefined;
}

/** The condition of this type, if it has this status. */
export function conditionOf({ status }: Conditioned, type: string, is = "True"): Condition | undefined {
    return status?.conditions?.find((one) => one.type === type && one.status === is);
}

type Condition = Partial<Record<"type" | "status" | "reason" | "message", string | undefined>>;

interface Conditioned {
    readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}
