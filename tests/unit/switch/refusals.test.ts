/** What stops a switch. */
import { strict as assert } from "node:assert";
import { answeredMessages, protectedClaim } from "../../../cli/refusals.ts";
import { readSettings } from "../../../config/settings.ts";
import { claimName } from "../../../model/names.ts";
import { guardedTypes } from "../../../pulumi/state.ts";

function settings(config: Readonly<Record<string, string>> = {}) {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    return readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, "synergychat");
}

const messages = (...texts: string[]) => texts.map((Text) => ({ AuthorUsername: "ada", Text }));

describe("the refusals of a switch", () => {
    describe("with protected data", () => {
        const state = [{ type: guardedTypes.claim, protect: true }];
        const leaving = { storageMode: "ephemeral", protectData: "true" };

        it("refuses to delete the claim if the config protects it, or the last up did", () => {
            assert.equal(protectedClaim(settings(leaving), claimName, [])?.code, "data-protected");
            const recorded = protectedClaim(settings({ storageMode: "ephemeral" }), claimName, state);
            assert.equal(recorded?.code, "data-protected");
        });

        it("lets the switch begin if the claim stays", () => {
            for (const [config, mounted] of [
                [{ ...leaving, retainData: "true" }, claimName],
                [{ ...leaving, storageMode: "persistent" }, claimName],
                [leaving, "a-claim-of-somebody-else"],
                [leaving, undefined],
            ] as const) {
                assert.equal(protectedClaim(settings(config), mounted, state), undefined);
            }
        });
    });

    it("refuses messages that the api would answer, and names an image only if that keeps the messages", () => {
        assert.equal(answeredMessages(messages("see /stats"), "persistent"), undefined);
        const found = answeredMessages(messages("hello", "/stats love"), "persistent");
        assert.equal(found?.code, "messages-answered");
        assert.ok(found.reason.includes('"/stats love"'));
        assert.equal(found.fixes.length, 1);
        assert.deepEqual(answeredMessages(messages("/stats love"), "ephemeral")?.fixes, []);
    });
});
