/** A minikube profile. Every call names the profile behind the context, since another one may be active. */
import type { ExposureKind } from "../../model/kinds.ts";
import { UserError } from "../../system/errors.ts";
import { type Machine, hostsFile, isLinuxRoot, thisMachine } from "../../system/machine.ts";
import { type Environment, capture, isOnPath, outputOf, runVisibly } from "../../system/process.ts";
import { loopback } from "../addresses.ts";
import { type Cluster, type ClusterQuery, NoCluster } from "./cluster.ts";

interface Profile {
    readonly Name: string;
    readonly Config?: { readonly Driver?: string };
}

/** The profile behind a context: minikube names both alike. Undefined if there is no minikube, or no such profile. */
export function profileOf(context: string, env: Environment): string | undefined {
    // The profile minikube need not exist yet: `minikube start` creates it.
    const isProfile = () => context === "minikube" || profiles(env).some(({ Name }) => Name === context);
    return isOnPath("minikube", env) && isProfile() ? context : undefined;
}

/**
 * The cluster of a profile, started if it does not run.
 *
 * @param silence what kubectl says if the cluster does not answer.
 * @throws NoCluster if it may not be started.
 */
export function minikube(query: ClusterQuery, profile: string, silence: string | undefined): Cluster {
    const { env, mayStart } = query;
    if (silence !== undefined && !mayStart) {
        throw new NoCluster(notRunning(query, profile, silence));
    }
    if (silence !== undefined) {
        const start = ["start", "--profile", profile];
        run(query, "Starting minikube", start, ...(isLinuxRoot() ? asRoot(start) : []));
    }
    // In a cluster of several nodes, the addon's controller runs on the first one.
    let address: string | undefined;
    const node = () => (address ??= outputOf("minikube", ["ip", "--profile", profile], env));
    // The exit status of ssh does not tell its own failure from that of the command.
    const inNode = (command: string) =>
        capture("minikube", ["ssh", "--profile", profile, "--", command], env).stdout;
    return {
        kind: "minikube",
        env,
        enableIngress: (ingressClass) => enableController(query, profile, ingressClass),
        folders: {
            exists: (folder) => {
                const printed = inNode(`if test -e '${folder}'; then echo present; else echo absent; fi`);
                return printed.includes("present") || (printed.includes("absent") ? false : undefined);
            },
            remove: (folder) => inNode(`sudo rm -rf '${folder}'`),
        },
        nodeAddress: node,
        reachAdvice: ({ webUrl, apiUrl }, exposure, published) => {
            const hosts = [webUrl, apiUrl].map((url) => new URL(url).hostname).join(" ");
            const driver = profiles(env).find(({ Name }) => Name === profile)?.Config?.Driver;
            const address = exposure === "gateway" ? published : node();
            return reachAdvice({ machine: thisMachine(), driver, profile, address }, hosts, exposure);
        },
    };
}

function asRoot(start: readonly string[]): readonly string[] {
    return [
        "You are root, as whom minikube does not start containers by itself. Use an ordinary user, or start it by force:",
        `  minikube ${start.join(" ")} --force`,
    ];
}

/** Runs a command that changes the profile. @throws UserError with the ways on if it fails. */
function run({ env, output }: ClusterQuery, what: string, args: readonly string[], ...ways: string[]): void {
    output.info(`${what}: minikube ${args.join(" ")}`);
    try {
        runVisibly("minikube", args, env, output.descriptor);
    } catch (error) {
        throw new UserError([(error as Error).message, ...ways].join("\n"));
    }
}

/** Why a profile does not answer: it was deleted, stopped or paused, or something is wrong with it. */
function notRunning({ env, stack }: ClusterQuery, profile: string, silence: string): string {
    if (!profiles(env).some(({ Name }) => Name === profile)) {
        return `There is no minikube profile ${profile}: it was deleted, or never made.\n  Make it, with a new stack:  npm run up -- ${stack}`;
    }
    const { stdout } = capture("minikube", ["status", "--profile", profile, "--output=json"], env);
    if (/"APIServer":\s*"Paused"/.test(stdout)) {
        return `minikube profile ${profile} is paused.\n  Resume it:  minikube unpause --profile ${profile}`;
    }
    return /"Host":\s*"Running"/.test(stdout)
        ? `minikube profile ${profile} runs, but its cluster does not answer. kubectl says:\n${silence}\n  Repair it:  minikube start --profile ${profile}`
        : `minikube profile ${profile} is stopped.\n  Start it:  minikube start --profile ${profile}`;
}

