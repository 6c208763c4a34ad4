/** Why a claim or a volume does not go, in words that say what to do. Pure: every verdict has a unit test. */

export interface HeldClaim {
    readonly metadata: {
        readonly name: string;
        readonly namespace: string;
        readonly deletionTimestamp?: string;
        readonly finalizers?: readonly string[];
    };
}

export interface HeldVolume {
    readonly metadata: {
        readonly name: string;
        readonly annotations?: Readonly<Record<string, string>>;
        readonly finalizers?: readonly string[];
    };
    readonly spec: {
        readonly persistentVolumeReclaimPolicy?: string;
        readonly hostPath?: { readonly path: string };
    };
    readonly status?: { readonly phase?: string; readonly message?: string };
}

export interface MountingPod {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
    readonly spec: {
        readonly volumes?: readonly { readonly persistentVolumeClaim?: { readonly claimName: string } }[];
    };
    readonly status?: { readonly phase?: string };
}

/** Kubernetes keeps a claim while a pod uses it. */
const inUse = "kubernetes.io/pvc-protection";

/** Pods that keep a claim from going: those that mount it and have not ended. */
export function holders(claim: string, pods: readonly MountingPod[]): readonly MountingPod[] {
    return pods.filter(
        ({ spec, status }) =>
            !["Succeeded", "Failed"].includes(status?.phase ?? "") &&
            (spec.volumes ?? []).some(
                ({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName === claim,
            ),
    );
}

export function explainClaim(claim: HeldClaim, pods: readonly MountingPod[]): string {
    const { name, namespace, deletionTimestamp, finalizers = [] } = claim.metadata;
    if (deletionTimestamp === undefined) {
        return `Claim ${name} was not deleted: kubectl delete pvc ${name} --namespace ${namespace}`;
    }
    const mounting = holders(name, pods).map(({ metadata }) => metadata.name);
    if (mounting.length > 0) {
        return (
            `Claim ${name} is Terminating until no pod mounts it. It is mounted by: ${mounting.join(", ")}.\n` +
            `    Run: kubectl delete pod ${mounting.join(" ")} --namespace ${namespace}`
        );
    }
    const others = finalizers.filter((finalizer) => finalizer !== inUse);
    return (
        `Claim ${name} is Terminating, held by ${others.join(", ") || inUse}: what set that must take it back.\n` +
        `    See: kubectl describe pvc ${name} --namespace ${namespace}`
    );
}

export function explainVolume({ metadata, spec, status }: HeldVolume): string {
    const { name, annotations, finalizers = [] } = metadata;
    const phase = status?.phase ?? "unknown";
    if (spec.persistentVolumeReclaimPolicy === "Retain") {
        return (
            `Volume ${name} is ${phase}: its reclaim policy is Retain, so it stays with its data until somebody deletes it.\n` +
            `    Run: kubectl delete pv ${name}, and delete its data where they are`
        );
    }
    const provisioner = annotations?.["pv.kubernetes.io/provisioned-by"] ?? "nobody";
    if (phase === "Released" && provisioner.includes("minikube-hostpath")) {
        const folder = spec.hostPath?.path ?? "FOLDER";
        return (
            `Volume ${name} is Released, and minikube does not delete it: its provisioner ignores volumes that it made\n` +
            "    before its last start.\n" +
            `    Run: kubectl delete pv ${name}, and minikube ssh -- sudo rm -rf ${folder}`
        );
    }
    const why = status?.message ?? (finalizers.length > 0 ? `held by ${finalizers.join(", ")}` : "");
    return (
        `Volume ${name} is ${phase}${why && `: ${why}`}. ${provisioner} made it, and deletes it.\n` +
        `    See: kubectl describe pv ${name}`
    );
}
