/**
 * What a Kubernetes provider does with one object: check, compare, make, read, change and delete it, by server-side
 * apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/). Knows nothing of gRPC.
 */
import { setTimeout as pause } from "node:timers/promises";
import { KubeClient, UnreachableError, isStatus } from "./client.ts";
import { type Wait, getOrUndefined, ruleFor, untilGone, untilReady } from "./await.ts";
import { type Change, changes, immutableFields, project } from "./diff.ts";
import { Discovery, type Kind, type Resource, UnknownKindError, objectPath } from "./discovery.ts";
import { explain } from "./errors.ts";
import { withIgnored } from "./ignore.ts";
import {
    type JsonObject,
    UNKNOWN,
    at,
    deepEqual,
    hasUnknown,
    isObject,
    isWithin,
    objectAt,
    parsePath,
    shown,
    textAt,
    without,
    withoutNulls,
} from "./json.ts";
import { connect } from "./kubeconfig.ts";
import { type Autonaming, idOf, isAutonamed, kindOf, named, parseId } from "./naming.ts";
import { type Options, parseOptions } from "./options.ts";
import { RULES } from "./readiness.ts";

/** All objects that this provider makes are applied by this one field manager. */
export const FIELD_MANAGER = "pulumi-sandbox";

/** What the server writes into `metadata`, so that it is no input. */
const SERVER_METADATA = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"];

const DECIDED_AT_CREATION = ["uid", "creationTimestamp", "resourceVersion", "generation"];

const DEFAULT_TIMEOUT_SECONDS = 600;
/** Kinds that get less time, as in the official provider. */
const SHORTER_TIMEOUTS: Record<string, number | undefined> = {
    PersistentVolumeClaim: 300,
    PersistentVolume: 300,
};
/** What is not there yet (a namespace, a definition) may come: pauses between the attempts to make an object. */
const CREATE_PAUSES_MS = [500, 1000, 2000, 4000, 8000];

/** How an operation tells the user something while it runs. */
export interface Reporter {
    status: (text: string) => void;
    warn: (text: string) => void;
}

/** The object is in the cluster, in this state, but not as it should be. */
export class InitFailedError extends Error {
    readonly id: string;
    readonly outputs: JsonObject;
    readonly inputs: JsonObject | undefined;

    constructor(reason: string, id: string, outputs: JsonObject, inputs?: JsonObject) {
        super(reason);
        this.id = id;
        this.outputs = outputs;
        this.inputs = inputs;
    }
}

export interface CheckArgs {
    type: string;
    name: string;
    old: JsonObject | undefined;
    inputs: JsonObject;
    seed: Uint8Array;
    autonaming?: Autonaming | undefined;
}

export interface DiffArgs {
    old: JsonObject;
    inputs: JsonObject;
    ignoreChanges: string[];
    state: JsonObject;
}

export interface Plan {
    changes: Change[];
    replaces: string[];
    deleteBeforeReplace: boolean;
}

export class Provider {
    readonly #options: Options;
    readonly #cancelled = new AbortController();
    #connection: { client: KubeClient; discovery: Discovery } | undefined;

    constructor(args: JsonObject) {
        this.#options = parseOptions(args);
    }

    /** Ends all waits; requests that change something are let through, so that their outcome is known. */
    cancel(): void {
        this.#cancelled.abort();
    }

