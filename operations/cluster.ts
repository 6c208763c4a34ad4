/**
 * The cluster that a stack goes to: the context that its config names, where that answers; else a minikube or the
 * sandbox, started for it.
 */
import { contexts, unknownContext } from "../cluster/kubectl";
import { untilIngressesAreAccepted } from "./ingress";
import { type Environment, UserError, agrees, isAttended, onPath, output, run } from "./process";

/** A cluster that answers, with the environment to reach it. */
export interface Cluster {
    readonly env: Environment;
    readonly kind: "own" | "minikube" | "sandbox";
}

/**
 * Finds the cluster of a context, and starts one where the context is `minikube` and nothing answers.
 *
 * @param env where kubectl finds its kubeconfig.
 * @param yes whether to ask nothing.
 * @throws UserError that says what to start or to install.
 */
export async function findCluster(
    context: string,
    env: Environment = process.env,
    yes = false,
): Promise<Cluster> {
    const runs = answers(context, env);
    if (runs && (context !== "minikube" || !onPath("minikube", env))) {
        return { env, kind: "own" };
    }
    if (context !== "minikube") {
        const known = await contexts({ env });
        throw new UserError(
            known.includes(context)
                ? `The cluster of context ${context} does not answer. Is it running? Try: kubectl --context ${context} get nodes`
                : unknownContext(context, known),
        );
    }
    if (onPath("minikube", env)) {
        return startMinikube(context, env, runs);
    }
    if (process.platform === "linux" && process.getuid?.() === 0) {
        return startSandbox(env, yes);
    }
    throw new UserError(
        "There is no cluster: the context minikube does not answer, and the program minikube is not on the PATH.\n" +
            "Install it (https://minikube.sigs.k8s.io/docs/start), then run this again. On Linux as root, where neither\n" +
            "minikube nor a container engine can be had, this command brings a cluster of its own.",
    );
}

/** Runs a Kubernetes API request by kubectl, with its own short limit. */
function answers(context: string, env: Environment): boolean {
    return (
        output("kubectl", ["--context", context, "--request-timeout=10s", "get", "--raw=/version"], env) !==
        undefined
    );
}

/** @param profile of minikube: it has the name of its context. Another one may be selected, so every call names it. */
function startMinikube(profile: string, env: Environment, runs: boolean): Cluster {
    if (!runs) {
        console.log(`Starting minikube: minikube -p ${profile} start`);
        run("minikube", ["-p", profile, "start"], env);
    }
    return { env, kind: "minikube" };
}

/** Makes the cluster ready for an Ingress of class nginx: on minikube, its controller is an addon. */
export async function provideNginx({ kind, env }: Cluster, context: string): Promise<void> {
    if (kind === "minikube") {
        enableIngress(context, env);
    }
    await untilIngressesAreAccepted(context, env);
}

function enableIngress(profile: string, env: Environment): void {
    const list = output("minikube", ["-p", profile, "addons", "list", "--output=json"], env) ?? "{}";
    if ((JSON.parse(list) as Addons).ingress?.Status !== "enabled") {
        console.log(`Enabling minikube's ingress controller: minikube -p ${profile} addons enable ingress`);
        run("minikube", ["-p", profile, "addons", "enable", "ingress"], env);
    }
}

type Addons = Partial<Record<string, { readonly Status: string }>>;

async function startSandbox(env: Environment, yes: boolean): Promise<Cluster> {
    const isNew = output("npm", ["run", "--silent", "sandbox", "--", "env"], env) === undefined;
    if (isNew && !yes && isAttended()) {
        await askForSandbox();
    }
    run("npm", ["run", "--silent", "sandbox", "--", "up"], env);
    return { env: { ...env, ...sandboxEnvironment(env) }, kind: "sandbox" };
}

/** The environment in which the sandbox's cluster and its Pulumi are found. */
export function sandboxEnvironment(env: Environment): Environment {
    const json = output("npm", ["run", "--silent", "sandbox", "--", "env", "--json"], env);
    if (json === undefined) {
        throw new UserError("The sandbox does not tell its environment: run npm run sandbox -- status");
    }
    return JSON.parse(json) as Environment;
}

async function askForSandbox(): Promise<void> {
    const wanted = await agrees(
        "There is no minikube here. The sandbox, a one-node Kubernetes built from package registries, can stand in for it:\n" +
            "it installs Debian packages, takes about 20 minutes once, and 8 GB in your cache folders.\n" +
            "Build and start it?",
    );
    if (!wanted) {
        throw new UserError(
            "Nothing was started. Install minikube (https://minikube.sigs.k8s.io/docs/start), then run this again.",
        );
    }
}
