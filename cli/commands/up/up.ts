/**
 * `npm run up`: from a fresh machine to SynergyChat answering at its two addresses.
 *
 * The cluster, Pulumi and a place for its state are found or made. The rest is a plain `pulumi up`: at a terminal it shows
 * its preview and asks, unless `--yes` is given. Without a terminal it goes ahead: the preflight refuses whatever would
 * lose messages that nobody agreed to lose.
 */
import type { Settings } from "../../../config/settings.ts";
import { waitForAddresses } from "../../../kubernetes/ingress.ts";
import { rolloutObstacles, rolloutProblems } from "../../../kubernetes/rollout.ts";
import { inheritableVolumes } from "../../../kubernetes/volumes.ts";
import { portName, serviceName } from "../../../model/names.ts";
import { inheritedVolume } from "../../../preflight/volumes.ts";
import { type StackOutputs, outputsIn, recordedIn } from "../../../pulumi/state.ts";
import { hostsFile, thisMachine } from "../../../system/machine.ts";
import { UserError } from "../../../system/errors.ts";
import { firstAnswering, loopback } from "../../addresses.ts";
import { defineCommand, stackWord, yesFlag } from "../../command.ts";
import { setupLine } from "../../shell.ts";
import { type Session, openStack } from "../../session.ts";
import { isInteractive } from "../../terminal.ts";

const rolloutSeconds = 300; // for the pods to be ready, image pulls included
const addressSeconds = 60; // for the controller to publish one
const answerSeconds = 20; // for the app to answer there

export const command = defineCommand({
    summary: "Brings SynergyChat up, from a fresh machine to the answering page.",
    words: [stackWord],
    flags: yesFlag,
    run: async ({ words, flags, output }) => {
        await up(await openStack(output, words[0], { access: "up", yes: flags.yes }), flags.yes);
    },
});

async function up(session: Session, yes: boolean): Promise<void> {
    const { stack, cluster, client, owners, settings, output } = session;
    const { exposure } = settings;
    await cluster.prepare({
        client,
        instance: owners[0],
        ingressClass: exposure.kind === "ingress" ? (exposure.ingressClass ?? "") : undefined,
    });
    await deploy(session, yes || !isInteractive() ? ["--yes", "--skip-preview"] : []);
    const app = outputsIn(stack.resources(), stack.name);
    output.info(`\nSynergyChat is up, with ${app.storageMode} storage.`);
    output.info(`  page  ${app.webUrl}\n  api   ${app.apiUrl}/messages`);
    if (exposure.kind === "none") {
        output.list("It is not exposed (exposure none). Forward two ports, each in a terminal of its own:", [
            ...forwardCommands(settings),
        ]);
    } else {
        await showAddresses(session, app);
    }
    output.list("In each new terminal:", [setupLine()]);
    output.list("To look around:", app.nextCommands);
    cluster.notes.forEach((note) => {
        output.info(`\n${note}`);
    });
    await showInheritableVolumes(session, app.namespaceName);
}

/** If the new config has given up a claim, its volume goes a moment later, or stays with its data. */
async function showInheritableVolumes(
    { state, context, client, output }: Session,
    namespace: string,
): Promise<void> {
    const namespaces = [...new Set([namespace, ...recordedIn(state).namespaces])];
    const volumes = await inheritableVolumes(client, namespaces, output.info);
    output.findings(volumes.map((volume) => inheritedVolume(volume, context)));
}

/** Runs `pulumi up`. If the app does not run then, the pods say why better than a timeout does. */
async function deploy({ stack, client, settings, output }: Session, flags: readonly string[]): Promise<void> {
    const { namespace } = settings;
    try {
        stack.run(["up", ...flags]);
    } catch (error) {
        output.findings(await rolloutObstacles(client, namespace));
        throw error;
    }
    const problems = await rolloutProblems(client, namespace, rolloutSeconds);
    if (problems.length > 0) {
        throw new UserError(`Pulumi is done, and SynergyChat does not run:\n\n${output.render(problems)}`);
    }
}

async function showAddresses(
    { cluster, client, settings: { exposure }, output }: Session,
    app: StackOutputs,
): Promise<void> {
    const published = await waitForAddresses(client, app.namespaceName, exposure.kind, addressSeconds);
    // Without a published address, only a tunnel can answer, and it does so at once.
    const seconds = published.length > 0 ? answerSeconds : 0;
    if (seconds > 0) {
        output.info(`Waiting until it answers, at most ${seconds} s ...`);
    }
    const urls = [app.webUrl, `${app.apiUrl}/messages`];
    const found = await Promise.all(
        urls.map((url) => firstAnswering(url, [...published, loopback], seconds)),
    );
    const [address] = found;
    const hosts = [app.webUrl, app.apiUrl].map((url) => new URL(url).hostname);
    if (address !== undefined && found.every(Boolean)) {
        output.list(`Both answer at ${address}. Add this line to ${hostsFile(thisMachine())}:`, [
            `${address} ${hosts.join(" ")}`,
        ]);
        output.list("Without it:", [`curl --resolve '*:80:${address}' ${app.webUrl}`]);
        return;
    }
    if (cluster.kind === "sandbox") {
        throw new UserError(cluster.reachAdvice(published[0]).join("\n"));
    }
    output.list("Its addresses do not answer from this machine yet. To open the page:", [
        ...cluster.reachAdvice(published[0]),
        `   ${loopback} ${hosts.join(" ")}`,
    ]);
}

function forwardCommands({ namespace, apiUrl }: Settings): readonly string[] {
    const forward = (part: "web" | "api", port: string) =>
        `kubectl port-forward --namespace ${namespace} service/${serviceName(part)} ${port}:${portName}`;
    const apiPort = new URL(apiUrl).port || "8081";
    const isForwarded = new URL(apiUrl).hostname === "localhost";
    return [
        forward("web", "8080"),
        forward("api", apiPort),
        ...(isForwarded
            ? []
            : [
                  "The page calls the api at apiUrl, so first run:",
                  `pulumi config set apiUrl http://localhost:${apiPort}`,
              ]),
    ];
}