    async check(args: CheckArgs): Promise<JsonObject> {
        const kind = kindOf(args.type);
        const given = withoutNulls(args.inputs) as JsonObject;
        for (const key of ["apiVersion", "kind"] as const) {
            if (given[key] !== undefined && given[key] !== UNKNOWN && given[key] !== kind[key]) {
                throw new Error(
                    `${args.type} "${args.name}" says ${key} ${shown(given[key])}, not ${kind[key]}`,
                );
            }
        }
        const inputs = named({ ...given, ...kind }, args.old, args.name, args.seed, args.autonaming);
        const metadata = inputs.metadata;
        if (!isObject(metadata)) {
            return inputs;
        }
        const kept = without(metadata, ...SERVER_METADATA);
        const namespaced = kept.namespace === undefined && (await this.#isNamespaced(kind));
        return { ...inputs, metadata: namespaced ? { ...kept, namespace: this.#namespace() } : kept };
    }

    /** A kind that the cluster does not know yet is taken to be in a namespace, as most are. */
    async #isNamespaced(kind: Kind): Promise<boolean> {
        if (kind.apiVersion === "v1" && kind.kind === "Namespace") {
            return false;
        }
        const found = await this.#find(kind);
        return found?.namespaced ?? true;
    }

    async diff(args: DiffArgs): Promise<Plan> {
        const ignored = args.ignoreChanges.map(parsePath);
        const found = changes(args.old, args.inputs, immutableFields(args.inputs, this.#options)).filter(
            (change) => !ignored.some((path) => isWithin(change.path, path)),
        );
        const replaces = found
            .filter((change) => change.replace)
            .map((change) => change.path.map(String).join("."));
        if (await this.#wantsReplacement(args)) {
            replaces.push("metadata.annotations");
        }
        const name = textAt(args.inputs, "metadata", "name");
        const sameName = name === textAt(args.state, "metadata", "name");
        const sameNamespace = deepEqual(
            at(args.inputs, "metadata", "namespace"),
            at(args.state, "metadata", "namespace"),
        );
        const deleteBeforeReplace =
            replaces.length > 0 && sameName && sameNamespace && !isAutonamed(args.inputs);
        return { changes: found, replaces, deleteBeforeReplace };
    }

    /** A job that is not complete is made anew where its annotation `pulumi.com/replaceUnready` says so. */
    async #wantsReplacement(args: DiffArgs): Promise<boolean> {
        if (textAt(args.inputs, "metadata", "annotations", "pulumi.com/replaceUnready") !== "true") {
            return false;
        }
        const kind = { apiVersion: "batch/v1", kind: "Job" };
        if (args.inputs.kind !== kind.kind || args.inputs.apiVersion !== kind.apiVersion) {
            throw new Error("pulumi.com/replaceUnready is covered for jobs only");
        }
        const resource = await this.#find(kind);
        const live = resource && (await getOrUndefined(this.#client(), this.#pathOf(resource, args.state)));
        return live !== undefined && RULES["batch/v1/Job"]?.(live).ready !== true;
    }

    /** What a preview shows: the API server's own answer to a dry run, or the inputs where it cannot be had. */
    async previewCreate(inputs: JsonObject, reporter: Reporter): Promise<JsonObject> {
        const resource = hasUnknown(inputs) ? undefined : await this.#find(kindIn(inputs));
        if (!resource) {
            return withServerFieldsUnknown(inputs, inputs);
        }
        const ask = async () => {
            const exists =
                (await getOrUndefined(this.#client(), this.#pathOf(resource, inputs))) !== undefined;
            if (exists && !this.#options.upsertExistingObjects) {
                return undefined; // to be replaced, or to fail when it comes to it
            }
            const made = await this.#apply(resource, inputs, { force: true, dryRun: true });
            return exists ? outputsOf(made) : withServerFieldsUnknown(made, inputs);
        };
        const made = await previewed("created", inputs, ask, reporter);
        return made ?? withServerFieldsUnknown(inputs, inputs);
    }

    async previewUpdate(
        inputs: JsonObject,
        state: JsonObject,
        ignoreChanges: string[],
        reporter: Reporter,
    ): Promise<JsonObject | undefined> {
        const resource = hasUnknown(inputs) ? undefined : await this.#find(kindIn(inputs));
        if (!resource) {
            return undefined;
        }
        const ask = async () => {
            const live = await this.#live(resource, state);
            const wanted = withIgnored(inputs, live, ignoreChanges, FIELD_MANAGER);
            return outputsOf(
                await this.#apply(resource, wanted, { force: this.#mayForce(inputs), dryRun: true }),
            );
        };
        return previewed("updated", inputs, ask, reporter);
    }

    async create(
        inputs: JsonObject,
        timeout: number,
        reporter: Reporter,
    ): Promise<{ id: string; outputs: JsonObject }> {
        const { resource, made } = await this.#make(inputs, timeout, reporter);
        const ready = await this.#ready(resource, inputs, made, timeout, reporter);
        return { id: idOf(ready), outputs: ready };
    }

    async #make(
        inputs: JsonObject,
        timeout: number,
        reporter: Reporter,
    ): Promise<{ resource: Resource; made: JsonObject }> {
        for (let attempt = 0; ; attempt++) {
            try {
                const resource = await this.#connected().discovery.find(kindIn(inputs));
                return { resource, made: await this.#makeOnce(resource, inputs, timeout, reporter) };
            } catch (error) {
                const pauseMs = CREATE_PAUSES_MS[attempt];
                const mayCome = isStatus(error, 404) || error instanceof UnknownKindError;
                if (!mayCome || pauseMs === undefined || this.#cancelled.signal.aborted) {
                    throw explain("created", inputs, error);
                }
                reporter.status(`trying again: ${error.message}`);
                await pause(pauseMs, undefined, { signal: this.#cancelled.signal }).catch(() => {
                    throw explain("created", inputs, new Error(`cancelled: ${error.message}`));
                });
            }
        }
    }

    /** An object of that name that is on its way out is waited for: what is applied to it would go with it. */
    async #makeOnce(
        resource: Resource,
        inputs: JsonObject,
        timeout: number,
        reporter: Reporter,
    ): Promise<JsonObject> {
        const existing = await getOrUndefined(this.#client(), this.#pathOf(resource, inputs));
        if (existing && at(existing, "metadata", "deletionTimestamp") !== undefined) {
            await untilGone(this.#wait(inputs, timeout, reporter), resource, existing);
        } else if (existing && !this.#options.upsertExistingObjects) {
            throw new Error(alreadyExists(resource, existing));
        }
        return this.#apply(resource, inputs, { force: this.#mayForce(inputs), dryRun: false });
    }

    async update(
        inputs: JsonObject,
        state: JsonObject,
        ignoreChanges: string[],
        timeout: number,
        reporter: Reporter,
    ): Promise<JsonObject> {
        const resource = await this.#connected().discovery.find(kindIn(inputs));
        const live = await this.#live(resource, state);
        const wanted = withIgnored(inputs, live, ignoreChanges, FIELD_MANAGER);
        const force = this.#mayForce(inputs);
        const changed = await this.#apply(resource, wanted, { force, dryRun: false }).catch(
            (error: unknown) => {
                throw explain("updated", inputs, error);
            },
        );
        return this.#ready(resource, inputs, changed, timeout, reporter);
    }

    /** The object that an update is about. One that is gone is no longer what the state says: a refresh finds out. */
    async #live(resource: Resource, state: JsonObject): Promise<JsonObject> {
        const live = await getOrUndefined(this.#client(), this.#pathOf(resource, state));
        if (!live) {
            throw new Error(
                `${resource.kind} ${idOf(state)} is not in the cluster any more (not found): ` +
                    "somebody deleted it; run `pulumi refresh`, then `pulumi up` makes it anew",
            );
        }
        return live;
    }

    async #ready(
        resource: Resource,
        inputs: JsonObject,
        made: JsonObject,
        timeout: number,
        reporter: Reporter,
    ): Promise<JsonObject> {
        if (skipsAwait(inputs)) {
            return outputsOf(made);
        }
        try {
            return outputsOf(await untilReady(this.#wait(inputs, timeout, reporter), resource, made));
        } catch (error) {
            const live = await getOrUndefined(this.#client(), this.#pathOf(resource, made)).catch(() => made);
            const reason = error instanceof Error ? error.message : String(error);
            throw new InitFailedError(
                `${resource.kind} ${idOf(made)} is not ready: ${reason}`,
                idOf(made),
                outputsOf(live ?? made),
            );
        }
    }

    #wait(inputs: JsonObject, timeout: number, reporter: Reporter): Wait {
        const annotated = Number(textAt(inputs, "metadata", "annotations", "pulumi.com/timeoutSeconds"));
        const given = timeout > 0 ? timeout : annotated;
        const usual = SHORTER_TIMEOUTS[shown(inputs.kind)] ?? DEFAULT_TIMEOUT_SECONDS;
        return {
            client: this.#client(),
            cancelled: this.#cancelled.signal,
            timeoutSeconds: given > 0 ? given : usual,
            status: reporter.status,
        };
    }

    /**
     * The object as it is now; undefined when it is gone. The inputs come back as the cluster has them, so that drift
     * shows; without inputs (an import) they are all that somebody may have set.
     */
    async read(
        type: string,
        id: string,
        inputs: JsonObject,
        state: JsonObject,
    ): Promise<{ inputs: JsonObject; outputs: JsonObject } | undefined> {
        const kind = kindOf(type);
        const resource = await this.#unlessUnreachable(() => this.#find(kind));
        if (!resource) {
            return undefined;
        }
        const { namespace = this.#namespace(), name } = parseId(id);
        const found = await this.#unlessUnreachable(() =>
            getOrUndefined(this.#client(), objectPath(resource, namespace, name)),
        );
        if (!found) {
            return undefined;
        }
        const live: JsonObject = { ...found, ...kind };
        const outputs = outputsOf(live);
        if (Object.keys(inputs).length === 0) {
            return { inputs: importedInputs(live), outputs };
        }
        const current = project(inputs, state, outputs);
        const refreshed = isObject(current) ? { ...current, ...kind } : inputs;
        const rule = skipsAwait(inputs) ? undefined : await ruleFor(this.#client(), live);
        const verdict = rule?.(live);
        if (verdict && !verdict.ready) {
            const reason = "waiting" in verdict ? verdict.waiting : verdict.failed;
            throw new InitFailedError(`${kind.kind} ${id} is not ready: ${reason}`, id, outputs, refreshed);
        }
        return { inputs: refreshed, outputs };
    }

    async delete(
        type: string,
        id: string,
        inputs: JsonObject,
        timeout: number,
        reporter: Reporter,
    ): Promise<void> {
        const kind = kindOf(type);
        const resource = await this.#unlessUnreachable(() => this.#find(kind));
        if (!resource) {
            return; // its definition is gone, and so are all objects of it
        }
        const { namespace = this.#namespace(), name } = parseId(id);
        const metadata = resource.namespaced ? { name, namespace } : { name };
        try {
            const uid = await this.#requestDeletion(objectPath(resource, namespace, name), inputs);
            const unawaited = skipsAwait(inputs) && WITHOUT_DELETE_WAIT.includes(kind.kind);
            if (uid !== undefined && !unawaited) {
                const wait = this.#wait({ ...inputs, kind: "" }, timeout, reporter);
                await untilGone(wait, resource, { metadata: { ...metadata, uid } });
            }
        } catch (error) {
            throw explain("deleted", { ...kind, metadata }, error);
        }
    }

    /** Says which object is going (its uid), or nothing where it was gone already. */
    async #requestDeletion(path: string, inputs: JsonObject): Promise<string | undefined> {
        const policy =
            textAt(inputs, "metadata", "annotations", "pulumi.com/deletionPropagationPolicy") ?? "";
        const policies = { orphan: "Orphan", background: "Background" } as Record<string, string | undefined>;
        const propagationPolicy = policies[policy.toLowerCase()] ?? "Foreground";
        const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy };
        try {
            const going = await this.#client().request(path, { method: "DELETE", body });
            return textAt(going, "metadata", "uid") ?? textAt(going, "details", "uid");
        } catch (error) {
            if (isStatus(error, 404)) {
                return undefined;
            }
            throw error;
        }
    }

    async #apply(
        resource: Resource,
        inputs: JsonObject,
        how: { force: boolean; dryRun: boolean },
    ): Promise<JsonObject> {
        const unscoped = without(objectAt(inputs, "metadata"), "namespace");
        const made = await this.#client().request(this.#pathOf(resource, inputs), {
            method: "PATCH",
            contentType: "application/apply-patch+yaml",
            query: {
                fieldManager: FIELD_MANAGER,
                fieldValidation: "Strict",
                force: how.force ? "true" : undefined,
                dryRun: how.dryRun ? "All" : undefined,
            },
            body: resource.namespaced ? inputs : { ...inputs, metadata: unscoped },
        });
        return isObject(made) ? made : {};
    }

    #mayForce(inputs: JsonObject): boolean {
        const annotated = textAt(inputs, "metadata", "annotations", "pulumi.com/patchForce") === "true";
        return annotated || this.#options.enablePatchForce;
    }

    #pathOf(resource: Resource, object: JsonObject): string {
        const namespace = textAt(object, "metadata", "namespace") ?? this.#namespace();
        return objectPath(resource, namespace, textAt(object, "metadata", "name") ?? "");
    }

    /** A kind's resource, or undefined where the cluster does not know it (yet, or any more). */
    async #find(kind: Kind): Promise<Resource | undefined> {
        try {
            return await this.#connected().discovery.find(kind);
        } catch (error) {
            if (error instanceof UnknownKindError) {
                return undefined;
            }
            throw error;
        }
    }

    /** With `deleteUnreachable`, what is on a cluster that does not answer counts as gone. */
    async #unlessUnreachable<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
        try {
            return await ask();
        } catch (error) {
            if (error instanceof UnreachableError && this.#options.deleteUnreachable) {
                return undefined;
            }
            throw error;
        }
    }

    #namespace(): string {
        return this.#options.namespace ?? this.#client().namespace;
    }

