/** Snapshots of a cluster and settings of a stack, for tests of the preflight. */
import { strict as assert } from "node:assert";
import { type Settings, readSettings } from "../../../config/settings.ts";
import type { ApiState } from "../../../kubernetes/chat-api.ts";
import type { Rejection } from "../../../kubernetes/dry-run.ts";
import type { Claim, LiveObject, Metadata, RecordedObject } from "../../../kubernetes/objects.ts";
import type { ClusterSnapshot, NamespaceSnapshot } from "../../../kubernetes/snapshot.ts";
import { type Finding, type FindingCode, renderFinding } from "../../../model/finding.ts";
import { classAnnotation, ownerLabels, retainAnnotation } from "../../../model/labels.ts";
import { type Run, evaluate } from "../../../preflight/evaluate.ts";
import type { RecordedState } from "../../../pulumi/state.ts";

export const instance = "synergychat-dev";
export const uid = "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e";

/** Config keys without their namespace. */
export type Config = Readonly<Record<string, string>>;

export function settings(config: Config = {}): Settings {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value] as const);
    return readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, "synergychat");
}

interface TestObject<K> {
    readonly kind: K;
    readonly metadata: Metadata;
}

/** An object that the stack owns, if its labels do not say otherwise. */
export function object<const K extends string>(kind: K, name: string, metadata: object = {}): TestObject<K> {
    const inNamespace = kind === "Namespace" ? {} : { namespace: "synergychat" };
    return { kind, metadata: { name, uid: "1", labels: ownerLabels(instance), ...inNamespace, ...metadata } };
}

/** Annotations of a claim or a namespace that stays when the stack no longer declares it. */
export const retained = { [classAnnotation]: "", [retainAnnotation]: "true" };

/** The stack's claim, bound, of the default class. */
export function claim(metadata: object = {}, spec: object = {}): Claim {
    const annotations = { [classAnnotation]: "", [retainAnnotation]: "false" };
    return {
        ...object("PersistentVolumeClaim", "synergychat-api-pvc", { uid, annotations, ...metadata }),
        spec: {
            storageClassName: "standard",
            accessModes: ["ReadWriteOnce"],
            volumeName: "pvc-1",
            resources: { requests: { storage: "1Gi" } },
            ...spec,
        },
    };
}

/** A running api with three messages on the stack's claim. */
export function api(state: Partial<ApiState> = {}): ApiState {
    return {
        deployment: object("Deployment", "synergychat-api"),
        claim: "synergychat-api-pvc",
        messages: 3,
        outOfService: undefined,
        ...state,
    };
}

export const ephemeralApi = api({ claim: undefined });

export const namespace = object("Namespace", "synergychat");

/** A fresh minikube: nothing of the stack exists. */
export const fresh: ClusterSnapshot = {
    name: "synergychat",
    namespace: undefined,
    objects: [],
    claims: [],
    pods: [],
    earlierVolumes: [],
    tiedClasses: [],
    nodes: 1,
    api: undefined,
    apiPodChanges: [],
    apiImage: undefined,
    targetSecret: undefined,
    hostObjects: [],
    tlsSecret: undefined,
    version: "v1.34.4",
    rejections: [],
    storageClasses: [
        object("StorageClass", "standard", {
            annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
        }),
        { ...object("StorageClass", "roomy"), allowVolumeExpansion: true },
    ],
    ingressClasses: [
        object("IngressClass", "nginx", {
            annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
        }),
    ],
    gatewayClasses: undefined,
    permissions: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
};

/** The stack, up with persistent storage and three messages. */
export const running: ClusterSnapshot = {
    ...fresh,
    namespace,
    objects: [object("Deployment", "synergychat-api"), claim()],
    claims: [claim()],
    api: api(),
};

/** The stack, up with ephemeral storage and three messages. */
export const runningEphemeral: ClusterSnapshot = { ...running, objects: [], claims: [], api: ephemeralApi };

/** A config with backups. */
export const nightly: Config = { backupSchedule: "0 3 * * *" };

/** A config with backups that are copied. */
export const copied = { ...nightly, backupTarget: "s3:https://s3.example.org/bucket/chat" };

/** Why a Job failed whose backup is proven and was not copied. */
export const notSent = "PodFailurePolicy";

