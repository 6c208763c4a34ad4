/** What a stack's state says: its outputs, its objects, their cluster, and how they are guarded. Pure. */
import type { RecordedObject } from "../kubernetes/objects.ts";
import { instanceLabel } from "../model/labels.ts";
import { claimName, providerName } from "../model/names.ts";
import type { StorageMode } from "../model/storage.ts";
import { UserError } from "../system/errors.ts";

export interface StackOutputs {
    readonly webUrl: string;
    /** Address of the api as the page's browser reaches it. */
    readonly apiUrl: string;
    readonly namespaceName: string;
    readonly storageMode: StorageMode;
    /** Name of the claim that the api mounts. Null with ephemeral storage. */
    readonly claimName: string | null;
    /** Whether claim and namespace stay when the stack is destroyed. */
    readonly retainsData: boolean;
    readonly nextCommands: readonly string[];
}

export interface StateResource {
    readonly type: string;
    readonly urn?: string;
    readonly id?: string;
    readonly inputs?: { readonly kind?: string };
    readonly outputs?: {
        readonly context?: unknown;
        readonly kubeconfig?: unknown;
        readonly apiVersion?: unknown;
        readonly kind?: unknown;
        readonly __fieldManager?: unknown;
        readonly metadata?: {
            readonly name?: unknown;
            readonly namespace?: unknown;
            readonly uid?: unknown;
            readonly labels?: Readonly<Record<string, unknown>>;
        };
    };
    readonly retainOnDelete?: boolean;
    readonly protect?: boolean;
}

/** Where the last run left the stack's objects. */
export interface RecordedState {
    /** Context of their cluster. Undefined if there are none. */
    readonly context: string | undefined;
    /** Kubeconfig that Pulumi's provider had. Undefined if it had none, or if there are no objects. */
    readonly kubeconfig: string | undefined;
    /** The namespace that the stack has. Undefined if there is none. */
    readonly namespace: string | undefined;
    /** The values of the label app.kubernetes.io/instance of its objects. A renamed stack has its former one until the next `up`. */
    readonly instances: readonly string[];
    /** Every Kubernetes object that the state has. */
    readonly objects: readonly RecordedObject[];
    readonly urns: readonly string[];
}

/** Pulumi's types of the resources that the stack guards. */
export const guardedTypes = {
    claim: "kubernetes:core/v1:PersistentVolumeClaim",
    namespace: "kubernetes:core/v1:Namespace",
} as const;

/** What the resources of a state say. */
export function recordedIn(resources: readonly StateResource[]): RecordedState {
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:"));
    const ofType = (type: string) => resources.filter((resource) => resource.type === type);
    const ofTheProgram = objects.length > 0 ? ofType("pulumi:providers:kubernetes") : [];
    const own = ofTheProgram.filter(({ urn = "" }) => urn.endsWith(`::${providerName}`));
    const providers = own.length > 0 ? own : ofTheProgram; // Users may declare others.
    const labelled = objects.filter(({ outputs }) => isText(outputs?.metadata?.labels?.[instanceLabel]));
    const instances = labelled.map(({ outputs }) => outputs?.metadata?.labels?.[instanceLabel]);
    return {
        context: providers.map(({ outputs }) => outputs?.context).find(isText),
        kubeconfig: providers.map(({ outputs }) => outputs?.kubeconfig).find(isText),
        // Users may declare others.
        namespace: labelled
            .filter(({ type }) => type === guardedTypes.namespace)
            .map(({ outputs }) => outputs?.metadata?.name)
            .find(isText),
        instances: [...new Set(instances.filter(isText))],
        objects: objects
            .filter(({ type }) => !type.endsWith("Patch"))
            .map(({ urn = "", outputs }) => ({ ...outputs, urn }))
            .filter(isRecordedObject),
        urns: resources.map(({ urn = "" }) => urn),
    };
}

/**
 * The stack's outputs.
 *
 * @throws UserError if no `up` of the stack has come to its end yet.
 */
export function outputsIn(resources: readonly StateResource[], stack: string): StackOutputs {
    const known = knownOutputs(resources);
    if (!known) {
        throw new UserError(`Stack ${stack} is not up.\n  Bring it up:  npm run up -- ${stack}`);
    }
    return known;
}

/** The stack's outputs. Undefined if no `up` of it has come to its end yet. */
export function knownOutputs(resources: readonly StateResource[]): StackOutputs | undefined {
    const known = resources.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs as
        Partial<StackOutputs> | undefined;
    return known?.namespaceName === undefined ? undefined : (known as StackOutputs);
}

/** Whether a resource is a claim of one of these names. Users may have declared others. */
export function isClaim({ type, id = "" }: StateResource, names: readonly string[]): boolean {
    return type === guardedTypes.claim && names.some((name) => id.endsWith(`/${name}`));
}

/** The claim that the stack makes for the api. */
export function ownClaim(state: readonly StateResource[]): StateResource | undefined {
    return state.find((resource) => isClaim(resource, [claimName]));
}

function isRecordedObject(
    object: NonNullable<StateResource["outputs"]> & { urn: string },
): object is RecordedObject {
    const { apiVersion, kind, metadata } = object;
    return [apiVersion, kind, metadata?.name, metadata?.uid].every(isText);
}

function isText(value: unknown): value is string {
    return typeof value === "string" && value !== "";
}
