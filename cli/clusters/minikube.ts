/** A minikube profile. Every call names the profile behind the context, since another one may be active. */
import { waitUntilIngressesAreAccepted } from "../../kubernetes/ingress.ts";
import { hostsFile, thisMachine } from "../../system/machine.ts";
import { type Environment, capture, isOnPath, outputOf, runVisibly } from "../../system/process.ts";
import { type Cluster, type ClusterQuery, NoCluster } from "./cluster.ts";

interface Profile {
    readonly Name: string;
    readonly Config?: { readonly Driver?: string };
}

/** The profile behind a context: minikube names both alike. Undefined if there is no minikube, or no such profile. */
export function profileOf(context: string, env: Environment): string | undefined {
    if (!isOnPath("minikube", env)) {
        return undefined;
    }
    // The profile minikube need not exist yet: `minikube start` creates it.
    const isProfile = context === "minikube" || profiles(env).some(({ Name }) => Name === context);
    return isProfile ? context : undefined;
}

/**
 * The cluster of a profile, started if it does not run.
 *
 * @throws UserError if it does not run and may not be started.
 */
export function minikube(query: ClusterQuery, profile: string, isRunning: boolean): Cluster {
    const { env, output, mayStart } = query;
    if (!isRunning && !mayStart) {
        throw new NoCluster(
            `minikube profile ${profile} does not run.\n  Start it:  minikube start --profile ${profile}`,
        );
    }
    if (!isRunning) {
        output.info(`Starting minikube: minikube start --profile ${profile}`);
        runMinikube(query, profile, ["start"]);
    }
    return {
        kind: "minikube",
        env,
        prepare: async ({ client, instance, ingressClass }) => {
            if (ingressClass === undefined) {
                return;
            }
            // The addon's class is nginx, and minikube's default.
            if (["", "nginx"].includes(ingressClass)) {
                enableIngress(query, profile);
            }
            await waitUntilIngressesAreAccepted(client, instance, output.info);
        },
        folderExists: (folder) => folderExists(folder, profile, env),
        reachAdvice: () => reachAdvice(profile, env),
        notes: [],
    };
}

function enableIngress(query: ClusterQuery, profile: string): void {
    const list = ["addons", "list", "--profile", profile, "--output=json"];
    const addons = JSON.parse(outputOf("minikube", list, query.env) ?? "{}") as Partial<
        Record<string, { readonly Status: string }>
    >;
    if (addons.ingress?.Status !== "enabled") {
        query.output.info(
            `Enabling minikube's ingress controller: minikube addons enable ingress --profile ${profile}`,
        );
        runMinikube(query, profile, ["addons", "enable", "ingress"]);
    }
}

/** The exit status of `test` is 1 if there is no such folder. ssh reports its own failure as another one. */
function folderExists(folder: string, profile: string, env: Environment): boolean | undefined {
    const look = `if test -e '${folder}'; then echo present; else echo absent; fi`;
    const { stdout } = capture("minikube", ["ssh", "--profile", profile, "--", look], env);
    return stdout.includes("present") ? true : stdout.includes("absent") ? false : undefined;
}

function reachAdvice(profile: string, env: Environment): readonly string[] {
    const machine = thisMachine();
    const driver = profiles(env).find(({ Name }) => Name === profile)?.Config?.Driver;
    const name = profile === "minikube" ? "" : ` --profile ${profile}`;
    if (machine === "linux" && driver !== undefined && driver !== "docker" && driver !== "podman") {
        return [`minikube's own address should answer: minikube ip${name}`];
    }
    return [
        `1. In a terminal of its own, run: minikube tunnel${name}`,
        "   It asks for your password, and must stay open while you use the page.",
        `2. Point both names at 127.0.0.1 in ${hostsFile(machine)}.`,
    ];
}

function profiles(env: Environment): readonly Profile[] {
    const json = outputOf("minikube", ["profile", "list", "--light", "--output=json"], env);
    const { valid = [], invalid = [] } = JSON.parse(json ?? "{}") as {
        valid?: readonly Profile[];
        invalid?: readonly Profile[];
    };
    return [...valid, ...invalid];
}

function runMinikube({ env, output }: ClusterQuery, profile: string, args: readonly string[]): void {
    runVisibly("minikube", [...args, "--profile", profile], env, output.descriptor);
}
