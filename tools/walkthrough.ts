/**
 * `npm run docs:walkthrough`: follows the course chapter on a stack of its own and records what a person sees at each
 * step, the terminal as text and the page as pictures, into docs/course-walkthrough.md. It needs a cluster.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { address, askUntilReady } from "../tests/e2e/support/app.ts";
import { chat, openBrowser, provideChromium, shownAfterReload } from "../tests/e2e/support/browser.ts";
import { apiRolledOut, kubectl } from "../tests/e2e/support/cluster.ts";
import { mochaGlobalSetup, mochaGlobalTeardown } from "../tests/e2e/support/setup.ts";
import { TestStack } from "../tests/e2e/support/stack.ts";
import { formatted, replaceGenerated } from "./markdown.ts";

const document = "docs/course-walkthrough.md";
const stack = new TestStack("walkthrough", { storageMode: "ephemeral", webReplicas: 3 });

async function record(page: Page): Promise<void> {
    await write("ephemeral pods", await shell("get pods"), await shell("logs deployment/synergychat-api"));
    await write("ephemeral written", await converse(page, "ephemeral-written"));
    await write(
        "ephemeral deleted",
        await replacePod(),
        await picture(page, "ephemeral-deleted", "The page without messages"),
    );
    await write(
        "shared volume",
        await shell("get configmap synergychat-crawler-configmap --output jsonpath={.data}"),
        await shell("get endpointslices --selector kubernetes.io/service-name=crawler-service"),
    );

    stack.edit({ storageMode: "persistent" });
    await up();
    await write("persistent claim", await shell("get pvc"));
    await write("persistent written", await converse(page, "persistent-written"));
    await write(
        "persistent kept",
        await replacePod(),
        await picture(page, "persistent-kept", "The page with both messages"),
    );

    stack.edit({ storageMode: "ephemeral" });
    await write("refusal", terminal(findingsIn((await stack.pulumi("preview")).text)));
}

/** Writes a recorded part into the document. */
async function write(name: string, ...parts: readonly string[]): Promise<void> {
    const text = replaceGenerated(readFileSync(document, "utf8"), name, parts.join("\n\n"));
    writeFileSync(document, await formatted(document, text));
}

/** Makes the stack what its config says, and waits until the page and the api answer. */
async function up(): Promise<void> {
    await stack.up();
    await askUntilReady(stack, stack.webHost, "/");
    await askUntilReady(stack, stack.apiHost, "/messages");
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

async function replacePod(): Promise<string> {
    const shown = await shell("delete pod --selector app=synergychat-api");
    await apiRolledOut(stack.name);
    await askUntilReady(stack, stack.apiHost, "/messages");
    return shown;
}

/** A kubectl command in the stack's namespace, which the reader has set as the context's own, and what it prints. */
async function shell(command: string): Promise<string> {
    const printed = await kubectl(...command.split(" "), `--namespace=${stack.name}`);
    return terminal(`$ kubectl ${command}\n${printed}`);
}

/** The findings in a preview, without what Pulumi prints around them. */
function findingsIn(preview: string): string {
    const lines = preview.split("\n");
    const title = lines.findLastIndex((line) => line.includes("Nothing was changed"));
    const [findings = ""] = lines.slice(title).join("\n").split("Resources:");
    return findings.replace(/^.*(?=Nothing was changed)/, "").replace(/^ {4}/gm, "");
}

function terminal(text: string): string {
    return `\`\`\`text\n${text.replaceAll(stack.name, "synergychat").trim()}\n\`\`\``;
}

provideChromium();
await mochaGlobalSetup();
try {
    await stack.create();
    await up();
    const browser = await openBrowser([stack.webHost, stack.apiHost], await address(stack));
    const page = await browser.newPage({ viewport: { width: 600, height: 380 } });
    await page.goto(`http://${stack.webHost}`);
    await record(page);
    await browser.close();
} finally {
    await stack.remove();
    await mochaGlobalTeardown();
}
console.log(`${document} and its pictures are recorded.`);
