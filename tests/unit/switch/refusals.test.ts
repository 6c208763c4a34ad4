/** What stops a switch. */
import { strict as assert } from "node:assert";
import {
    answeredMessages,
    lateMessages,
    namespaceChange,
    protectedClaim,
    runningSwitch,
    switchElsewhere,
} from "../../../cli/commands/switch/refusals";
import { readSettings } from "../../../config/settings";
import type { Finding } from "../../../model/finding";
import { claimName } from "../../../model/names";
import { guardedTypes } from "../../../pulumi/state";

function settings(config: Readonly<Record<string, string>> = {}) {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    return readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, "synergychat");
}

const messages = (...texts: string[]) => texts.map((Text) => ({ AuthorUsername: "ada", Text }));
const commands = (finding: Finding | undefined) => finding?.fixes.flatMap(({ run }) => run);

describe("the refusals of a switch", () => {
    it("refuses another namespace than the stack has", () => {
        assert.equal(namespaceChange(settings(), "synergychat"), undefined);
        const found = namespaceChange(settings({ namespace: "next" }), "synergychat");
        assert.equal(found?.code, "namespace-not-applied");
        assert.deepEqual(found.subject, { key: "namespace", value: "next" });
        assert.deepEqual(commands(found), ["npm run up", "pulumi config set namespace synergychat"]);
    });

    it("refuses a second switch beside one that runs, and names its process", () => {
        assert.equal(runningSwitch(4711).code, "switch-running");
        assert.ok(runningSwitch(4711).reason.includes("4711"));
    });

    it("refuses a switch that began elsewhere, and names its journal and both ways on", () => {
        assert.equal(switchElsewhere("chat", undefined, "persistent"), undefined);
        const found = switchElsewhere("chat", "host:/path.json", "persistent");
        assert.equal(found?.code, "switch-begun-elsewhere");
        assert.ok(found.reason.includes("host:/path.json"));
        const again = "npm run switch -- persistent";
        const patch = [
            "kubectl patch service api-service --namespace chat --type=json",
            `--patch='[{"op":"remove","path":"/spec/selector/synergychat~1out-of-service"}]'`,
        ].join(" ");
        assert.deepEqual(commands(found), [again, patch, again]);
    });

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

    it("refuses to change the storage if there are more messages than in the copy", () => {
        assert.equal(lateMessages(3, 3, "chat"), undefined);
        assert.equal(lateMessages(3, 4, "chat")?.code, "messages-posted-past-service");
    });
});
