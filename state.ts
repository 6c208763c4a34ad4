/** Where the stack's objects are by its state: Pulumi changes and deletes them there, wherever the config points now. */
import * as pulumi from "@pulumi/pulumi";

/** Where the last run left the stack's objects. */
export interface Recorded {
    /** Context of their cluster; undefined where there are none. */
    readonly context: string | undefined;
    /** The namespace that the stack has; undefined where there is none. */
    readonly namespace: string | undefined;
    /** Their namespaces: that one, and others after a run that was killed on the way from one to another. */
    readonly namespaces: readonly string[];
    /** Every object of the cluster's that the state has. */
    readonly objects: readonly RecordedObject[];
}

/** A Kubernetes object as the state has it. */
export interface RecordedObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

/** A resource in the state, as much as matters here. */
export interface StateResource {
    readonly type: string;
    readonly outputs?: {
        readonly context?: unknown;
        readonly apiVersion?: unknown;
        readonly kind?: unknown;
        readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown; readonly uid?: unknown };
    };
}

/**
 * Asks Pulumi's engine. It leaves out what a killed run had replaced and not yet deleted.
 * Source of the function: https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
 */
export async function readState(): Promise<Recorded> {
    const stackName = [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack()].join("/");
    const answer = (await pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", { stackName })) as {
        outputs: Readonly<Record<string, StateResource>>;
    };
    return recordedIn(Object.values(answer.outputs));
}

/** Pure: what the resources of a state say. */
export function recordedIn(resources: readonly StateResource[]): Recorded {
    const ofType = (type: string) => resources.filter((resource) => resource.type === type);
    const objects = resources.filter(({ type }) => type.startsWith("kubernetes:"));
    const contexts = ofType("pulumi:providers:kubernetes").map(({ outputs }) => outputs?.context);
    const own = ofType("kubernetes:core/v1:Namespace").map(({ outputs }) => outputs?.metadata?.name);
    const around = objects.map(({ outputs }) => outputs?.metadata?.namespace);
    return {
        context: objects.length > 0 ? contexts.find(isText) : undefined,
        namespace: own.find(isText),
        namespaces: [...new Set([...own, ...around].filter(isText))],
        objects: objects.map(({ outputs }) => outputs).filter(isObject),
    };
}

function isObject(outputs: StateResource["outputs"]): outputs is RecordedObject {
    const { apiVersion, kind, metadata } = outputs ?? {};
    return [apiVersion, kind, metadata?.name, metadata?.uid].every(isText);
}

function isText(value: unknown): value is string {
    return typeof value === "string" && value !== "";
}

/**
 * Stops the program if Pulumi takes one of these objects for one that exists: as unchanged, or as one to update.
 *
 * Only the registrations tell. After a refresh, Pulumi has forgotten the objects and creates them, but it refreshes in
 * memory: `readState` reads the stored state, which is still the old one.
 * Source: `refresh` in https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/deployment_executor.go
 *
 * @param absent objects that the state has and the cluster does not have.
 * @param stop stops the program.
 */
export function stopIfRecorded(absent: readonly RecordedObject[], stop: () => void): void {
    const uids = new Set(absent.map(({ metadata }) => metadata.uid));
    const check = (metadata: Partial<RecordedObject["metadata"]> | undefined): void => {
        if (metadata?.uid !== undefined && uids.has(metadata.uid)) {
            stop();
        }
    };
    const beforeUpdate = new pulumi.ResourceHook(
        "recorded-and-absent",
        ({ oldOutputs }) => {
            check((oldOutputs as Partial<RecordedObject> | undefined)?.metadata);
        },
        { onDryRun: true },
    );
    pulumi.runtime.registerStackTransformation(({ resource, type, props, opts }) => {
        if (!type.startsWith("kubernetes:")) {
            return undefined;
        }
        // A resource gets its outputs after its transformations. An object that is still to be created has no UID yet.
        setImmediate(() => (resource as KubernetesResource).metadata.apply(check));
        return { props, opts: { ...opts, hooks: { ...opts.hooks, beforeUpdate: [beforeUpdate] } } };
    });
}

/** A resource of any Kubernetes kind. */
type KubernetesResource = pulumi.Resource & { readonly metadata: pulumi.Output<RecordedObject["metadata"]> };

/** Why a stack whose objects are in one cluster must not go to another; undefined where it does not. */
export function otherCluster(context: string, recorded: Recorded): string | undefined {
    return recorded.context === undefined || recorded.context === context
        ? undefined
        : `kubernetes:context is ${JSON.stringify(context)}, but this stack is up in the cluster of context ${JSON.stringify(recorded.context)}:\n` +
              "    everything there would be deleted, with its messages. Nothing was changed.\n" +
              `    To go on there: pulumi config set kubernetes:context ${recorded.context}\n` +
              "    For the other cluster make a stack of its own: pulumi stack init NAME\n" +
              "    If it is the same cluster under a new name: kubectl config rename-context NEW OLD";
}
