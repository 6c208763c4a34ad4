/**
 * `npm run picture -- --walk`: walks the chapter on a stack of its own and records what a person sees at each step, the
 * terminal as text and the page as pictures, into docs/walk.md. The stack is destroyed at the end.
 */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { stringify } from "yaml";
import { chat, openBrowser, provideChromium, shownAfterReload } from "./browser";
import { findCluster, provideNginx } from "./cluster";
import { answers, ingressAddress } from "./ingress";
import { type Environment, UserError } from "./process";
import { pulumi, selectStack, withPulumi } from "./stack";

const stack = "walk";
const namespace = "synergychat-walk";
const hosts = { webHost: "walk.synchat.internal", apiHost: "walk.synchatapi.internal" };
const context = "minikube";
const deletePod = "kubectl delete pod --selector app=synergychat-api";

/** Records the walk. */
export async function walk(): Promise<void> {
    provideChromium();
    const found = await findCluster(context);
    await provideNginx(found, context);
    const env = await withPulumi(found.env);
    setMode("ephemeral");
    selectStack(stack, env);
    try {
        writeFileSync("docs/walk.md", await record(env));
        console.log("docs/walk.md and its pictures are recorded.");
    } finally {
        pulumi(stack, ["destroy", "--yes", "--skip-preview"], env);
        pulumi(stack, ["stack", "rm", "--yes"], env);
        rmSync(`Pulumi.${stack}.yaml`, { force: true });
    }
}

function setMode(storageMode: "ephemeral" | "persistent"): void {
    const config = { ...hosts, namespace, storageMode };
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    const text = stringify({
        config: { "kubernetes:context": context, ...(Object.fromEntries(own) as object) },
    });
    writeFileSync(`Pulumi.${stack}.yaml`, text);
}

async function record(env: Environment): Promise<string> {
    const up = () => {
        pulumi(stack, ["up", "--yes", "--skip-preview"], env);
    };
    const show = (command: string) => shown(command, env);
    const sections = ["# What you see at each step of the walk", "Recorded by `npm run picture -- --walk`."];

    up();
    const page = await openPage(env);
    sections.push(
        "## Storage dies with its pod",
        "`pulumi config set storageMode ephemeral && pulumi up`, then:",
        show("kubectl get pods"),
        show("kubectl logs deployment/synergychat-api"),
        "Two people write, and reload:",
        await converse(page, "ephemeral-written"),
        "The api's pod is deleted, and they reload when its replacement runs:",
        await replacePod(env),
        await picture(page, "ephemeral-gone", "the page without messages"),
        "## A volume shared by containers",
        show("kubectl get configmap synergychat-crawler-configmap --output jsonpath={.data}"),
        show("kubectl get endpointslices --selector kubernetes.io/service-name=crawler-service"),
    );
    setMode("persistent");
    up();
    await untilReady(env);
    sections.push(
        "## Storage that stays",
        "`pulumi config set storageMode persistent && pulumi up`, then:",
        show("kubectl get pvc"),
        "The same two write, the pod is deleted, they reload:",
        await converse(page, "persistent-written"),
        await replacePod(env),
        await picture(page, "persistent-kept", "the page with both messages"),
        "## The way back is refused",
        "`pulumi config set storageMode ephemeral && pulumi preview`:",
    );
    setMode("ephemeral");
    sections.push(refusal(env));
    setMode("persistent");
    await page.context().browser()?.close();
    return `${sections.join("\n\n")}\n`;
}

async function openPage(env: Environment): Promise<Page> {
    const address = await untilReady(env);
    const browser = await openBrowser(Object.values(hosts), address);
    const page = await browser.newPage({ viewport: { width: 600, height: 380 } });
    await page.goto(`http://${hosts.webHost}`);
    return page;
}

/** Waits until page and api answer; an ingress hears of new pods a moment after they are ready. */
async function untilReady(env: Environment): Promise<string> {
    const address = (await ingressAddress(context, namespace, env)) ?? "";
    for (const url of [`http://${hosts.webHost}`, `http://${hosts.apiHost}/messages`]) {
        if (!(await answers(url, address))) {
            throw new UserError(`${url} does not answer at ${address || "any address"}`);
        }
    }
    return address;
}

async function converse(page: Page, name: string): Promise<string> {
    await page.reload();
    await chat(page, "ada", "Is anybody here?");
    await chat(page, "grace", "I am. Will this be here tomorrow?");
    return picture(page, name, "the page with both messages");
}

async function picture(page: Page, name: string, description: string): Promise<string> {
    await shownAfterReload(page);
    await sleep(200); // for the page to be painted
    await page.screenshot({ path: `docs/walk-${name}.png` });
    return `![${description}](walk-${name}.png)`;
}

async function replacePod(env: Environment): Promise<string> {
    const said = shown(deletePod, env);
    shown("kubectl rollout status deployment/synergychat-api --timeout=120s", env);
    await untilReady(env);
    return said;
}

/** A command and what it prints, as the terminal shows both. The namespace is the context's, as the README sets it. */
function shown(command: string, env: Environment): string {
    const [program = "", ...args] = command.split(" ");
    const flags = [`--context=${context}`, `--namespace=${namespace}`];
    const { status, stdout, stderr } = spawnSync(program, [...args, ...flags], {
        env: { ...env },
        encoding: "utf8",
    });
    if (status !== 0) {
        throw new UserError(`${command} failed: ${stderr}`);
    }
    return terminal(`$ ${command}\n${stdout}`);
}

/** What the preview says of the messages at stake, without what Pulumi says before it. */
function refusal(env: Environment): string {
    const args = ["preview", "--stack", stack, "--non-interactive", "--color=never"];
    const { stdout, stderr } = spawnSync("pulumi", args, { env: { ...env }, encoding: "utf8" });
    const lines = (stdout + stderr).split("\n");
    const header = lines.findLastIndex((line) => line.includes("nothing was changed"));
    const [said = ""] = lines
        .slice(header + 1)
        .join("\n")
        .split("Resources:");
    return terminal(said.replace(/^ {6}/gm, ""));
}

function terminal(text: string): string {
    return `\`\`\`text\n${text.replaceAll(namespace, "synergychat").trim()}\n\`\`\``;
}