    #client(): KubeClient {
        return this.#connected().client;
    }

    #connected(): { client: KubeClient; discovery: Discovery } {
        if (!this.#connection) {
            const client = new KubeClient(connect(this.#options));
            this.#connection = { client, discovery: new Discovery(client) };
        }
        return this.#connection;
    }
}

/**
 * Asks for a dry run. One that is forbidden shows as a warning: whoever previews may be allowed to read only, so it must
 * not end the preview. A namespace that is not there yet is about to be made, and an object whose change cannot be
 * applied as a creation is about to be replaced.
 */
async function previewed(
    done: string,
    inputs: JsonObject,
    ask: () => Promise<JsonObject | undefined>,
    reporter: Reporter,
): Promise<JsonObject | undefined> {
    try {
        return await ask();
    } catch (error) {
        if (isStatus(error, 403)) {
            reporter.warn(`the API server would refuse this: ${error.message}`);
            return undefined;
        }
        const immutable = isStatus(error, 422) && error.message.includes("field is immutable");
        if (isStatus(error, 404) || (immutable && done === "created")) {
            return undefined;
        }
        throw explain(done, inputs, error);
    }
}

/** Kinds whose `pulumi.com/skipAwait` counts for the deletion too (the official provider's list). */
const WITHOUT_DELETE_WAIT = [
    "Namespace",
    "Pod",
    "ReplicationController",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "Job",
];

