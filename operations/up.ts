/**
 * `npm run up [-- STACK] [--yes]`: from a fresh machine to SynergyChat answering at its two addresses.
 *
 * The cluster, Pulumi and a place for its state are found or made; the rest is a plain `pulumi up`. At a terminal that
 * shows its preview and asks, unless `--yes` is given. Without a terminal it goes ahead: the preflight already refuses
 * whatever would lose messages that nobody said may go.
 */
import { readArguments } from "./arguments";
import { type Cluster, provideNginx } from "./cluster";
import { answers, ingressAddress } from "./ingress";
import { UserError, isAttended, main } from "./process";
import { type Outputs, clusterOf, outputs, pulumi, resourcesOf, selectStack, settingOf } from "./stack";

main(async () => {
    const { words, flags } = readArguments("Usage: npm run up -- [STACK] [--yes]", 1, "yes");
    const yes = flags.has("yes");
    const cluster = await clusterOf(words[0], yes);
    const { stack } = cluster;
    if (usesNginx(stack)) {
        await provideNginx(cluster, cluster.context);
    }
    selectStack(stack, cluster.env);
    const approved = yes || !isAttended() ? ["--yes", "--skip-preview"] : [];
    // A cluster that was made anew holds nothing of what the state says: look before acting.
    pulumi(stack, ["up", ...approved, "--refresh"], cluster.env);
    const app = outputs(resourcesOf(stack, cluster.env), stack);
    const address = await ingressAddress(cluster.context, app.namespaceName, cluster.env);
    report(app, cluster, address, await reachable(app, address));
});

/** Whether the stack's Ingress may be for ingress-nginx. An empty class is the cluster's default, on minikube nginx. */
function usesNginx(stack: string): boolean {
    return (
        settingOf(stack, "exposure") === "ingress" && ["", "nginx"].includes(settingOf(stack, "ingressClass"))
    );
}

async function reachable(app: Outputs, address: string | undefined): Promise<boolean> {
    if (!address) {
        return false;
    }
    const urls = [app.webUrl, `${app.apiUrl}/messages`];
    return (await Promise.all(urls.map((url) => answers(url, address)))).every(Boolean);
}

function report(app: Outputs, cluster: Cluster, address: string | undefined, reached: boolean): void {
    console.log(`\nSynergyChat is up, with ${app.storageMode} storage.`);
    console.log(`  page  ${app.webUrl}\n  api   ${app.apiUrl}/messages`);
    if (address && reached) {
        explainAddress(app, address);
    } else if (cluster.kind === "sandbox" && address) {
        throw new UserError(`The addresses do not answer at ${address}. See: npm run sandbox -- status`);
    } else {
        explainTunnel(cluster, address);
    }
    const inThisShell = cluster.kind === "sandbox" ? ['eval "$(npm run --silent sandbox -- env)"'] : [];
    printList("To look around:", [...inThisShell, ...app.nextCommands]);
    if (cluster.kind === "sandbox") {
        explainSandbox();
    }
}

function explainAddress(app: Outputs, address: string): void {
    const hosts = [app.webUrl, app.apiUrl].map((url) => new URL(url).hostname);
    console.log(
        `Both answer, at ${address}. For your browser, add a line to your hosts file (nobody does it for you):`,
    );
    console.log(`  ${address} ${hosts.join(" ")}`);
    printList("Without it:", [`curl --resolve '*:80:${address}' ${app.webUrl}`]);
}

function explainTunnel(cluster: Cluster, address: string | undefined): void {
    const missing = address
        ? `Its ingress has the address ${address}, which this machine does not reach.`
        : "Its ingress has no address yet, or exposure is none.";
    const way =
        cluster.kind === "minikube"
            ? "Run minikube tunnel in a terminal of its own, and point both names at 127.0.0.1 in your hosts file."
            : "See the README's troubleshooting.";
    console.log(`${missing} ${way}`);
}

function explainSandbox(): void {
    console.log(
        "\nThis is the sandbox: its images are stand-ins, not SynergyChat's own images, and Pulumi's language host and\n" +
            "Kubernetes provider are small ones of its own.",
    );
}

function printList(title: string, lines: readonly string[]): void {
    console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
}