/** The addons with an ingress controller, each with its class. All bind the node's ports 80 and 443. */
const controllers = [
    { addon: "ingress", provides: "nginx" },
    { addon: "traefik", provides: "traefik" },
];

/** Enables the addon of a class, or of the default class (empty), if minikube has one and none is enabled. */
function enableController(query: ClusterQuery, profile: string, ingressClass: string): void {
    const list = ["addons", "list", "--profile", profile, "--output=json"];
    const json = outputOf("minikube", list, query.env) ?? "{}";
    const addons = JSON.parse(json) as Partial<Record<string, { readonly Status: string }>>;
    const wanted = controllers.filter(({ provides }) => ["", provides].includes(ingressClass));
    const found = wanted.find(({ addon }) => addon in addons);
    const enabled = controllers.filter(({ addon }) => addons[addon]?.Status === "enabled");
    if (!found || enabled.some((one) => wanted.includes(one))) {
        return;
    }
    const [other] = enabled;
    if (other) {
        throw new UserError(
            `ingressClass is "${ingressClass}", but minikube's addon ${other.addon} is enabled. It binds the ports of the addon ${found.addon}. Nothing was changed.\n` +
                `  Use the enabled controller:  pulumi config set ingressClass ${other.provides}\n` +
                `  Disable it:                  minikube addons disable ${other.addon} --profile ${profile}`,
        );
    }
    const enable = ["addons", "enable", found.addon, "--profile", profile];
    run(
        query,
        "Enabling minikube's ingress controller",
        enable,
        "Without it, nothing serves an Ingress. Nothing was deployed.",
        `  Try again:            minikube ${enable.join(" ")}`,
        "  Use no Ingress:       pulumi config set exposure none",
        "  Use the Gateway API:  pulumi config set exposure gateway",
    );
}

interface Node {
    readonly machine: Machine;
    /** Undefined: minikube does not tell. Its default is docker. */
    readonly driver: string | undefined;
    readonly profile: string;
    readonly address: string | undefined;
}

/**
 * How a browser reaches the app. An ingress controller listens on the node, which only on macOS and in WSL is out of reach if it
 * runs in a container. A Gateway has a load balancer, which gets an address from a tunnel. There, the tunnel opens the ports of
 * this machine; elsewhere, it adds a route. Exported for its unit tests.
 */
export function reachAdvice(
    { machine, driver = "docker", profile, address = "ADDRESS" }: Node,
    hosts: string,
    exposure: ExposureKind,
): readonly string[] {
    const isOutOfReach = machine !== "linux" && ["docker", "podman"].includes(driver);
    const reachable = isOutOfReach ? loopback : address;
    const name = profile === "minikube" ? "" : ` --profile ${profile}`;
    const first =
        isOutOfReach || exposure === "gateway"
            ? [
                  `1. In a terminal of its own, run: minikube tunnel${name}`,
                  "   It asks for your password, and must stay open while you use the page.",
              ]
            : [
                  `1. See why minikube's node does not answer at ${address}:`,
                  `   kubectl --context ${profile} get pods --all-namespaces --selector 'app.kubernetes.io/name in (ingress-nginx, traefik)'`,
              ];
    const where = reachable === "ADDRESS" ? "the address that kubectl get gateways prints then," : reachable;
    return [
        ...first,
        `2. Point both names at ${where} in ${hostsFile(machine)}.`,
        `   ${reachable} ${hosts}`,
    ];
}

function profiles(env: Environment): readonly Profile[] {
    const json = outputOf("minikube", ["profile", "list", "--light", "--output=json"], env) ?? "{}";
    type Lists = Partial<Record<"valid" | "invalid", readonly Profile[]>>;
    const { valid = [], invalid = [] } = JSON.parse(json) as Lists;
    return [...valid, ...invalid];
}
