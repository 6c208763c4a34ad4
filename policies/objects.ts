/** What the rules read of Kubernetes objects. Fields of other kinds are undefined. */
import type { PolicyResource } from "@pulumi/policy";

export interface KubernetesObject {
    readonly kind: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
    readonly spec?: WorkloadSpec & Partial<PodSpec> & ClaimSpec & ScalerSpec;
    /** Of a StorageClass. */
    readonly reclaimPolicy?: string;
}

interface WorkloadSpec {
    readonly replicas?: number;
    readonly parallelism?: number;
    readonly concurrencyPolicy?: string;
    readonly strategy?: { readonly type?: string };
    readonly template?: { readonly spec?: PodSpec };
    readonly jobTemplate?: { readonly spec?: WorkloadSpec };
    readonly persistentVolumeClaimRetentionPolicy?: {
        readonly whenDeleted?: string;
        readonly whenScaled?: string;
    };
}

interface ClaimSpec {
    readonly accessModes?: readonly string[];
    /** Of a PersistentVolume. */
    readonly persistentVolumeReclaimPolicy?: string;
}

interface ScalerSpec {
    readonly scaleTargetRef?: { readonly kind?: string; readonly name?: string };
}

export interface PodSpec {
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly ephemeralContainers?: readonly Container[];
    readonly volumes?: readonly Volume[];
    readonly securityContext?: SecurityContext;
    readonly hostNetwork?: boolean;
    readonly hostPID?: boolean;
    readonly hostIPC?: boolean;
}

export interface Container {
    readonly name: string;
    readonly image?: string;
    readonly ports?: readonly { readonly hostPort?: number }[];
    readonly volumeMounts?: readonly { readonly name: string; readonly readOnly?: boolean }[];
    readonly securityContext?: SecurityContext;
}

/** A volume has its name, and one more field, which is its type. */
export interface Volume {
    readonly name: string;
    readonly ephemeral?: object;
    readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean };
}

/** The fields of pods and containers together. */
export interface SecurityContext {
    readonly privileged?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly runAsNonRoot?: boolean;
    readonly runAsUser?: number;
    readonly procMount?: string;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
    readonly seccompProfile?: { readonly type?: string };
    readonly appArmorProfile?: { readonly type?: string };
    readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
    readonly sysctls?: readonly { readonly name: string }[];
    readonly windowsOptions?: { readonly hostProcess?: boolean };
}

/** A Kubernetes object of a stack, as Pulumi knows it. */
export interface StackObject {
    readonly object: KubernetesObject;
    readonly urn: string;
    readonly isProtected: boolean;
}

export function objectsOf(resources: readonly PolicyResource[]): readonly StackObject[] {
    return resources.flatMap(({ type, props, urn, opts }) => {
        const object = objectOf(type, props);
        return object ? [{ object, urn, isProtected: opts.protect }] : [];
    });
}

/** The object of a resource. Undefined: the resource is none. A Patch resource has only some of an object's fields. */
export function objectOf(type: string, props: object): KubernetesObject | undefined {
    const kind = type.split(":")[2] ?? "";
    return type.startsWith("kubernetes:") && !kind.endsWith("Patch") ? { ...props, kind } : undefined;
}

/** The pods that an object makes. Undefined: it makes none. */
export function podsOf({ kind, spec }: KubernetesObject): PodSpec | undefined {
    if (kind === "Pod") {
        return spec?.containers && { ...spec, containers: spec.containers };
    }
    return spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec;
}

export function containersOf(pods: PodSpec): readonly Container[] {
    return [...(pods.initContainers ?? []), ...pods.containers, ...(pods.ephemeralContainers ?? [])];
}

export function namespaceOf({ metadata }: KubernetesObject): string {
    return metadata?.namespace ?? "default";
}

/** A name that is unique among objects of its kind. */
export function placeOf(object: KubernetesObject, name = object.metadata?.name ?? ""): string {
    return `${namespaceOf(object)}/${name}`;
}
