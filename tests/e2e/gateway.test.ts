/** The course of today: the two hosts by the Gateway API. The sandbox serves one Gateway, in namespace synergychat. */
import { strict as assert } from "node:assert";
import { chat, openBrowser, provideChromium, shownAfterReload } from "./support/browser.ts";
import { deleteApiPod, get } from "./support/cluster.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";
import { itServesHttps } from "./support/tls.ts";

describe("exposure by the Gateway API", () => {
    const namespace = "synergychat";
    const gateway = { exposure: "gateway", gatewayClass: "contour" };
    const stack = new TestStack("gateway", { namespace, ...gateway, guard: true, crawlerContainers: 1 });
    let text = "";

    before(provideChromium);
    before(async () => {
        await stack.create();
        const result = await operation("up", stack);
        ({ text } = result);
        assert.equal(result.status, 0, text);
    });
    after(() => stack.remove());

    it("keeps what people write on the page, through the guard, when the api's pod is deleted", async () => {
        const [, address = ""] = /^Both answer at (\S+)\. Add to/m.exec(text) ?? [];
        const browser = await openBrowser([stack.webHost, stack.apiHost], address);
        try {
            const page = await browser.newPage();
            await page.goto(`http://${stack.webHost}`);
            await chat(page, "ada", "through the Gateway");
            await deleteApiPod(namespace);
            assert.deepEqual(await shownAfterReload(page), ["ada: through the Gateway"]);
        } finally {
            await browser.close();
        }
    });

    itServesHttps(stack, { namespace, kind: "Gateway", name: "app-gateway" }, () => {
        stack.edit({ tlsSecret: "chat-tls" });
        return Promise.resolve();
    });

    it("is left behind by nothing when the stack is destroyed", async () => {
        const result = await operation("down", stack, ["--yes"]);
        assert.equal(result.status, 0, result.text);
        assert.equal(await get("", "namespace", namespace), undefined);
    });
});
