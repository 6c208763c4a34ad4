/** An example of every finding, in each of its texts, from the code that makes it. tests/unit/findings.txt has them all. */
import { claimBlocker } from "../../../cli/commands/down/proof.ts";
import { type DestroyPlan, protectionRefusals, refusals } from "../../../cli/commands/down/plan.ts";
import { runningOperation } from "../../../cli/operation.ts";
import { restoreCommand } from "../../../cli/commands/restore/steps.ts";
import { type RawConfig, checkConfig } from "../../../config/settings.ts";
import type { Pod, Volume } from "../../../kubernetes/objects.ts";
import { podProblem, sentence } from "../../../kubernetes/obstacles.ts";
import { interrupted, noShell } from "../../../preflight/messages.ts";
import { volumeBlocker } from "../../../preflight/volumes.ts";
import { podCannotStart, podsNotCreated } from "../../../preflight/rollout.ts";
import type { ClusterSnapshot, NamespaceSnapshot } from "../../../kubernetes/snapshot.ts";
import type { Finding, FindingCode } from "../../../model/finding.ts";
import { ownerLabels, protectAnnotation } from "../../../model/labels.ts";
import { movedObjects } from "../../../preflight/moved.ts";
import {
    backupNotMade,
    backupsOff,
    missingBackups,
    notCopied,
    unreadableTarget,
} from "../../../preflight/backups.ts";
import { liveClaims } from "../../../preflight/fates.ts";
import { unusableFile, upgradeRefused } from "../../../preflight/trials.ts";
import { otherCluster, otherNamespace } from "../../../preflight/recorded.ts";
import {
    type Config,
    api,
    backedUp,
    backupsClaim,
    copied,
    notSent,
    claim,
    cronJob,
    findings,
    fresh,
    instance,
    job,
    nightly,
    object,
    place,
    recorded,
    rejection,
    retained,
    running,
    runningEphemeral,
    settings,
    uid,
} from "./snapshots.ts";

const now = new Date("2026-01-05T12:00:00Z");
const context = { "kubernetes:context": "minikube" };
const ephemeral: Config = { storageMode: "ephemeral" };
const elsewhere: Config = { namespace: "elsewhere" };
const deletionTimestamp = "2026-01-01T00:00:00Z";
const foreignClaim = claim({ name: "mine", uid: "2", labels: {} });
const onForeignClaim: ClusterSnapshot = {
    ...running,
    claims: [foreignClaim],
    api: api({ claim: "mine" }),
};
const keptNamespace = object("Namespace", "synergychat", { annotations: retained });
const serves = (kind: string, name: string, spec: object) => ({
    ...object(kind, name, { namespace: "theirs" }),
    spec,
});

function config(own: Config, raw: RawConfig = context): readonly Finding[] {
    const full = Object.entries(own).map(([key, value]) => [`synergychat:${key}`, value] as const);
    return checkConfig({ ...raw, ...Object.fromEntries(full) }, "synergychat").findings;
}

const lostClaim = {
    urn: "",
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "synergychat-api-pvc", namespace: "synergychat", uid: "lost" },
};

function declared(name: string) {
    const type = "kubernetes:core/v1:Service";
    const metadata = { name: "api-service", namespace: "synergychat", uid: "1" };
    return {
        urn: `urn:pulumi:dev::synergychat::${type}::${name}`,
        ...{ type, name, aliases: [] },
        inputs: { apiVersion: "v1", kind: "Service", metadata },
    };
}

const minikubeClass = {
    ...object("StorageClass", "standard", {
        annotations: { "storageclass.kubernetes.io/is-default-class": "true" },
    }),
    provisioner: "k8s.io/minikube-hostpath",
};

/** A claim that somebody else made. */
function brought(spec: object = {}, status: object = { phase: "Bound" }) {
    return { ...claim({ name: "mine", labels: {} }, { accessModes: ["ReadWriteOnce"], ...spec }), status };
}

/** A pod that mounts a claim. */
function pod(name: string, ownerReferences: readonly object[] = [], claimName = "synergychat-api-pvc") {
    const volumes = [{ persistentVolumeClaim: { claimName } }];
    return {
        ...object("Pod", name, { labels: {}, ownerReferences }),
        spec: { volumes },
        status: { phase: "Running" },
    };
}

/** The plan of a destroy of a stack that is in this namespace, and has nothing recorded. */
function destroyPlan(more: Partial<NamespaceSnapshot>): DestroyPlan {
    const one = place(more);
    const claims = liveClaims(one, [instance]).map((live) => ({ ...live, kept: false }));
    const session = { owners: [instance], state: [], settings: settings() };
    return { session, place: one, claims } as unknown as DestroyPlan;
}

