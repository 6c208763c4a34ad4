/** The real cluster that the scenarios run on, and what kubectl sees of it. */
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
