import assert from "node:assert/strict";
import { saysOld, type PodList } from "../cluster.ts";
import { startOf } from "../namespace.ts";
import { isRecent } from "../toolchain.ts";

describe("a resumed cluster", () => {
    const since = new Date("2026-01-01T12:00:00Z");
    const pods = (startedAt?: string): PodList => ({
        items: [
            { metadata: { namespace: "default" }, status: {} },
            {
                metadata: { namespace: "default" },
                status: {
                    containerStatuses: [{ ready: true, state: startedAt ? { running: { startedAt } } : {} }],
                },
            },
        ],
    });

    it("is not believed while it speaks of containers from before", () => {
        assert.equal(saysOld(pods("2026-01-01T11:59:59Z"), since), true);
    });

    it("is believed of containers that run since, or do not run", () => {
        assert.equal(saysOld(pods("2026-01-01T12:00:00Z"), since), false);
        assert.equal(saysOld(pods(), since), false);
    });
});

describe("a process", () => {
    it("is known by the moment of its start, whatever it is called", () => {
        const fields = Array.from({ length: 49 }, (_, index) => `${index + 4}`).join(" ");
        assert.equal(startOf(`42 (tini) S ${fields}`), "22");
        assert.equal(startOf(`42 (a ) b) S ${fields}`), "22");
        assert.equal(startOf(""), undefined);
    });
});

describe("a Pulumi on the PATH", () => {
    it("has to be recent", () => {
        assert.equal(isRecent("v3.259.0\n"), true);
        assert.equal(isRecent("3.219.0"), true);
        assert.equal(isRecent("v3.199.0"), false);
        assert.equal(isRecent("4.0.0"), true);
        assert.equal(isRecent("no version"), false);
    });
});