const guards = { retainData: false, protectData: false };
const stateOf = (more: object) => [
    { type: "kubernetes:core/v1:PersistentVolumeClaim", id: "synergychat/synergychat-api-pvc", ...more },
];

const volume = (spec: object, status: object, metadata: object = {}) => ({
    ...object("PersistentVolume", "pvc-1", {
        annotations: { "pv.kubernetes.io/provisioned-by": "k8s.io/minikube-hostpath" },
        ...metadata,
    }),
    spec,
    status,
});

const blockerOf = (one: Volume) => volumeBlocker(one, "minikube");

const releasedVolume = volume(
    {
        claimRef: { namespace: "synergychat", name: "synergychat-api-pvc", uid: "before" },
        hostPath: { path: "/tmp/hostpath-provisioner/synergychat/synergychat-api-pvc" },
    },
    { phase: "Released" },
);

function waitingPod(reason: string, message: string) {
    const containerStatuses = [{ name: "synergychat-api", state: { waiting: { reason, message } } }];
    return { ...object("Pod", "synergychat-api-1"), status: { containerStatuses } };
}

function stuck(one: Pod): Finding {
    return podCannotStart(one, sentence(podProblem(one) ?? ""));
}

function unscheduledPod(name: string, message: string) {
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
    const volumes = [{ persistentVolumeClaim: { claimName: "synergychat-api-pvc" } }];
    return { ...object("Pod", name), spec: { volumes }, status: { conditions: [condition] } };
}

const failedJob = {
    namespace: "synergychat",
    job: "synergychat-api-backup-manual-20260105t120000z",
    reason: "The volume of the backups (/backups) is full.",
};

const onLaptop = { namespace: "synergychat", journal: "laptop:/home/ada/messages.json (process 4711)" };

function isFinding(finding: Finding | undefined): finding is Finding {
    return finding !== undefined;
}

