/**
 * Before the first scenario, once: a cluster of context minikube, one that answers or the sandbox, started for it, and a
 * Pulumi state of the tests' own. Both reach every worker by the environment, so that scenarios can run side by side.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCluster } from "../../../cli/clusters/find.ts";
import { Output } from "../../../cli/output.ts";
import { waitForIngressController } from "../../../kubernetes/ingress.ts";
import { Client } from "../../../kubernetes/client.ts";
import { logIn } from "../../../pulumi/login.ts";
import type { Environment } from "../../../system/process.ts";
import { deleteLeftVolumes, waitForDeletedNamespaces } from "./cluster.ts";

let state: string | undefined;

/** Finds the cluster of context minikube, or starts it, and returns the environment that reaches it. */
export async function provideCluster(): Promise<Environment> {
    // The scenarios rely on what the stand-in images do, down to the words that make the api exit.
    process.env.SYNERGYCHAT_SANDBOX_REGISTRIES_ONLY ??= "1";
    process.env.SYNERGYCHAT_SANDBOX_NETWORK_POLICIES ??= "1";
    process.env.SYNERGYCHAT_SANDBOX_BACKUP_TARGET ??= "1";
    const output = new Output(false);
    const query = { context: "minikube", stack: "dev", env: process.env, mayStart: true, yes: true, output };
    const cluster = await findCluster(query);
    const client = await Client.connect({ context: query.context, env: cluster.env });
    cluster.enableIngress?.("");
    await waitForIngressController(client, "synergychat-e2e", output.info);
    return cluster.env;
}

export async function mochaGlobalSetup(): Promise<void> {
    const clusterEnv = await provideCluster();
    state = mkdtempSync(join(tmpdir(), "synergychat-e2e-"));
    const { env } = await logIn(
        {
            ...clusterEnv,
            PULUMI_BACKEND_URL: `file://${state}`,
            PULUMI_CONFIG_PASSPHRASE: "e2e",
            PULUMI_SKIP_UPDATE_CHECK: "true",
            // Two cores run all scenarios. The hundreds of short runs of pulumi and kubectl need not collect garbage.
            GOGC: "off",
            GOMEMLIMIT: "400MiB",
        },
        new Output(false).info,
    );
    Object.assign(process.env, env);
}

/** The scenarios do not wait until their namespaces are gone: this does. One that never goes is a failure. */
export async function mochaGlobalTeardown(): Promise<void> {
    if (state !== undefined) {
        rmSync(state, { recursive: true, force: true });
    }
    await waitForDeletedNamespaces();
    await deleteLeftVolumes();
}
