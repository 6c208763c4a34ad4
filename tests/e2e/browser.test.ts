/** The chapter's own test: two people write on the page, the api's pod is deleted, they reload. */
import { strict as assert } from "node:assert";
import type { Browser, Page } from "playwright-core";
import { address, askUntilReady } from "./support/app.ts";
import { chat, openBrowser, provideChromium, shown, shownAfterReload } from "./support/browser.ts";
import { deleteApiPod } from "./support/cluster.ts";
import { TestStack } from "./support/stack.ts";

describe("the chat page in a browser", () => {
    const stack = new TestStack("browser", { storageMode: "ephemeral", crawlerContainers: 1 });
    const written = ["ada: hello, who is there?", "grace: me, over here"];
    let browser: Browser | undefined;
    let ada: Page;
    let grace: Page;

    before(provideChromium);
    before(async () => {
        await stack.create();
        await stack.up();
        await askUntilReady(stack, stack.apiHost, "/messages");
        await askUntilReady(stack, stack.webHost, "/");
        browser = await openBrowser([stack.webHost, stack.apiHost], await address(stack));
        [ada, grace] = [await open(browser), await open(browser)];
    });
    after(async () => {
        await browser?.close();
        await stack.remove();
    });

    /** A page of a person's own: another browser context shares nothing with the first. */
    async function open(by: Browser): Promise<Page> {
        const context = await by.newContext();
        const page = await context.newPage();
        await page.goto(`http://${stack.webHost}`);
        return page;
    }

    async function conversation(): Promise<void> {
        await chat(ada, "ada", "hello, who is there?");
        await chat(grace, "grace", "me, over here");
    }

    async function replaceApiPod(): Promise<void> {
        await deleteApiPod(stack.name);
        await askUntilReady(stack, stack.apiHost, "/messages");
    }

    it("shows an empty list to whoever comes first, and no error", async () => {
        assert.deepEqual(await shown(ada), []);
        assert.equal(await ada.locator("#error").isHidden(), true);
    });

    it("shows to each what both wrote, after a reload too", async () => {
        await conversation();
        for (const page of [ada, grace]) {
            assert.deepEqual(await shownAfterReload(page), written);
        }
    });

    it("shows nothing after the api's pod was deleted, with ephemeral storage", async () => {
        await replaceApiPod();
        for (const page of [ada, grace]) {
            assert.deepEqual(await shownAfterReload(page), []);
        }
    });

    it("shows everything after the api's pod was deleted, with persistent storage and through the guard", async () => {
        stack.edit({ storageMode: "persistent", guard: true });
        await stack.up();
        await askUntilReady(stack, stack.apiHost, "/messages");
        await conversation();
        await replaceApiPod();
        for (const page of [ada, grace]) {
            assert.deepEqual(await shownAfterReload(page), written);
        }
    });

    it("says so when the api cannot be reached", async () => {
        await ada.route(`http://${stack.apiHost}/messages`, (route) => route.abort());
        await ada.reload();
        await ada.locator("#error[role=alert]:not([hidden])").waitFor();
        assert.match(await ada.locator("#error").innerText(), /cannot reach its api/);
    });
});