/** Every example of a code. An example may have other findings as well. */
export const examples: Readonly<Record<FindingCode, readonly (readonly Finding[])[]>> = {
    "unknown-key": [
        config({ storagemode: "ephemeral" }),
        config({ zzzzzz: "1" }),
        config({}, { ...context, "kubernetes:namespace": "chat" }),
    ],
    "key-of-other-project": [config({}, { ...context, "former:webReplicas": "7" })],
    "invalid-value": Object.entries({
        storageMode: "persistant",
        storageSize: "1GB",
        storageClass: "Fast",
        existingClaim: "my claim",
        retainData: "yes",
        protectData: "1",
        guard: "on",
        apiCommand: "'api'",
        backupsKept: "0",
        backupSuspend: "on",
        discardClaim: "synergychat-api-pvc",
        namespace: "default",
        webReplicas: "0",
        crawlerContainers: "21",
        crawlerPods: "51",
        crawlerKeywords: "love,love",
        webHost: "http://synchat.internal",
        apiHost: "10.0.0.1",
        apiUrl: "localhost:8080",
        exposure: "loadbalancer",
        ingressClass: "Nginx",
        ingressAnnotations: "scheme",
        gatewayClass: "a b",
        images: "latest",
        imagePullPolicy: "always",
        imagePullSecrets: "My Secret",
    }).map(([key, value]) => config({ [key]: value })),
    "context-missing": [config({}, {})],
    "same-hosts": [config({ webHost: "synchatapi.internal" })],
    "key-beside-existing-claim": [
        config({ existingClaim: "mine", storageClass: "fast", storageSize: "2Gi" }),
    ],
    "gateway-class-missing": [config({ exposure: "gateway" })],
    "insecure-api-url": [config({ tlsSecret: "chat-tls", apiUrl: "http://chat.example.org:8443" })],

    "other-cluster": [otherCluster("prod", recorded("synergychat"))],
    "other-namespace": [[otherNamespace(settings(elsewhere), "synergychat")].filter(isFinding)],
    "recorded-claim-lost": [findings(fresh, {}, { recorded: recorded("synergychat", [lostClaim]) })],
    "resource-moved": [
        movedObjects(
            [declared("chat-api")],
            recorded("synergychat", [
                { ...declared("api").inputs, urn: declared("api").urn },
                { ...declared("api").inputs, urn: declared("chat-api").urn },
            ]),
        ),
    ],
    "cluster-too-old": [findings({ ...fresh, version: "v1.28.15" })],
    "rejected-by-cluster": [
        findings({
            ...fresh,
            rejections: [
                rejection(
                    "CronJob",
                    "synergychat-api-backup",
                    `CronJob.batch "synergychat-api-backup" is invalid: spec.schedule: Invalid value: "0 0 L * *"`,
                ),
            ],
        }),
        findings({
            ...fresh,
            rejections: [
                rejection(
                    "Ingress",
                    "app-ingress",
                    'Internal error occurred: failed calling webhook "validate.nginx.ingress.kubernetes.io": connection refused',
                ),
            ],
        }),
        findings(
            {
                ...running,
                claims: [claim({ annotations: retained })],
                rejections: [
                    rejection(
                        "PersistentVolumeClaim",
                        "synergychat-api-pvc",
                        "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
                    ),
                ],
            },
            { storageSize: "500Mi", retainData: "true" },
        ),
    ],
    "switch-interrupted": [
        findings({ ...running, api: api({ outOfService: { by: "switch", ...onLaptop } }) }),
    ],
    "restore-interrupted": [
        findings({ ...running, api: api({ outOfService: { by: "restore", ...onLaptop } }) }),
        [
            interrupted(
                { by: "restore", ...onLaptop },
                restoreCommand({ named: "/home/ada/my chat.json", first: 12 }, "dev"),
            ),
        ],
    ],
    "permissions-missing": [
        findings({ ...fresh, permissions: [] }),
        findings({ ...fresh, permissions: undefined, claims: undefined }),
    ],
    "class-missing": [
        findings(fresh, { storageClass: "fast" }),
        findings(fresh, { ingressClass: "traefik" }),
        findings(fresh, { exposure: "gateway", gatewayClass: "eg" }),
        findings(
            { ...fresh, gatewayClasses: [object("GatewayClass", "contour")] },
            { exposure: "gateway", gatewayClass: "eg" },
        ),
    ],
    "default-class-missing": [findings({ ...fresh, storageClasses: [], ingressClasses: [] })],
    "namespace-terminating": [
        findings({ ...fresh, namespace: object("Namespace", "synergychat", { deletionTimestamp }) }),
    ],
    "foreign-namespace": [
        findings({ ...fresh, namespace: object("Namespace", "synergychat", { labels: {} }) }),
        findings({
            ...fresh,
            namespace: object("Namespace", "synergychat", { labels: ownerLabels("synergychat-other") }),
        }),
        findings(
            { ...fresh, namespace: object("Namespace", "synergychat", { labels: {} }) },
            { retainData: "true" },
        ),
    ],
    "foreign-object": [
        findings({ ...running, objects: [object("Gateway", "app-gateway", { labels: {} })] }),
        findings({
            ...running,
            objects: [object("Service", "api-service", { labels: ownerLabels("other") })],
        }),
    ],
    "foreign-claim": [findings({ ...running, claims: [claim({ labels: {} })] })],
    "namespace-adopted": [findings(running, {}, { recorded: recorded(undefined) })],
    "host-served-elsewhere": [
        findings({
            ...running,
            hostObjects: [serves("Ingress", "app-ingress", { rules: [{ host: "synchat.internal" }] })],
        }),
        findings({
            ...running,
            hostObjects: [serves("HTTPRoute", "api-httproute", { hostnames: ["synchatapi.internal"] })],
        }),
    ],
    "tls-secret-missing": [findings(running, { tlsSecret: "chat-tls" })],
    "tls-secret-unusable": [
        findings(
            { ...running, tlsSecret: { ...object("Secret", "chat-tls"), type: "Opaque" } },
            { tlsSecret: "chat-tls" },
        ),
    ],
    "existing-claim-missing": [
        findings(running, { existingClaim: "mine", discardClaim: uid }),
        findings(fresh, { existingClaim: "mine" }),
    ],
    "existing-claim-terminating": [
        findings(
            { ...onForeignClaim, claims: [claim({ name: "mine", labels: {}, deletionTimestamp })] },
            { existingClaim: "mine" },
        ),
    ],
    "existing-claim-is-own": [findings(running, { existingClaim: "synergychat-api-pvc", discardClaim: uid })],
    "existing-claim-unusable": [
        findings(
            { ...onForeignClaim, claims: [brought({ volumeMode: "Block" })] },
            { existingClaim: "mine" },
        ),
        findings(
            { ...onForeignClaim, claims: [brought({ accessModes: ["ReadOnlyMany"] })] },
            { existingClaim: "mine" },
        ),
        findings({ ...onForeignClaim, claims: [brought({}, { phase: "Lost" })] }, { existingClaim: "mine" }),
    ],
    "existing-claim-unbound": [
        findings(
            { ...onForeignClaim, claims: [brought({}, { phase: "Pending" })] },
            { existingClaim: "mine" },
        ),
    ],
    "existing-claim-mounted": [
        findings(
            { ...onForeignClaim, claims: [brought()], pods: [pod("reader", [], "mine")] },
            { existingClaim: "mine" },
        ),
    ],
    "volumes-on-several-nodes": [findings({ ...fresh, nodes: 2, storageClasses: [minikubeClass] })],
    "released-volume-has-old-data": [findings({ ...fresh, earlierVolumes: [releasedVolume] })],
    "existing-claim-file-unusable": [
        [unusableFile("mine", "minikube", releasedVolume)],
        [unusableFile("mine", "minikube", undefined)],
    ],
    "claim-terminating": [
        findings({ ...running, claims: [claim({ deletionTimestamp })] }),
        findings({ ...running, claims: [claim({ deletionTimestamp })] }, { retainData: "true" }),
    ],
    "retained-claim-differs": [
        findings({ ...running, claims: [claim({ annotations: retained })] }, { storageClass: "roomy" }),
        findings(
            { ...running, claims: [claim({ annotations: retained })] },
            { accessMode: "ReadWriteOncePod" },
        ),
    ],
    "claim-reattached": [
        findings({ ...running, namespace: keptNamespace }, {}, { recorded: recorded(undefined) }),
        findings({ ...backedUp, claims: [backupsClaim()], namespace: keptNamespace }, nightly, {
            recorded: recorded(undefined),
        }),
    ],
    "backup-failed": [
        missingBackups(settings(nightly), { objects: [cronJob(), job("manual", "Failed")] }, now),
    ],
    "backup-overdue": [
        missingBackups(settings(nightly), { objects: [cronJob("2026-01-01T03:00:05Z")] }, now),
        missingBackups(settings(nightly), { objects: [cronJob("2027-01-01T03:00:05Z")] }, now),
    ],
    "backup-not-copied": [
        missingBackups(
            settings(copied),
            { objects: [cronJob(), job("manual", "Failed", { reason: notSent })] },
            now,
        ),
        [
            notCopied(
                "Backup 20260105T120000Z-2-0a1b2c3d-manual.json",
                failedJob.job,
                "synergychat",
                "Fatal: wrong password or no key found.",
            ),
        ],
    ],
    "target-secret-incomplete": [
        findings(backedUp, copied),
        findings(
            { ...backedUp, targetSecret: { ...object("Secret", "target"), data: { RESTIC_PASSWORD: "" } } },
            copied,
        ),
        findings(fresh, copied),
    ],
    "target-unreadable": [unreadableTarget({ targetProblem: "Fatal: wrong password or no key found." })],
    "target-without-backups": [config({ backupTarget: copied.backupTarget })],
    "backup-not-made": [
        [backupNotMade("manual", failedJob, [])],
        [backupNotMade("manual", { ...failedJob, job: undefined }, [])],
        [backupNotMade("before-switch", failedJob, [{ to: "Go on", run: ["npm run switch -- ephemeral"] }])],
        [backupNotMade("before-restore", failedJob, [])],
        [backupNotMade("before-down", failedJob, [])],
    ],
    "backups-off": [[backupsOff(settings())], [backupsOff(settings(nightly))]],
    "switch-needs-shell": [[noShell("switch", "api:scratch", "persistent")]],
    "restore-needs-shell": [[noShell("restore", "api:scratch", "ephemeral")]],
    "upgrade-refused": [
        [
            upgradeRefused(settings({ images: '{"api": "api:2"}' }), {
                before: "api:1",
                reason: "it returned 0 of 3 messages.",
                job: "synergychat-api-backup-before-upgrade-1",
            }),
        ],
        [
            upgradeRefused(settings({ images: '{"api": "api:2"}' }), {
                before: "api:1",
                reason: "Its Job cannot be started: exceeded quota: full.",
                job: undefined,
            }),
        ],
    ],

    "claim-would-be-deleted": [
        findings(running, ephemeral),
        findings(running, { ...ephemeral, protectData: "true" }),
        findings(running, { storageClass: "roomy" }),
        findings(running, { accessMode: "ReadWriteOncePod" }),
        findings({ ...running, claims: [claim(), foreignClaim] }, { existingClaim: "mine" }),
        findings({ ...running, api: undefined }, ephemeral),
        findings(backedUp),
        findings({ ...backedUp, objects: [] }, { protectData: "true" }),
    ],
    "foreign-claim-would-be-deleted": [refusals(destroyPlan({ claims: [foreignClaim] }))],
    "ephemeral-messages-would-be-lost": [
        findings(runningEphemeral),
        findings({ ...runningEphemeral, claims: [claim()] }),
        findings({ ...runningEphemeral, api: api({ claim: undefined, messages: undefined }) }),
        findings({ ...runningEphemeral, apiPodChanges: ["template.spec.containers[0].image"] }, ephemeral),
        findings({ ...runningEphemeral, apiPodChanges: undefined }, ephemeral),
    ],
    "kept-claim-not-mounted": [
        findings(running, { ...ephemeral, retainData: "true" }),
        findings(onForeignClaim),
        findings(onForeignClaim, { retainData: "true" }),
        findings({ ...running, claims: [claim({ annotations: retained })], api: undefined }, ephemeral),
        findings(
            {
                ...running,
                claims: [claim({ annotations: retained }), foreignClaim],
                api: undefined,
            },
            { existingClaim: "mine" },
        ),
    ],
    "protection-removed": [
        findings({
            ...running,
            claims: [claim({ annotations: { ...retained, [protectAnnotation]: "true" } })],
        }),
    ],
    "discard-claim-stale": [findings(running, { discardClaim: uid })],

    "switch-running": [[runningOperation("switch", "process 4711")]],
    "restore-running": [[runningOperation("restore", onLaptop.journal)]],
    "pod-cannot-start": [
        [
            waitingPod("ImagePullBackOff", "Back-off pulling image"),
            unscheduledPod("synergychat-web-1", "0/1 nodes are available: 1 Insufficient memory."),
        ].map(stuck),
    ],
    "node-unavailable": [
        [
            "1 node(s) were unschedulable, 1 node(s) didn't match PersistentVolume's node affinity.",
            "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 1 node(s) had volume node affinity conflict.",
            "1 node(s) had untolerated taint(s), 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod.",
            "2 node(s) were unschedulable.",
            "1 Insufficient memory, 1 node(s) were unschedulable.",
        ].map((why) => stuck(unscheduledPod("synergychat-api-1", `0/2 nodes are available: ${why}`))),
    ],
    "pods-not-created": [
        podsNotCreated({
            ...object("Deployment", "synergychat-web"),
            status: {
                conditions: [
                    {
                        type: "ReplicaFailure",
                        status: "True",
                        message: 'pods "synergychat-web-1" is forbidden: exceeded quota: small',
                    },
                ],
            },
        }),
    ],
    "image-without-shell": [
        [
            stuck({
                ...waitingPod("RunContainerError", 'exec: "sh": executable file not found in $PATH'),
                spec: { containers: [{ name: "synergychat-guard" }] },
            }),
        ],
    ],

    "data-protected": [protectionRefusals({ ...guards, protectData: true }, stateOf({ protect: true }), [])],
    "config-not-applied": [
        protectionRefusals({ ...guards, retainData: true }, stateOf({}), []),
        protectionRefusals(guards, stateOf({ retainOnDelete: true }), []),
    ],
    "claim-mounted": [
        [claimBlocker(claim({ deletionTimestamp }), [pod("debug"), pod("shell")])],
        refusals(destroyPlan({ pods: [pod("debug")] })),
        refusals(
            destroyPlan({ pods: [pod("copy-5d4f7-x2x", [{ kind: "ReplicaSet", name: "copy-5d4f7" }])] }),
        ),
        refusals(
            destroyPlan({
                pods: ["a", "b"].map((id) =>
                    pod(`copy-5d4f7-${id}`, [{ kind: "ReplicaSet", name: "copy-5d4f7" }]),
                ),
            }),
        ),
        refusals(destroyPlan({ pods: [pod("db-0", [{ kind: "StatefulSet", name: "db" }])] })),
    ],
    "claim-held-by-finalizer": [
        [claimBlocker(claim({ deletionTimestamp, finalizers: ["snapshot.example/source"] }), [])],
    ],
    "volume-ignored-by-minikube": [
        [blockerOf(volume({ hostPath: { path: "/tmp/hostpath-provisioner/x" } }, { phase: "Released" }))],
    ],
    "volume-not-deleted": [
        [blockerOf(volume({ persistentVolumeReclaimPolicy: "Retain" }, { phase: "Released" }))],
        [blockerOf(volume({}, { phase: "Failed", message: "disk is busy" }))],
        [blockerOf(volume({}, { phase: "Bound" }, { finalizers: ["a.example/b"] }))],
    ],
};
