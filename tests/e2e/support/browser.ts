/** The chat page in a headless Chromium. */
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";
import { UserError } from "../../../system/errors.ts";
import { isLinuxRoot } from "../../../system/machine.ts";
import { runVisibly } from "../../../system/process.ts";

const executablePath = "/usr/bin/chromium";

/**
 * Installs Debian's package chromium if it is missing.
 *
 * @throws UserError if that is not possible on this machine.
 */
export function provideChromium(): void {
    if (existsSync(executablePath)) {
        return;
    }
    if (!isLinuxRoot()) {
        throw new UserError(`There is no ${executablePath}. Install Debian's package chromium.`);
    }
    console.log("Installing Debian's package chromium, which takes a minute or two ...");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    const apt = ["--option=DPkg::Lock::Timeout=300", "--quiet=2"];
    runVisibly("apt-get", [...apt, "update"], env, 1);
    runVisibly("apt-get", [...apt, "install", "--yes", "--no-install-recommends", "chromium"], env, 1);
}

/**
 * Starts the browser.
 *
 * @param hosts names that the browser resolves to this address, as if they were in the hosts file.
 */
export function openBrowser(hosts: readonly string[], address: string): Promise<Browser> {
    return chromium.launch({
        executablePath,
        args: [
            // Chromium refuses to run as root with its own sandbox.
            "--no-sandbox",
            "--disable-gpu",
            // The others keep Chromium from calling its vendor's servers.
            "--disable-quic",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            `--host-resolver-rules=${hosts.map((host) => `MAP ${host} ${address}`).join(", ")}`,
        ],
    });
}

/** Writes a message as a person does, and waits until the page shows it. */
export async function chat(page: Page, author: string, text: string): Promise<void> {
    await page.fill("#username", author);
    await page.fill("#message", text);
    await page.click("#send");
    await page.locator("#messages li .text", { hasText: text }).waitFor();
}

/** The messages on the page, when the api has answered. */
export async function shown(page: Page): Promise<string[]> {
    await page.locator("#messages[aria-busy=false]").waitFor();
    const entries = await page.locator("#messages li").all();
    const part = (entry: (typeof entries)[number], name: string) => entry.locator(name).innerText();
    return Promise.all(
        entries.map(async (entry) => `${await part(entry, ".author")}: ${await part(entry, ".text")}`),
    );
}

/** The messages on the page after a reload. */
export async function shownAfterReload(page: Page): Promise<string[]> {
    await page.reload();
    return shown(page);
}
