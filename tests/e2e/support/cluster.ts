/** The real cluster that the scenarios run on, and what kubectl sees of it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCluster } from "../../../operations/cluster";
import type { Environment } from "../../../operations/process";
import { withPulumi } from "../../../operations/stack";

const context = "minikube";
let found: Promise<Environment> | undefined;

/** The cluster of context minikube: one that answers, or the sandbox, started for it. Pulumi's state is the tests' own. */
export function testEnvironment(): Promise<Environment> {
    found ??= (async () => {
        const { env } = await findCluster(context);
        const state = mkdtempSync(join(tmpdir(), "synergychat-e2e-"));
        process.on("exit", () => {
            rmSync(state, { recursive: true });
        });
        return withPulumi({
            ...env,
            PULUMI_BACKEND_URL: `file://${state}`,
            PULUMI_CONFIG_PASSPHRASE: "e2e",
            PULUMI_CONFIG_PASSPHRASE_FILE: undefined,
            PULUMI_SKIP_UPDATE_CHECK: "true",
        });
    })();
    return found;
}

/** What kubectl prints. Fails the test when kubectl fails. */
export async function kubectl(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await tryKubectl(...args);
    if (status !== 0) {
        throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    }
    return stdout;
}

/** As `kubectl`, for a command that may fail. */
export async function tryKubectl(
    ...args: readonly string[]
): Promise<{ status: number | null; stdout: string; stderr: string }> {
    const env = { ...(await testEnvironment()) };
    const all = ["--context", context, "--request-timeout=60s", ...args];
    return spawnSync("kubectl", all, { env, encoding: "utf8", timeout: 120_000 });
}

/** An object of the cluster, or undefined where there is none. */
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
    await kubectl(
        "rollout",
        "status",
        "deployment/synergychat-api",
        "--namespace",
        namespace,
        "--timeout=90s",
    );
}
