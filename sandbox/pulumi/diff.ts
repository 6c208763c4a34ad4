/**
 * What an update would change, told from the inputs alone: the state's inputs (which a refresh brings up to date with
 * the cluster, see `project`) against the program's. Server defaults are in neither, so they are no difference.
 */
import {
    type Json,
    type JsonObject,
    type Path,
    at,
    deepEqual,
    isObject,
    isWithin,
    listAt,
    parsePath,
    shown,
} from "./json.ts";

export interface Change {
    path: Path;
    kind: "add" | "delete" | "update";
    /** The field cannot be changed in place. */
    replace: boolean;
}

const MISSING = undefined;

/** Every difference between two inputs, at the deepest place that both have. Lists are compared by index. */
export function changes(old: JsonObject, next: JsonObject, immutable: Path[]): Change[] {
    const found: Change[] = [];
    const visit = (path: Path, before: Json | undefined, after: Json | undefined): void => {
        if (deepEqual(before, after)) {
            return;
        }
        if (isObject(before) && isObject(after)) {
            for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
                visit([...path, key], before[key], after[key]);
            }
        } else if (Array.isArray(before) && Array.isArray(after)) {
            for (let i = 0; i < Math.max(before.length, after.length); i++) {
                visit([...path, i], before[i], after[i]);
            }
        } else {
            const kind = before === MISSING ? "add" : after === MISSING ? "delete" : "update";
            found.push({ path, kind, replace: touches(path, before, after, immutable) });
        }
    };
    visit([], old, next);
    return found;
}

/** True if the changed value is at, below or above an immutable field (above: the field came or went with it). */
function touches(path: Path, before: Json | undefined, after: Json | undefined, immutable: Path[]): boolean {
    return immutable.some((field) => {
        if (isWithin(path, field)) {
            return true;
        }
        const rest = field.slice(path.length);
        const above = isWithin(field.slice(0, path.length), path) && !rest.includes("*");
        return above && (at(before, ...rest) !== MISSING || at(after, ...rest) !== MISSING);
    });
}

export interface DiffOptions {
    enableConfigMapMutable: boolean;
    enableSecretMutable: boolean;
}

/**
 * The fields of a kind whose change means a new object. The lists are the official provider's (version 4.34, its
 * `forceNew` table), so that both make the same plans.
 */
export function immutableFields(inputs: JsonObject, options: DiffOptions): Path[] {
    const kind = `${shown(inputs.apiVersion).split("/").slice(0, -1).join("/")}/${shown(inputs.kind)}`;
    const fixed = at(inputs, "immutable") === true;
    const fields = ["metadata.name", "metadata.namespace", ...(IMMUTABLE[kind] ?? [])];
    if (kind === "/ConfigMap" && (fixed || !options.enableConfigMapMutable)) {
        fields.push("data", "binaryData");
    }
    if (kind === "/Secret" && (fixed || !options.enableSecretMutable)) {
        fields.push("data", "stringData");
    }
    return fields.map(parsePath);
}

const CONTAINER_FIELDS = [
    "args", "command", "env", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "ports", "readinessProbe",
    "resources", "securityContext", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty",
    "volumeDevices", "volumeMounts", "workingDir",
]; // prettier-ignore
const POD_FIELDS = [
    "affinity", "automountServiceAccountToken", "dnsConfig", "dnsPolicy", "enableServiceLinks", "hostAliases",
    "hostIPC", "hostNetwork", "hostPID", "hostname", "imagePullSecrets", "nodeName", "nodeSelector", "overhead",
    "preemptionPolicy", "priority", "priorityClassName", "readinessGates", "restartPolicy", "runtimeClassName",
    "schedulerName", "securityContext", "serviceAccount", "serviceAccountName", "shareProcessNamespace", "subdomain",
    "terminationGracePeriodSeconds", "volumes",
]; // prettier-ignore
const VOLUME_SOURCES = [
    "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
    "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
    "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
]; // prettier-ignore

const below = (prefix: string, fields: string[]): string[] => fields.map((field) => `${prefix}.${field}`);

/** By group and kind (the core group is empty), beside the name and the namespace, which no object can change. */
const IMMUTABLE: Record<string, string[] | undefined> = {
    "/PersistentVolume": below("spec", VOLUME_SOURCES),
    "/PersistentVolumeClaim": below("spec", ["accessModes", "selector", "storageClassName", "volumeName"]),
    "/Pod": [
        ...below("spec", POD_FIELDS),
        ...below("spec.containers[*]", CONTAINER_FIELDS),
        ...below("spec.initContainers[*]", CONTAINER_FIELDS),
    ],
    "/ResourceQuota": ["spec.scopes"],
    "/Secret": ["type"],
    "/Service": ["spec.clusterIP"],
    "apps/DaemonSet": ["spec.selector"],
    "apps/Deployment": ["spec.selector"],
    "apps/StatefulSet": below("spec", [
        "podManagementPolicy",
        "revisionHistoryLimit",
        "selector",
        "serviceName",
        "volumeClaimTemplates",
    ]),
    "batch/Job": below("spec", ["completions", "parallelism", "selector", "template"]),
    "rbac.authorization.k8s.io/ClusterRoleBinding": ["roleRef"],
    "rbac.authorization.k8s.io/RoleBinding": ["roleRef"],
    "storage.k8s.io/StorageClass": ["parameters", "provisioner"],
};

/**
 * The inputs brought up to date with the cluster: each value that the inputs gave, as the live object has it now if it
 * changed there since the state was written, else as the inputs wrote it (so `0.5` stays `0.5` where the server says
 * `500m`). Fields that the inputs did not give are not looked at: they are the server's, or somebody else's.
 */
export function project(
    input: Json,
    before: Json | undefined,
    now: Json | undefined,
    path: Path = [],
): Json | undefined {
    if (deepEqual(before, now)) {
        return input;
    }
    if (isObject(input) && isObject(now)) {
        const projected: JsonObject = {};
        for (const [key, value] of Object.entries(input)) {
            const item =
                value === undefined ? undefined : project(value, at(before, key), now[key], [...path, key]);
            if (item !== undefined) {
                projected[key] = item;
            }
        }
        return projected;
    }
    const length = Array.isArray(before) ? before.length : listAt(input).length;
    if (Array.isArray(input) && Array.isArray(now) && now.length === length) {
        return input.map((item, i) => project(item, at(before, i), now[i], [...path, i]) ?? null);
    }
    return sameQuantity(input, now, path) ? input : now;
}

/** `1` and `1000m`, `1Gi` and `1024Mi` are the same amount; only below `spec`, where text is not free text. */
function sameQuantity(a: Json | undefined, b: Json | undefined, path: Path): boolean {
    if (deepEqual(a, b)) {
        return true;
    }
    const amount = path[0] === "spec" ? quantity(a) : undefined;
    return amount !== undefined && amount === quantity(b);
}

const UNITS: Record<string, number> = {
    "": 1, n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18,
    Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60,
}; // prettier-ignore

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
export function quantity(value: Json | undefined): number | undefined {
    const match = /^([+-]?\d+(?:\.\d*)?|\.\d+)([A-Za-z]{0,2})$/.exec(shown(value));
    const unit = UNITS[match?.[2] ?? "none"];
    return match?.[1] === undefined || unit === undefined ? undefined : Number(match[1]) * unit;
}
