/**
 * `npm run docs:walkthrough`: follows the course chapter on a stack of its own and records what a person sees at each
 * step, the terminal as text and the page as pictures, into docs/course-walkthrough.md. It needs a cluster, and destroys
 * the stack at the end.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { stringify } from "yaml";
import { firstAnswering } from "../cli/addresses.ts";
import { Output } from "../cli/output.ts";
import { type Session, openStack } from "../cli/session.ts";
import { waitForAddresses } from "../kubernetes/ingress.ts";
import type { StorageMode } from "../model/storage.ts";
import { projectName } from "../pulumi/project.ts";
import { UserError, isUserError } from "../system/errors.ts";
import { type Environment, capture } from "../system/process.ts";
import { chat, openBrowser, provideChromium, shownAfterReload } from "./browser.ts";
import { formatted, replaceGenerated } from "./markdown.ts";

const stackName = "course-walkthrough";
const namespace = "synergychat-walkthrough";
const hosts = { webHost: "walkthrough.synchat.internal", apiHost: "walkthrough.synchatapi.internal" };
const context = "minikube";
const document = "docs/course-walkthrough.md";
const answerSeconds = 120;

async function main(): Promise<void> {
    provideChromium();
    setStorageMode("ephemeral");
    try {
        const open = await openStack(new Output(false), stackName, { access: "up", yes: true });
        try {
            await record(open);
        } finally {
            open.stack.run(["destroy", "--yes", "--skip-preview"]);
            open.stack.run(["stack", "rm", "--yes"]);
        }
    } finally {
        rmSync(configFile, { force: true });
    }
    console.log(`${document} and its pictures are recorded.`);
}

const configFile = `Pulumi.${stackName}.yaml`;

function setStorageMode(storageMode: StorageMode): void {
    const own = Object.entries({ ...hosts, namespace, storageMode });
    const config = own.map(([key, value]) => [`${projectName()}:${key}`, value] as const);
    const text = stringify({ config: { "kubernetes:context": context, ...Object.fromEntries(config) } });
    writeFileSync(configFile, text);
}

async function record(open: Session): Promise<void> {
    const { env } = open.stack;
    const show = (command: string) => terminal(`$ ${command}\n${outputIn(command, env)}`);

    up(open);
    const page = await openPage(await untilReady(open));
    await write("ephemeral pods", show("kubectl get pods"), show("kubectl logs deployment/synergychat-api"));
    await write("ephemeral written", await converse(page, "ephemeral-written"));
    const empty = () => picture(page, "ephemeral-deleted", "The page without messages");
    await write("ephemeral deleted", await replacePod(open), await empty());
    await write(
        "shared volume",
        show("kubectl get configmap synergychat-crawler-configmap --output jsonpath={.data}"),
        show("kubectl get endpointslices --selector kubernetes.io/service-name=crawler-service"),
    );

    setStorageMode("persistent");
    up(open);
    await untilReady(open);
    await write("persistent claim", show("kubectl get pvc"));
    await write("persistent written", await converse(page, "persistent-written"));
    const kept = () => picture(page, "persistent-kept", "The page with both messages");
    await write("persistent kept", await replacePod(open), await kept());

    setStorageMode("ephemeral");
    await write("refusal", refusal(env));
    setStorageMode("persistent");
    await page.context().browser()?.close();
}

/** Writes a recorded part into the document. */
async function write(name: string, ...parts: readonly string[]): Promise<void> {
    const text = replaceGenerated(readFileSync(document, "utf8"), name, parts.join("\n\n"));
    writeFileSync(document, await formatted(document, text));
}

function up({ stack }: Session): void {
    stack.run(["up", "--yes", "--skip-preview"]);
}

/** Waits until the page and the api answer, and returns their address. */
async function untilReady({ client }: Session): Promise<string> {
    const addresses = await waitForAddresses(client, namespace, "ingress", answerSeconds);
    const urls = [`http://${hosts.webHost}`, `http://${hosts.apiHost}/messages`];
    const found = await Promise.all(urls.map((url) => firstAnswering(url, addresses, answerSeconds)));
    const [address] = found;
    if (address === undefined || found.includes(undefined)) {
        throw new UserError(`${urls.join(" and ")} do not both answer at ${addresses.join(", ")}.`);
    }
    return address;
}

async function openPage(address: string): Promise<Page> {
    const browser = await openBrowser(Object.values(hosts), address);
    const page = await browser.newPage({ viewport: { width: 600, height: 380 } });
    await page.goto(`http://${hosts.webHost}`);
    return page;
}

async function converse(page: Page, name: string): Promise<string> {
    await page.reload();
    await chat(page, "ada", "Is anybody here?");
    await chat(page, "grace", "I am. Will this be here tomorrow?");
    return picture(page, name, "The page with both messages");
}

async function picture(page: Page, name: string, description: string): Promise<string> {
    await shownAfterReload(page);
    await sleep(200); // for the page to be painted
    const file = `course-walkthrough-${name}.png`;
    await page.screenshot({ path: `docs/${file}` });
    return `![${description}](${file})`;
}

async function replacePod(open: Session): Promise<string> {
    const command = "kubectl delete pod --selector app=synergychat-api";
    const printed = outputIn(command, open.stack.env);
    outputIn("kubectl rollout status deployment/synergychat-api --timeout=120s", open.stack.env);
    await untilReady(open);
    return terminal(`$ ${command}\n${printed}`);
}

/** What a command prints in the stack's namespace, which the reader has set as the context's own. */
function outputIn(command: string, env: Environment): string {
    const [program = "", ...args] = command.split(" ");
    const target = [`--context=${context}`, `--namespace=${namespace}`];
    const { status, stdout, stderr } = capture(program, [...args, ...target], env);
    if (status !== 0) {
        throw new UserError(`${command} failed: ${stderr}`);
    }
    return stdout;
}

/** The findings in a preview, without what Pulumi prints around them. */
function refusal(env: Environment): string {
    const args = ["preview", "--stack", stackName, "--non-interactive", "--color=never"];
    const { stdout, stderr } = capture("pulumi", args, env);
    const lines = (stdout + stderr).split("\n");
    const title = lines.findLastIndex((line) => line.includes("Nothing was changed"));
    const [findings = ""] = lines.slice(title).join("\n").split("Resources:");
    return terminal(findings.replace(/^.*(?=Nothing was changed)/, "").replace(/^ {4}/gm, ""));
}

function terminal(text: string): string {
    return `\`\`\`text\n${text.replaceAll(namespace, "synergychat").trim()}\n\`\`\``;
}

main().catch((error: unknown) => {
    console.error(isUserError(error) ? error.message : error);
    process.exitCode = 1;
});
