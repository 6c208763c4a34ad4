/** The sandbox: a small cluster from package registries, for machines without minikube or a container engine. */
import { existsSync, rmSync } from "node:fs";
import { credentialsFolder, hasBackend } from "../../pulumi/login.ts";
import { UserError } from "../../system/errors.ts";
import { isLinuxRoot } from "../../system/machine.ts";
import { type Environment, outputOf, runVisibly } from "../../system/process.ts";
import { confirm, isInteractive } from "../terminal.ts";
import { type Cluster, type ClusterQuery, NoCluster } from "./cluster.ts";

/** Whether a context can be the sandbox's, which brings a kubectl of its own: no minikube profile is behind it. */
export function isSandboxPossible(context: string, profile: string | undefined): boolean {
    return context === "minikube" && profile === undefined && isLinuxRoot();
}

/** The sandbox's cluster, built and started if needed. @throws UserError if it may not be, or the person says no. */
export async function sandbox(query: ClusterQuery): Promise<Cluster> {
    const { env, output, mayStart, yes } = query;
    const isBuilt = sandboxEnvironment(env) !== undefined;
    if (!isBuilt && !mayStart) {
        throw new NoCluster(
            `There is no cluster: the sandbox is not built.\n  Bring the stack up:  npm run up -- ${query.stack}`,
        );
    }
    const question =
        "There is no minikube here. The sandbox, a small Kubernetes built from package registries, can stand in for it:\n" +
        "it installs Debian packages, takes about 20 minutes once, and 8 GB in your cache folders.\n" +
        "Build and start it?";
    if (!isBuilt && !yes && isInteractive() && !(await confirm(question))) {
        throw new UserError(
            "Nothing was started.\n  Install minikube:  https://minikube.sigs.k8s.io/docs/start",
        );
    }
    // What brings the app up also builds anew what has changed.
    if (mayStart || !isRunning(env)) {
        output.info("minikube is not on the PATH. Using the sandbox in its place, see sandbox/README.md.");
        runVisibly("npm", ["run", "--silent", "sandbox", "--", "up"], env, output.descriptor);
    }
    return {
        kind: "sandbox",
        env: sandboxEnvironment(env) ?? env,
        folders: {
            exists: existsSync,
            remove: (folder) => rmSync(folder, { recursive: true, force: true }),
        },
        reachAdvice: () => [
            "The sandbox's ingress does not answer. See its parts: npm run sandbox -- status",
        ],
        note: "This is the sandbox. Its images are stand-ins that behave like SynergyChat's own.",
    };
}

/**
 * The environment in which the sandbox's cluster and its Pulumi are found. Undefined if it is not built. The sandbox has a
 * place of its own for the state of those who have not chosen one.
 */
export function sandboxEnvironment(env: Environment): Environment | undefined {
    const json = outputOf(process.execPath, ["sandbox/cli.ts", "env", "--json"], env);
    const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE } = env;
    const own = { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE };
    const chosen = hasBackend(env) && { ...own, PULUMI_CREDENTIALS_PATH: credentialsFolder(env) };
    return json === undefined ? undefined : { ...env, ...(JSON.parse(json) as Environment), ...chosen };
}

function isRunning(env: Environment): boolean {
    return outputOf(process.execPath, ["sandbox/cli.ts", "status"], env) !== undefined;
}
