/** The real cluster that the scenarios run on, and what kubectl sees of it. */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "../../../kubernetes/client.ts";
import { type KindPath, kindOf, listPath, stackKinds } from "../../../model/kinds.ts";
import { type Ended, execute } from "./execute.ts";

const context = "minikube";

/** What kubectl prints. Fails the test when kubectl fails. */
export async function kubectl(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await tryKubectl(...args);
    if (status !== 0) {
        throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    }
    return stdout;
}

/** As `kubectl`, for a command that may fail. */
export function tryKubectl(...args: readonly string[]): Promise<Ended> {
    return execute("kubectl", ["--context", context, "--request-timeout=60s", ...args], 120_000);
}

/** An object of the cluster, or undefined if there is none. */
export async function get(namespace: string, kind: string, name: string): Promise<any> {
    const known = kinds[kind];
    if (known) {
        return (await connection()).find(`${listPath(known, namespace)}/${name}`);
    }
    const where = ["--namespace", namespace, "--ignore-not-found", "--output=json"];
    const json = await kubectl("get", kind, name, ...where);
    return json === "" ? undefined : JSON.parse(json);
}

/** All objects of a kind in a namespace, with a `--selector` or a `--field-selector` as kubectl takes them. */
export async function list(namespace: string, kind: string, ...selectors: readonly string[]): Promise<any[]> {
    const known = kinds[kind];
    assert.ok(known, `cluster.ts does not know the kind ${kind}`);
    const query = new URLSearchParams();
    for (const selector of selectors) {
        const [, flag, value = ""] = /^--(selector|field-selector)=(.*)$/.exec(selector) ?? [];
        assert.ok(flag, selector);
        query.set(flag === "selector" ? "labelSelector" : "fieldSelector", value);
    }
    return [...(await (await connection()).list(`${listPath(known, namespace)}?${query.toString()}`))];
}

/** The kinds that the scenarios ask for again and again: those of the stack, and what Kubernetes makes of them. */
const kinds: Readonly<Record<string, KindPath>> = {
    ...Object.fromEntries(stackKinds.map((row) => [row.kind.toLowerCase(), row])),
    pvc: kindOf("PersistentVolumeClaim"),
    pv: { apiVersion: "v1", resource: "persistentvolumes", namespaced: false },
    pod: { apiVersion: "v1", resource: "pods", namespaced: true },
    event: { apiVersion: "v1", resource: "events", namespaced: true },
    endpointslice: { apiVersion: "discovery.k8s.io/v1", resource: "endpointslices", namespaced: true },
};

/** One connection to each cluster, which costs a tenth of a kubectl for each question. */
const connections = new Map<string, Promise<Client>>();

function connection(): Promise<Client> {
    const { KUBECONFIG } = process.env;
    // A cluster that was made anew has new keys.
    const key = KUBECONFIG && existsSync(KUBECONFIG) ? readFileSync(KUBECONFIG, "utf8") : "";
    const client = connections.get(key) ?? Client.connect({ context, env: process.env });
    connections.set(key, client);
    return client;
}

/** Every object that the stack could have touched, with its generation or data. */
export async function versions(namespace: string): Promise<string[]> {
    const json = await kubectl("get", "all,configmap,pvc,ingress", "--namespace", namespace, "--output=json");
    return JSON.parse(json)
        .items.filter(({ kind }: { kind: string }) => kind !== "Pod")
        .map(
            ({ kind, metadata }: any) =>
                `${kind} ${metadata.name} ${metadata.uid} ${metadata.generation ?? ""}`,
        )
        .sort();
}

/** Deletes the api's pod, as the chapter does, and waits until its replacement is ready. */
export async function deleteApiPod(namespace: string): Promise<void> {
    await kubectl("delete", "pod", "--namespace", namespace, "--selector=app=synergychat-api", "--wait=true");
    await apiRolledOut(namespace);
}

/** Waits until the api's newest pod is ready. */
export async function apiRolledOut(namespace: string): Promise<void> {
    const deployment = ["deployment/synergychat-api", "--namespace", namespace];
    await kubectl("rollout", "status", ...deployment, "--timeout=90s");
}

/** Waits until each namespace of a scenario that is being deleted is gone. */
export async function waitForDeletedNamespaces(): Promise<void> {
    for (const { metadata } of await list("", "namespace")) {
        if (metadata.deletionTimestamp !== undefined && metadata.name.startsWith("e2e-")) {
            await kubectl("wait", "--for=delete", `namespace/${metadata.name as string}`, "--timeout=100s");
        }
    }
}

/** Deletes the volumes of scenarios whose namespaces are gone: minikube's provisioner ignores volumes that it made before its last start. */
export async function deleteLeftVolumes(
    isLeft = (namespace: string) => namespace.startsWith("e2e-"),
): Promise<void> {
    const namespaces = (await list("", "namespace")).map(({ metadata }) => metadata.name as string);
    for (const { metadata, spec } of await list("", "pv")) {
        const namespace = (spec.claimRef?.namespace ?? "") as string;
        if (isLeft(namespace) && !namespaces.includes(namespace)) {
            await kubectl("delete", "persistentvolume", metadata.name, "--ignore-not-found", "--timeout=60s");
        }
    }
}

/** Waits until a condition holds, and fails if it does not in four minutes. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + 240_000;
    while (!(await holds())) {
        if (performance.now() > end) {
            throw new Error(`Not after four minutes: ${what}`);
        }
        await sleep(500);
    }
}
