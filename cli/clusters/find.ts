/** Finds the cluster behind a context, and starts one if that is possible. */
import {
    contexts,
    isInPod,
    kubectlEnvironment,
    noKubectl,
    unknownContext,
} from "../../kubernetes/kubectl.ts";
import { UserError } from "../../system/errors.ts";
import { type Environment, capture, isOnPath } from "../../system/process.ts";
import { type Cluster, type ClusterQuery, NoCluster } from "./cluster.ts";
import { minikube, profileOf } from "./minikube.ts";
import { isSandboxPossible, sandbox, sandboxEnvironment } from "./sandbox.ts";

/** Finds the cluster of a context: one that answers, a minikube profile, or the sandbox. Starts it if it may. */
export async function findCluster(query: ClusterQuery): Promise<Cluster> {
    const { context, env } = query;
    const profile = profileOf(context, env);
    const isSandbox = isSandboxPossible(context, profile);
    if (!isOnPath("kubectl", env) && !isSandbox) {
        throw new UserError(noKubectl);
    }
    const silence = silenceOf(context, env);
    if (profile !== undefined) {
        return minikube(query, profile, silence);
    }
    if (silence === undefined) {
        return existingCluster(env);
    }
    if (isSandbox) {
        return sandbox(query);
    }
    throw new NoCluster(noCluster(query, silence));
}

/** A cluster that somebody else runs: this project neither starts nor changes it. */
function existingCluster(env: Environment): Cluster {
    return {
        kind: "existing",
        env,
        reachAdvice: (_app, _exposure, published) => [
            published === undefined
                ? "Its controller has published no address. Some never do: see its documentation."
                : `The published address ${published} does not answer from this machine. A firewall or a VPN may be in the way.`,
        ],
    };
}

/** The environment in which kubectl reaches the cluster of a context, whether or not the cluster runs. */
export function clusterEnvironment({ context, env }: Pick<ClusterQuery, "context" | "env">): Environment {
    const isPossible = isSandboxPossible(context, profileOf(context, env));
    const isSandbox = isPossible && silenceOf(context, env) !== undefined;
    return isSandbox ? (sandboxEnvironment(env) ?? env) : env;
}

function noCluster({ context, env, mayStart }: ClusterQuery, silence: string): string {
    const known = contexts({ env });
    if (known.includes(context)) {
        return (
            `The cluster of context ${context} does not answer. kubectl says:\n${silence}\n` +
            `  See whether it is running:  kubectl --context ${context} get nodes`
        );
    }
    if (context !== "minikube" || !mayStart || isInPod(env)) {
        return unknownContext(context, known, env);
    }
    return (
        "There is no cluster: context minikube does not answer, and minikube is not on the PATH.\n" +
        "  Install minikube:  https://minikube.sigs.k8s.io/docs/start\n" +
        "On Linux as root, this command can build a small cluster of its own."
    );
}

/** What kubectl says if the API server does not answer within ten seconds. Undefined: it answers. */
function silenceOf(context: string, env: Environment): string | undefined {
    const args = ["--context", context, "--request-timeout=10s", "get", "--raw=/version"];
    const { status, stderr } = capture("kubectl", args, kubectlEnvironment(env));
    return status === 0 ? undefined : stderr.trim() || "(nothing)";
}
