/** Waits, by watching, until an object is ready or gone; says meanwhile what for, and ends at once when cancelled. */
import { setTimeout as pause } from "node:timers/promises";
import { ApiError, type KubeClient, isStatus } from "./client.ts";
import { type Resource, listPath, objectPath } from "./discovery.ts";
import { type JsonObject, isObject, listAt, objectAt, shown, textAt } from "./json.ts";
import * as readiness from "./readiness.ts";

export interface Wait {
    client: KubeClient;
    /** Fires when the user cancels. */
    cancelled: AbortSignal;
    timeoutSeconds: number;
    /** Shows the user what is waited for; an empty text clears it. */
    status: (text: string) => void;
}

export type Rule = (object: JsonObject) => readiness.Verdict;

/** The object exists, but is not as it should be. */
export class NotReadyError extends Error {}

/** How often a longer wait looks for the pods' troubles, to show them. */
const TROUBLE_INTERVAL_MS = 2500;
const POLL_INTERVAL_MS = 500;

/** The rule for an object, with what must be looked up for it. */
export async function ruleFor(client: KubeClient, object: JsonObject): Promise<Rule | undefined> {
    const custom = textAt(object, "metadata", "annotations", "pulumi.com/waitFor");
    if (custom !== undefined) {
        return readiness.customRule(custom);
    }
    const kind = `${textAt(object, "apiVersion") ?? ""}/${textAt(object, "kind") ?? ""}`;
    if (kind === "v1/PersistentVolumeClaim" && (await bindsOnFirstUse(client, object))) {
        return readiness.claimOfWaitingClass;
    }
    return readiness.RULES[kind];
}

async function bindsOnFirstUse(client: KubeClient, claim: JsonObject): Promise<boolean> {
    const name = textAt(claim, "spec", "storageClassName") ?? "";
    if (name === "") {
        return false;
    }
    try {
        const found = await client.get(`/apis/storage.k8s.io/v1/storageclasses/${encodeURIComponent(name)}`);
        return textAt(found, "volumeBindingMode") === "WaitForFirstConsumer";
    } catch (error) {
        if (isStatus(error, 403, 404)) {
            return false;
        }
        throw error;
    }
}

/** Waits until the object is ready and returns it as it is then. */
export async function untilReady(wait: Wait, resource: Resource, made: JsonObject): Promise<JsonObject> {
    const rule = await ruleFor(wait.client, made);
    if (!rule) {
        return made;
    }
    return limited(wait, async (signal) => {
        if (resource.kind === "Service" && resource.apiVersion === "v1" && readiness.selectsPods(made)) {
            await untilEndpoints(wait, made, signal);
        }
        return follow(wait, resource, made, rule, signal);
    });
}

async function untilEndpoints(wait: Wait, service: JsonObject, signal: AbortSignal): Promise<void> {
    const namespace = textAt(service, "metadata", "namespace") ?? "default";
    const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const labelSelector = `kubernetes.io/service-name=${textAt(service, "metadata", "name") ?? ""}`;
    for await (const slices of wait.client.observe(path, { labelSelector }, signal)) {
        const verdict = readiness.endpoints(slices);
        if (verdict.ready) {
            return;
        }
        report(wait, verdict);
    }
}

async function follow(
    wait: Wait,
    resource: Resource,
    made: JsonObject,
    rule: Rule,
    signal: AbortSignal,
): Promise<JsonObject> {
    if (rule(made).ready) {
        return made;
    }
    let current = made;
    const troubles = showTroubles(wait, () => current, signal);
    try {
        for await (const found of observeOne(wait.client, resource, made, signal)) {
            if (!found) {
                throw new NotReadyError("somebody deleted it while it was starting");
            }
            current = found;
            const verdict = rule(found);
            if (verdict.ready) {
                return found;
            }
            if ("failed" in verdict) {
                throw new NotReadyError(
                    [verdict.failed, ...(await troublesOf(wait.client, found))].join("\n"),
                );
            }
            troubles.headline(verdict.waiting);
        }
    } catch (error) {
        if (signal.aborted) {
            const verdict = rule(current);
            const state = "waiting" in verdict ? [verdict.waiting] : [];
            throw new NotReadyError([...state, ...(await troublesOf(wait.client, current))].join("\n"));
        }
        throw error;
    } finally {
        troubles.stop();
    }
    throw new NotReadyError("the watch ended");
}

