import { strict as assert } from "node:assert";
import { guardCheckOf, memoryCheckOf } from "../../../cli/commands/verify/checks.ts";
import type { ClusterEvent, Pod } from "../../../kubernetes/objects.ts";

const pod: Pod = { metadata: { name: "api-2", uid: "2" } };

function event(reason: string, minute: number, name = "api-2"): ClusterEvent {
    return {
        metadata: { name: `${name}.${minute}`, uid: `${minute}` },
        involvedObject: { name },
        reason,
        message: `${reason} at ${minute}`,
        lastTimestamp: `2026-11-26T12:${String(minute).padStart(2, "0")}:00Z`,
    };
}

const resultOf = (...events: readonly ClusterEvent[]) => guardCheckOf(events, [pod], "").result;

describe("the check of the api's memory", () => {
    it("fails before the messages are too many for it", () => {
        const result = (mebibytes: number) => memoryCheckOf(mebibytes * 2 ** 20, 256).result;
        assert.deepEqual([0, 16, 17].map(result), ["ok", "ok", "failed"]);
    });
});

describe("the check of the guard", () => {
    it("is ok after restarts and repairs, which it counts", () => {
        const events = [event("ApiRestarted", 1), event("ApiRestarted", 2), event("ApiFileRepaired", 3)];
        const { result, seen } = guardCheckOf(events, [pod], "");
        assert.equal(result, "ok");
        assert.match(seen, /restarts 2, repairs 1, shorter files 0, messages put back 0/);
    });

    it("fails with the reason while the guard cannot write", () => {
        const { result, seen } = guardCheckOf([event("ApiGuardFailed", 1)], [pod], "");
        assert.equal(result, "failed");
        assert.equal(seen, "ApiGuardFailed at 1");
    });

    it("is ok once it can again, until the next failure", () => {
        const recovered = [event("ApiGuardFailed", 1), event("ApiGuardRecovered", 2)];
        assert.equal(resultOf(...recovered), "ok");
        assert.equal(resultOf(event("ApiGuardFailed", 3), ...recovered), "failed");
    });

    it("is ok if it was the guard of an earlier pod that failed", () => {
        assert.equal(resultOf(event("ApiGuardFailed", 1, "api-1")), "ok");
    });
});
