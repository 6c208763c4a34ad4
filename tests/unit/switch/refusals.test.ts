/** What stops a switch. */
import { strict as assert } from "node:assert";
import { UsageError, readCall } from "../../../cli/command.ts";
import { command } from "../../../cli/commands/switch/switch.ts";
import { readSettings } from "../../../config/settings.ts";
import { claimName } from "../../../model/names.ts";
import { protectedClaim } from "../../../preflight/messages.ts";
import { guardedTypes } from "../../../pulumi/state.ts";

function settings(config: Readonly<Record<string, string>> = {}) {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    return readSettings({ "kubernetes:context": "minikube", ...Object.fromEntries(own) }, "synergychat");
}

describe("the refusals of a switch", () => {
    for (const args of [[], ["persistant"]]) {
        it(`take ${JSON.stringify(args)} for wrong usage: the mode is neither of the two`, async () => {
            await assert.rejects(
                command.run(readCall("switch", command, args)),
                (error) => error instanceof UsageError && error.message.includes(`"${args.join("")}"`),
            );
        });
    }

    describe("with protected data", () => {
        const claim = (name: string) => ({ type: guardedTypes.claim, id: `chat/${name}`, protect: true });
        const state = [claim(claimName)];
        const leaving = { storageMode: "ephemeral", protectData: "true" };

        it("refuses to delete the claim if the config protects it, or the last up did", () => {
            assert.equal(protectedClaim(settings(leaving), claimName, [])?.code, "data-protected");
            const recorded = protectedClaim(settings({ storageMode: "ephemeral" }), claimName, state);
            assert.equal(recorded?.code, "data-protected");
        });

        it("lets the switch begin if the protected claim is one that the user has declared", () => {
            const ephemeral = settings({ storageMode: "ephemeral" });
            assert.equal(protectedClaim(ephemeral, claimName, [claim("redis")]), undefined);
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
});