/** The claim of the backups, bound. */
export function backupsClaim(metadata: object = {}): Claim {
    return claim({ name: "synergychat-api-backups-pvc", uid: "2", ...metadata });
}

/** The CronJob of the backups. */
export function cronJob(lastSuccessfulTime?: string): LiveObject {
    const times = { creationTimestamp: "2026-01-01T00:00:00Z" };
    return {
        ...object("CronJob", "synergychat-api-backup", times),
        ...{ spec: { schedule: "0 3 * * *" }, status: { lastSuccessfulTime } },
    };
}

/** A Job of the backups that has ended. */
export function job(
    reason: string,
    end: "Failed" | "Complete",
    { creationTimestamp = "2026-01-05T03:00:00Z", reason: condition = "" } = {},
): LiveObject {
    const conditions = [{ type: end, status: "True", reason: condition }];
    const completionTime = end === "Complete" ? creationTimestamp : undefined;
    return {
        ...object("Job", `synergychat-api-backup-${reason}`, { creationTimestamp }),
        ...{ status: { conditions, completionTime } },
    };
}

/** The stack, up with persistent storage, three messages and backups. */
export const backedUp: ClusterSnapshot = {
    ...running,
    objects: [...running.objects, cronJob(new Date().toISOString()), backupsClaim()],
    claims: [claim(), backupsClaim()],
};

/** The stack's namespace as `down` sees it, with one claim that holds messages. */
export function place(more: Partial<NamespaceSnapshot> = {}): NamespaceSnapshot {
    return {
        name: "synergychat",
        namespace,
        objects: [],
        claims: [claim()],
        pods: [],
        api: undefined,
        ...more,
    };
}

/** An object that the cluster refuses. */
export function rejection(kind: string, name: string, message: string, replaced = false): Rejection {
    const metadata = { name, namespace: "synergychat" };
    return { object: { apiVersion: "v1", kind, metadata }, message, replaced };
}

/** A state of the stack in this namespace. Undefined: the state has nothing. */
export function recorded(name: string | undefined, objects: readonly RecordedObject[] = []): RecordedState {
    return {
        context: name === undefined ? undefined : "minikube",
        kubeconfig: undefined,
        namespace: name,
        instances: name === undefined ? [] : [instance],
        objects,
        urns: objects.map(({ urn }) => urn),
    };
}

/** All findings. The state has the stack in namespace synergychat if the snapshot has that namespace. */
export function findings(
    snapshot: ClusterSnapshot,
    config: Config = {},
    run: Partial<Run> = {},
): readonly Finding[] {
    const state = recorded(snapshot.namespace && "synergychat");
    return evaluate(settings(config), snapshot, {
        instance,
        recorded: state,
        declared: [],
        switching: false,
        ...run,
    });
}

/** The codes of all findings. */
export function codes(snapshot: ClusterSnapshot, config: Config = {}, run: Partial<Run> = {}): FindingCode[] {
    return findings(snapshot, config, run).map(({ code }) => code);
}

/** The one finding. Fails if there are more, or none. */
export function only(snapshot: ClusterSnapshot, config: Config = {}, run: Partial<Run> = {}): Finding {
    return single(findings(snapshot, config, run));
}

/** The one finding of a list. */
export function single(found: readonly Finding[]): Finding {
    const [finding, ...others] = found;
    assert.ok(finding && others.length === 0, `not one finding: ${found.map(({ code }) => code).join()}`);
    return finding;
}

/** Fails unless the finding has this code and severity, and its text names the key or the object, with its value. */
export function assertFinding(
    finding: Finding,
    expected: {
        code: FindingCode;
        severity: Finding["severity"];
        subject?: Readonly<Record<string, string>>;
    },
): void {
    const { subject = {}, ...shape } = expected;
    const { code, severity } = finding;
    assert.deepEqual({ code, severity }, shape);
    // The text calls a PersistentVolumeClaim a claim.
    for (const value of [subject.key, subject.value, subject.name, subject.uid]) {
        assert.ok(renderFinding(finding).includes(value ?? ""), `${value ?? ""}: ${finding.reason}`);
    }
}

/** Every command of every fix. */
export function commandsOf({ fixes }: Finding): readonly string[] {
    return fixes.flatMap(({ run }) => run);
}
