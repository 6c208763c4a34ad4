/** What a program declares, before Pulumi's engine hears of it. */
import type { AsyncLocalStorage } from "node:async_hooks";
import type { DeclaredObject } from "../kubernetes/objects.ts";
import { getProject, getStack, runtime } from "@pulumi/pulumi";
import pb from "@pulumi/pulumi/proto/resource_pb.js";

export interface DeclaredResource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** Other URNs under which the state may have it, by its own aliases and by those of its parent. */
    readonly aliases: readonly string[];
    /** Plain values. What only the cluster will know is the text `unknownValue`. */
    readonly inputs: object;
}

/** A Kubernetes object of which the program says which one it is. */
export interface KubernetesResource extends DeclaredResource {
    readonly inputs: DeclaredObject;
}

/** Whether a resource is a Kubernetes object whose name is known. A patch is a part of an object that another resource may have. */
export function isKubernetes(resource: DeclaredResource): resource is KubernetesResource {
    const { apiVersion, kind, metadata } = resource.inputs as Partial<DeclaredObject>;
    const known = [apiVersion, kind, metadata?.name, metadata?.namespace ?? ""];
    return (
        resource.type.startsWith("kubernetes:") &&
        !resource.type.endsWith("Patch") &&
        known.every((value) => typeof value === "string" && value !== unknownValue)
    );
}

/** The Kubernetes objects of which the program knows every value. */
export function objectsIn(resources: readonly DeclaredResource[]): readonly DeclaredObject[] {
    return resources
        .filter(isKubernetes)
        .map(({ inputs }) => inputs)
        .filter((object) => !JSON.stringify(object).includes(unknownValue));
}

/** Pulumi's mark for a value that is not known yet. Source: `unknownValue` in runtime/rpc.ts of @pulumi/pulumi. */
const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/**
 * Runs a program once as a rehearsal, and returns all that it declared, with its result.
 *
 * The program and the SDK are those of the real run. Only the monitor, to which the SDK sends each registration, is another: it
 * keeps the registrations, and returns inputs as outputs. So nothing that the program would declare is missed, however deep in
 * a user's own component, with one exception: as in `pulumi preview`, a function that waits for an unknown output does not run.
 */
export async function rehearse<T>(
    program: () => T,
): Promise<{ readonly resources: readonly DeclaredResource[]; readonly result: T }> {
    const resources: DeclaredResource[] = [];
    const store = rehearsalStore(recorder(resources));
    return sdk.asyncLocalStorage.run(store, async () => {
        const result = program();
        for (let done: unknown; done !== store.settings.rpcDone;) {
            done = store.settings.rpcDone;
            await done;
        }
        return { resources, result };
    });
}

/** Where the SDK keeps its stores. Source: runtime/state.ts of @pulumi/pulumi */
const sdk = globalThis as unknown as {
    readonly asyncLocalStorage: AsyncLocalStorage<Store>;
    readonly globalStore: Store;
};

interface Store {
    readonly settings: { readonly rpcDone: Promise<unknown>; readonly options: object };
}

type Done = (error: null, response: object) => void;

/**
 * The SDK keeps all that belongs to one run of a program in a store, so that programs of the Automation API run side by side.
 * The rehearsal's is a copy of the real one.
 */
function rehearsalStore(monitor: object): Store {
    const real = sdk.asyncLocalStorage.getStore() ?? sdk.globalStore;
    return Object.assign(Object.create(Object.getPrototypeOf(real) as object) as Store, real, {
        settings: {
            ...real.settings,
            monitor,
            engine: ignoring,
            rpcDone: Promise.resolve(),
            options: { ...real.settings.options, monitorAddr: "rehearsal", dryRun: true },
        },
        callbacks: ignoring,
        pendingResourceRegistrations: new Map(),
        leakCandidates: new Set(),
        supportsSecrets: false,
        supportsResourceReferences: false,
        supportsOutputValues: false,
        // The SDK then sends every alias as a URN.
        supportsAliasSpecs: false,
    });
}

/** Does nothing, whatever is called: no log reaches the engine twice, and no hook is registered twice. */
const ignoring: object = new Proxy({}, { get: () => ignore });

function ignore(_: unknown, done?: Done): Promise<void> {
    done?.(null, {});
    return Promise.resolve();
}

/** A monitor that keeps registrations and leaves all questions to the real one. */
function recorder(resources: DeclaredResource[]): object {
    const real = runtime.getMonitor() as object;
    const recorded = {
        registerResource: (request: pb.RegisterResourceRequest, done: Done): void => {
            const declared = declaredBy(request);
            resources.push(declared);
            const response = new pb.RegisterResourceResponse();
            response.setUrn(declared.urn);
            response.setObject(request.getObject());
            done(null, response);
        },
        readResource: (request: pb.ReadResourceRequest, done: Done): void => {
            const response = new pb.ReadResourceResponse();
            response.setUrn(urnOf(request.getParent(), request.getType(), request.getName()));
            response.setProperties(request.getProperties());
            done(null, response);
        },
        registerResourceOutputs: ignore,
        invoke: (request: pb.ResourceInvokeRequest, done: Done): void => {
            // The engine does not know a provider of the rehearsal. Its default one answers as well.
            if (request.getProvider().endsWith(unknownValue)) {
                request.setProvider("");
            }
            (real as { invoke: (request: unknown, done: Done) => void }).invoke(request, done);
        },
    };
    return new Proxy(real, {
        get: (_, name) => {
            const method: unknown = Reflect.get(name in recorded ? recorded : real, name);
            return typeof method === "function" ? (method.bind(real) as unknown) : method;
        },
    });
}

function declaredBy(request: pb.RegisterResourceRequest): DeclaredResource {
    const [type, name, parent] = [request.getType(), request.getName(), request.getParent()];
    const [urn, aliases] = [urnOf(parent, type, name), request.getAliasurnsList()];
    return { urn, type, name, aliases, inputs: request.getObject()?.toJavaScript() ?? {} };
}

/** The URN that the engine gives a resource. Source: https://www.pulumi.com/docs/iac/concepts/resources/names/#urns */
export function urnOf(parent: string, type: string, name: string): string {
    const root = [`urn:pulumi:${getStack()}`, getProject()];
    const [stack = "", project = "", types = ""] = parent === "" ? root : parent.split("::");
    const isTop = types === "" || types === "pulumi:pulumi:Stack";
    return [stack, project, isTop ? type : `${types}$${type}`, name].join("::");
}
