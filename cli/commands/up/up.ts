/**
 * `npm run up`: from a fresh machine to SynergyChat answering at its two addresses.
 *
 * The cluster, Pulumi and a place for its state are found or made. The rest is a plain `pulumi up`: at a terminal it shows
 * its preview and asks, unless `--yes` is given. Without a terminal it goes ahead: the preflight refuses to delete a claim
 * that holds messages. Ephemeral messages that would be lost are a warning.
 */
import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../../../config/settings.ts";
import { findExposureObject, waitForIngressController } from "../../../kubernetes/ingress.ts";
import { enforcesPolicies } from "../../../kubernetes/network-policies.ts";
import { poll } from "../../../kubernetes/poll.ts";
import { portName, serviceName } from "../../../model/names.ts";
import { rolloutObstacles, rolloutProblems, rolloutSeconds } from "../../../preflight/rollout.ts";
import { type StackOutputs, outputsIn } from "../../../pulumi/state.ts";
import { hostsFile, hostsText, thisMachine } from "../../../system/machine.ts";
import { UserError } from "../../../system/errors.ts";
import { candidates, firstAnswering, loopback, numberOf, otherLines } from "../../addresses.ts";
import { defineCommand, stackWord, yesOption } from "../../command.ts";
import type { Output } from "../../output.ts";
import { setupLine } from "../../shell.ts";
import { type Session, openStack, showInheritableVolumes } from "../../session.ts";
import { isInteractive } from "../../terminal.ts";

const addressSeconds = 180; // for the controller to publish one
const answerSeconds = 20; // for the app to answer there
const pageSeconds = 600; // for a person to open a tunnel

export const command = defineCommand({
    summary: "Brings SynergyChat up, from a fresh machine to the answering page.",
    words: [stackWord],
    options: yesOption,
    run: async ({ words: [named], options: { yes = false }, output }) => {
        const session = await openStack(output, named, { access: "up", yes });
        await up(session, yes || !isInteractive());
    },
});

/** The IP address at which this machine reaches each host. */
type Addresses = Readonly<Record<string, string>>;

/** @param unasked whether Pulumi goes ahead without a question. */
async function up(session: Session, unasked: boolean): Promise<void> {
    const { stack, cluster, client, context, owners, settings, output } = session;
    const { exposure } = settings;
    if (exposure.kind === "ingress") {
        cluster.enableIngress?.(exposure.ingressClass ?? "");
        await waitForIngressController(client, owners[0], output.info);
    }
    await deploy(session, unasked ? ["--yes", "--skip-preview"] : []);
    const app = outputsIn(stack.resources(), stack.name);
    output.info(`\nSynergyChat is up, with ${app.storageMode} storage.`);
    let addresses: Addresses | undefined = {};
    if (exposure.kind === "none") {
        showForwards(settings, output);
    } else {
        output.info(`  page  ${app.webUrl}\n  api   ${app.apiUrl}/messages`);
        addresses = await showAddresses(session, app);
    }
    const enforced = settings.networkPolicies ? await enforcesPolicies(client, app.namespaceName) : undefined;
    if (enforced === false) {
        output.info(
            "\nThis cluster's network does not enforce network policies: every pod can reach the app's pods.",
        );
    }
    output.list("In each new terminal:", [setupLine()]);
    output.list("To look around:", app.nextCommands);
    if (cluster.note !== undefined) {
        output.info(`\n${cluster.note}`);
    }
    await showInheritableVolumes(session, app.namespaceName);
    const { namespaceName: namespace, storageMode, webUrl, apiUrl } = app;
    const found = { addresses: addresses ?? null, policiesEnforced: enforced ?? null };
    output.result({ stack: stack.name, context, namespace, storageMode, webUrl, apiUrl, ...found });
    if (!addresses && !unasked) {
        // The person can do now in another terminal what the advice says.
        output.info(
            `\nWaiting until the page answers, at most ${pageSeconds / 60} min. The app stays up if you press Ctrl+C ...`,
        );
        await showAnswers(session, app, pageSeconds);
    }
}

