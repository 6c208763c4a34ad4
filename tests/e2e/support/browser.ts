/** The chat page in a headless Chromium. */
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";
import { installDebianPackage } from "../../support/debian.ts";

const executablePath = "/usr/bin/chromium";

/** Installs Debian's package chromium if it is missing. */
export function provideChromium(): void {
    if (!existsSync(executablePath)) {
        installDebianPackage("chromium");
    }
}

/**
 * Starts the browser.
 *
 * @param hosts names that the browser resolves to this address, as if they were in the hosts file.
 * @param more flags of the browser.
 */
export function openBrowser(
    hosts: readonly string[],
    address: string,
    more: readonly string[] = [],
): Promise<Browser> {
    return chromium.launch({
        executablePath,
        args: [
            ...more,
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
