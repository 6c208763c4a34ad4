import assert from "node:assert/strict";
import { holds } from "../certificates.ts";

describe("a person's kubeconfig", () => {
    const own = (server: string): string =>
        JSON.stringify({
            clusters: [{ cluster: { server, "certificate-authority-data": "Y2E=" } }],
            users: [{ user: { "client-key-data": "a2V5" } }],
        });

    it("is left as it is, with the namespace that was set in it, while it leads to this cluster", () => {
        const theirs =
            "namespace: synergychat\nserver: https://10.0.0.2:6443\nca: Y2E=\nclient-key-data: a2V5\n";
        assert.ok(holds(theirs, own("https://10.0.0.2:6443")));
        assert.ok(!holds(theirs, own("https://10.0.0.3:6443")));
        assert.ok(!holds("", own("https://10.0.0.2:6443")));
    });
});