/** Runs `pulumi up`. If the app does not run then, the pods say why better than a timeout does. */
async function deploy(session: Session, flags: readonly string[]): Promise<void> {
    const { stack, client, settings, state, output } = session;
    const { namespace } = settings;
    try {
        stack.run(["up", ...flags]);
    } catch (error) {
        // Pulumi returns the same status for a no and for a failure.
        if (flags.length === 0 && isDeepStrictEqual(stack.resources(), state)) {
            throw new UserError("Nothing was changed.");
        }
        output.findings(await rolloutObstacles(client, namespace));
        throw error;
    }
    const problems = await rolloutProblems(client, namespace, rolloutSeconds);
    output.refuse(problems, "Pulumi is done, and SynergyChat does not run:\n\n");
}

/** Shows where page and api answer, or what a person has to do first. Undefined: one of them does not answer. */
async function showAddresses(session: Session, app: StackOutputs): Promise<Addresses | undefined> {
    const { cluster, client, settings, output } = session;
    const { namespaceName } = app;
    const { kind } = settings.exposure;
    const published = async () => (await findExposureObject(client, namespaceName, kind))?.addresses;
    if (cluster.kind === "existing") {
        // A load balancer can take minutes to get one. Some controllers publish none, and answer on this machine.
        const isHere = async () => (await firstAnswering(app.webUrl, [loopback], 0)) !== undefined;
        const isReachable = async () => (await published())?.length !== 0 || (await isHere());
        const onWait = () => output.info(`Waiting for the app's address, at most ${addressSeconds} s ...`);
        await poll(isReachable, { seconds: addressSeconds, onWait, inVain: () => false });
    }
    // Without another address, only a tunnel can answer, and it does so at once.
    const seconds = (await candidates(session, namespaceName)).length > 1 ? answerSeconds : 0;
    const addresses = await showAnswers(session, app, seconds);
    if (addresses) {
        return addresses;
    }
    const advice = cluster.reachAdvice(app, kind, (await published())?.[0]);
    if (cluster.kind === "sandbox") {
        throw new UserError(advice.join("\n"));
    }
    output.list("Its addresses do not answer from this machine yet. To open the page:", advice);
    return undefined;
}

/** Shows where page and api answer, if both do before the deadline. */
async function showAnswers(session: Session, app: StackOutputs, seconds: number) {
    const { output } = session;
    const find = () => candidates(session, app.namespaceName);
    const answers = [app.webUrl, `${app.apiUrl}/messages`].map(async (url) => {
        const { hostname: host } = new URL(url);
        const address = await firstAnswering(url, find, seconds);
        return address === undefined ? [] : { host, address, ip: await numberOf(address) };
    });
    const sites = (await Promise.all(answers)).flat();
    const [page, api] = sites;
    if (!page || !api) {
        return undefined;
    }
    const addresses = { [page.host]: page.ip, [api.host]: api.ip };
    const at = [...new Set([page.address, api.address])].join(" and ");
    const both = `${page.ip} ${page.host} ${api.host}`;
    const lines = page.ip === api.ip ? [both] : sites.map(({ ip, host }) => `${ip} ${host}`);
    output.list(`Both answer at ${at}. Add to ${hostsFile(thisMachine())}:`, lines);
    output.list(
        "The load balancer's address can change. If the hosts are in a domain of yours, create DNS records instead:",
        sites.flatMap(({ host, address, ip }) => (address === ip ? [] : `${host} CNAME ${address}`)),
    );
    const others = otherLines(hostsText(thisMachine()), addresses);
    output.list("Remove from that file, where the first line of a name counts:", others);
    const port = app.webUrl.startsWith("https:") ? 443 : 80;
    output.list("Without it:", [`curl --resolve '*:${port}:${page.ip}' ${app.webUrl}`]);
    return addresses;
}

function showForwards({ namespace, apiUrl }: Settings, output: Output): void {
    const { hostname, port } = new URL(apiUrl);
    const apiPort = port || "8081";
    const forward = (part: "web" | "api", local: string) =>
        `kubectl port-forward --namespace ${namespace} service/${serviceName(part)} ${local}:${portName}`;
    const setUrl = `pulumi config set apiUrl http://localhost:${apiPort} && pulumi up`;
    output.list(
        "It is not exposed (exposure none), and the page calls the api at apiUrl. So first run:",
        hostname === "localhost" ? [] : [setUrl],
    );
    output.list("Forward two ports, each in a terminal of its own, then open http://localhost:8080", [
        forward("web", "8080"),
        forward("api", apiPort),
    ]);
}
