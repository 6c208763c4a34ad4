/** The chat page in a headless Chromium, the one that the machine has or that apt-get brings. */
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";
import { UserError, run } from "./process";

const executablePath = "/usr/bin/chromium";

/** Installs Debian's Chromium where there is none. Playwright's own download is not for every machine. */
export function provideChromium(): void {
    if (existsSync(executablePath)) {
        return;
    }
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
        throw new UserError(`There is no ${executablePath}: install Debian's package chromium.`);
    }
    console.log("Installing Debian's package chromium, a minute or two ...");
    const apt = ["--option=DPkg::Lock::Timeout=300", "--quiet=2"];
    run("apt-get", [...apt, "update"], process.env);
    run("apt-get", [...apt, "install", "--yes", "--no-install-recommends", "chromium"], {
        ...process.env,
        DEBIAN_FRONTEND: "noninteractive",
    });
}

/** @param hosts names that the browser finds at this address, as if they stood in the hosts file. */
export function openBrowser(hosts: readonly string[], address: string): Promise<Browser> {
    return chromium.launch({
        executablePath,
        // Root has no sandbox; the rest keeps Chromium from calling its maker's servers.
        args: [
            "--no-sandbox",
            "--disable-gpu",
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

/** Writes a message as a person would, and waits until the page shows it. */
export async function chat(page: Page, author: string, text: string): Promise<void> {
    await page.fill("#username", author);
    await page.fill("#message", text);
    await page.click("#send");
    await page.locator("#messages li .text", { hasText: text }).waitFor();
}

/** What the page shows, once it has heard from the api. */
export async function shown(page: Page): Promise<string[]> {
    await page.locator("#messages[aria-busy=false]").waitFor();
    const entries = await page.locator("#messages li").all();
    const part = (entry: (typeof entries)[number], name: string) => entry.locator(name).innerText();
    return Promise.all(
        entries.map(async (entry) => `${await part(entry, ".author")}: ${await part(entry, ".text")}`),
    );
}

/** What the page shows to somebody who loads it anew. */
export async function shownAfterReload(page: Page): Promise<string[]> {
    await page.reload();
    return shown(page);
}
