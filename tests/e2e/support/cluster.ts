/** The real cluster that the scenarios run on, and what kubectl sees of it. */
import { setTimeout as sleep } from "node:timers/promises";
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
    const json = await kubectl(
        "get",
        kind,
        name,
        "--namespace",
        namespace,
        "--ignore-not-found",
        "--output=json",
    );
    return json === "" ? undefined : JSON.parse(json);
}

/** All objects of a kind in a namespace. */
export async function list(namespace: string, kind: string, ...args: readonly string[]): Promise<any[]> {
    const json = await kubectl("get", kind, "--namespace", namespace, "--output=json", ...args);
    return JSON.parse(json).items;
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
    for (const { metadata } of await list("default", "namespace")) {
        if (metadata.deletionTimestamp !== undefined && metadata.name.startsWith("e2e-")) {
            await kubectl("wait", "--for=delete", `namespace/${metadata.name as string}`, "--timeout=100s");
        }
    }
}

/** Deletes the volumes of scenarios whose namespaces are gone: minikube's provisioner ignores volumes that it made before its last start. */
export async function deleteLeftVolumes(
    isLeft = (namespace: string) => namespace.startsWith("e2e-"),
): Promise<void> {
    const namespaces = (await list("default", "namespace")).map(({ metadata }) => metadata.name as string);
    for (const { metadata, spec } of await list("default", "persistentvolume")) {
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