const kindIn = (inputs: JsonObject): Kind => ({
    apiVersion: shown(inputs.apiVersion),
    kind: shown(inputs.kind),
});

const skipsAwait = (inputs: JsonObject): boolean =>
    textAt(inputs, "metadata", "annotations", "pulumi.com/skipAwait") === "true";

/** The live object without the record of who set which field, which is long and in nobody's interest. */
function outputsOf(live: JsonObject): JsonObject & { metadata: JsonObject } {
    return { ...live, metadata: without(objectAt(live, "metadata"), "managedFields") };
}

/** What only the real creation decides is unknown in a preview. */
function withServerFieldsUnknown(made: JsonObject, inputs: JsonObject): JsonObject {
    if (!isObject(made.metadata)) {
        return { ...made, status: UNKNOWN };
    }
    const outputs = { ...outputsOf(made), status: UNKNOWN };
    const unknown = (keys: string[]) => Object.fromEntries(keys.map((key) => [key, UNKNOWN]));
    const spec = at(made, "spec");
    const decided =
        isObject(spec) && made.kind === "Service" && textAt(inputs, "spec", "clusterIP") === undefined;
    return {
        ...outputs,
        ...(isObject(made.metadata) && {
            metadata: { ...outputs.metadata, ...unknown(DECIDED_AT_CREATION) },
        }),
        ...(decided && { spec: { ...spec, ...unknown(["clusterIP", "clusterIPs"]) } }),
    };
}

/** All of a live object that an input may be. */
function importedInputs(live: JsonObject): JsonObject {
    const metadata = without(objectAt(live, "metadata"), ...SERVER_METADATA);
    return { ...without(live, "status"), metadata };
}

function alreadyExists(resource: Resource, existing: JsonObject): string {
    const what = `${resource.kind} ${idOf(existing)}`;
    return (
        `${what} already exists (AlreadyExists), and this stack did not make it. To manage it here, import it ` +
        `(\`pulumi import --generate-code=false\`, id ${idOf(existing)}); if the resource was only renamed in the program, give it an alias; ` +
        "with the provider option upsertExistingObjects an object that is there already is taken over"
    );
}