/** Shows the headline at once, and every few seconds what keeps the object's pods from being ready. */
function showTroubles(
    wait: Wait,
    current: () => JsonObject,
    signal: AbortSignal,
): { headline: (text: string) => void; stop: () => void } {
    let headline = "";
    const show = onceEach(wait.status);
    const timer = setInterval(() => {
        void troublesOf(wait.client, current()).then((troubles) => {
            if (troubles.length > 0 && !signal.aborted) {
                show([headline, ...troubles].join("; "));
            }
        });
    }, TROUBLE_INTERVAL_MS);
    return {
        headline: (text) => {
            headline = text;
            show(text);
        },
        stop: () => {
            clearInterval(timer);
        },
    };
}

/** What the pods of a workload suffer from; nothing where that cannot be told. */
async function troublesOf(client: KubeClient, object: JsonObject): Promise<string[]> {
    const labels = Object.entries(objectAt(object, "spec", "selector", "matchLabels"));
    const namespace = textAt(object, "metadata", "namespace");
    if (textAt(object, "kind") === "Pod") {
        return readiness.podTroubles([object]);
    }
    if (labels.length === 0 || namespace === undefined) {
        return [];
    }
    const labelSelector = labels.map(([key, value]) => `${key}=${shown(value)}`).join(",");
    try {
        const query = { labelSelector };
        const pods = await client.request(`/api/v1/namespaces/${namespace}/pods`, { query });
        return readiness.podTroubles(listAt(pods, "items").filter(isObject));
    } catch {
        return [];
    }
}

/** Waits until the object (this one, not a successor of the same name) is gone. */
export async function untilGone(wait: Wait, resource: Resource, object: JsonObject): Promise<void> {
    const uid = textAt(object, "metadata", "uid");
    await limited(wait, async (signal) => {
        let holders = "";
        const status = onceEach(wait.status);
        try {
            for await (const found of observeOne(wait.client, resource, object, signal)) {
                if (!found || (uid !== undefined && textAt(found, "metadata", "uid") !== uid)) {
                    return;
                }
                holders = readiness.deletionHolders({ ...found, kind: resource.kind });
                status(`waiting until it is gone; ${holders}`);
            }
        } catch (error) {
            throw signal.aborted ? new NotReadyError(`it is still there; ${holders}`) : error;
        }
    });
}

/** The one object as it is now and after each change; undefined when it is gone. Polls where watching is forbidden. */
async function* observeOne(
    client: KubeClient,
    resource: Resource,
    object: JsonObject,
    signal: AbortSignal,
): AsyncGenerator<JsonObject | undefined> {
    const name = textAt(object, "metadata", "name") ?? "";
    const namespace = textAt(object, "metadata", "namespace");
    const query = { fieldSelector: `metadata.name=${name}` };
    const complete = (item: JsonObject): JsonObject => ({
        ...item,
        apiVersion: resource.apiVersion,
        kind: resource.kind,
    });
    try {
        for await (const [item] of client.observe(listPath(resource, namespace), query, signal)) {
            yield item && complete(item);
        }
    } catch (error) {
        if (!isStatus(error, 403)) {
            throw error;
        }
    }
    for (;;) {
        yield await getOrUndefined(client, objectPath(resource, namespace, name), signal);
        await pause(POLL_INTERVAL_MS, undefined, { signal });
    }
}

export async function getOrUndefined(
    client: KubeClient,
    path: string,
    signal?: AbortSignal,
): Promise<JsonObject | undefined> {
    try {
        const found = await client.get(path, signal);
        return isObject(found) ? found : undefined;
    } catch (error) {
        if (error instanceof ApiError && error.status === 404) {
            return undefined;
        }
        throw error;
    }
}

function report(wait: Wait, verdict: readiness.Verdict): void {
    if ("waiting" in verdict) {
        wait.status(verdict.waiting);
    }
}

/** Leaves out what was shown last. */
function onceEach(show: (text: string) => void): (text: string) => void {
    let last = "";
    return (text) => {
        if (text !== last) {
            last = text;
            show(text);
        }
    };
}

/** Runs a wait under its time limit; a wait that was ended says whether by the clock or by the user. */
async function limited<T>(wait: Wait, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController();
    const timer = setTimeout(() => {
        ended.abort();
    }, wait.timeoutSeconds * 1000);
    try {
        return await run(AbortSignal.any([ended.signal, wait.cancelled]));
    } catch (error) {
        if (wait.cancelled.aborted || ended.signal.aborted) {
            const why = wait.cancelled.aborted ? "cancelled" : `not done after ${wait.timeoutSeconds} s`;
            throw new NotReadyError(
                `${why}: ${error instanceof NotReadyError ? error.message : "still waiting"}`,
            );
        }
        throw error;
    } finally {
        clearTimeout(timer);
        ended.abort();
        wait.status("");
    }
}
