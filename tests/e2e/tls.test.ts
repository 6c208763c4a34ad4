/** Both hosts by https, through an Ingress. Through a Gateway: see gateway.test.ts. */
import { provideChromium } from "./support/browser.ts";
import { TestStack } from "./support/stack.ts";
import { itServesHttps } from "./support/tls.ts";

describe("an Ingress with a certificate", () => {
    const stack = new TestStack("tls", {
        tlsSecret: "chat-tls",
        crawlerContainers: 1,
        // ingress-nginx redirects by itself, and Contour because of this.
        ingressAnnotations: { "ingress.kubernetes.io/force-ssl-redirect": "true" },
    });

    before(provideChromium);
    after(() => stack.remove());

    itServesHttps(stack, { namespace: stack.name, kind: "Ingress", name: "app-ingress" }, () =>
        stack.create(),
    );
});
