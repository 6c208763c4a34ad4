/** What a destroy makes of each claim, and who may still mount it. */
import { strict as assert } from "node:assert";
import { planDestroy, refusals } from "../../../cli/commands/down/plan.ts";
import type { Session } from "../../../cli/session.ts";
import type { Answer } from "../../../kubernetes/client.ts";
import type { Claim, LiveObject } from "../../../kubernetes/objects.ts";
import { type StateResource, guardedTypes } from "../../../pulumi/state.ts";
import { fakeClient } from "../support/client.ts";
import {
    type Config,
    backupsClaim,
    claim,
    instance,
    namespace,
    object,
    settings,
    single,
} from "../support/snapshots.ts";

const foreign = claim({ name: "mine", labels: {} });
const kept = (id: string): StateResource => ({ type: guardedTypes.claim, id, retainOnDelete: true });
const keptNamespace = { type: guardedTypes.namespace, id: "synergychat", retainOnDelete: true };

/** The plan for a cluster with these claims and pods, and nothing else but the namespace. */
function plan(
    claims: readonly Claim[],
    config: Config = {},
    state: readonly StateResource[] = [],
    pods: readonly LiveObject[] = [],
    owner = instance,
) {
    const list = (kind: string, items: readonly LiveObject[]): Answer => ({
        kind: "found",
        body: { kind: `${kind}List`, items },
    });
    const client = fakeClient((path) => {
        if (path.endsWith("/persistentvolumeclaims")) {
            return list("PersistentVolumeClaim", claims);
        }
        if (path.endsWith("/pods")) {
            return list("Pod", pods);
        }
        return path.endsWith("/namespaces/synergychat")
            ? { kind: "found", body: namespace }
            : { kind: "not found", message: "" };
    });
    const session = { client, state, settings: settings(config), owners: [owner] };
    return planDestroy(session as unknown as Session);
}

async function keptBy(...args: Parameters<typeof plan>): Promise<readonly string[]> {
    return (await plan(...args)).claims
        .filter(({ kept }) => kept)
        .map(({ claim: { metadata } }) => metadata.name);
}

describe("a destroy", () => {
    const all = [claim(), backupsClaim(), foreign];

    it("keeps no claim, not even a foreign one, unless the namespace stays", async () => {
        assert.deepEqual(await keptBy(all), []);
        assert.deepEqual(await keptBy(all, {}, [keptNamespace]), ["mine"]);
    });

    it("takes no other namespace that its user has declared for the stack's own", async () => {
        const state = [
            { type: guardedTypes.namespace, id: "synergychat" },
            { ...keptNamespace, id: "monitoring", protect: true },
        ];
        const found = await plan(all, {}, state);
        assert.deepEqual(await keptBy(all, {}, state), []);
        assert.equal(single(refusals(found)).code, "foreign-claim-would-be-deleted");
    });

    it("keeps every claim with retainData, except one that somebody has deleted", async () => {
        const retain = { retainData: "true" };
        assert.equal((await keptBy(all, retain)).length, 3);
        const going = claim({ deletionTimestamp: "2026-01-01T00:00:00Z" });
        assert.deepEqual(await keptBy([going, foreign], retain), ["mine"]);
    });

    it("goes by the state for each claim that it has: a claim of a user's own need not be kept", async () => {
        const state = [
            keptNamespace,
            kept("synergychat/synergychat-api-pvc"),
            { type: guardedTypes.claim, id: "synergychat/redis" },
        ];
        const claims = [claim(), claim({ name: "redis" })];
        assert.deepEqual(await keptBy(claims, { retainData: "true" }, state), ["synergychat-api-pvc"]);
    });

    it("leaves a namespace alone in which all is another stack's", async () => {
        const found = await plan(all, {}, [], [], "synergychat-two");
        assert.deepEqual([found.claims, found.items, refusals(found)], [[], [], []]);
    });

    it("deletes a claim that its user has declared, and no other one without owner labels", async () => {
        const redis = claim({ name: "redis", labels: {} });
        const state = [{ type: guardedTypes.claim, id: "synergychat/redis" }];
        const finding = single(refusals(await plan([claim(), redis, foreign], {}, state)));
        assert.equal(finding.code, "foreign-claim-would-be-deleted");
        assert.ok(finding.reason.startsWith("Claim mine "));
    });

    it("is refused while a foreign pod mounts any of the claims that it deletes", async () => {
        for (const mounted of [claim(), backupsClaim()]) {
            const volumes = [{ persistentVolumeClaim: { claimName: mounted.metadata.name } }];
            const pod = { ...object("Pod", "looker", { labels: {} }), spec: { volumes } };
            const found = refusals(await plan([claim(), backupsClaim()], {}, [], [pod]));
            const finding = single(found);
            assert.equal(finding.code, "claim-mounted");
            assert.ok(finding.reason.startsWith(`Claim ${mounted.metadata.name} `));
        }
    });
});
