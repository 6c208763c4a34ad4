import { strict as assert } from "node:assert";
import { checkExistingClaim, claimToCheck } from "../../../preflight/trials.ts";
import type { Answer } from "../../../kubernetes/client.ts";
import { fakeClient } from "../support/client.ts";
import { type Config, api, claim, running, settings } from "../support/snapshots.ts";

const found = (body: unknown): Answer => ({ kind: "found", body });
const mine = { ...claim({ name: "mine", uid: "2", labels: {} }), status: { phase: "Bound" } };
const pending = { ...mine, status: { phase: "Pending" } };
const fresh = { ...running, claims: [mine], api: undefined };
const config: Config = { existingClaim: "mine" };

describe("claimToCheck", () => {
    const named = (changed: Partial<typeof running>, keys: Config = config) =>
        claimToCheck(settings(keys), { ...fresh, ...changed })?.metadata.name;

    it("is an existing claim that the api does not mount yet", () => {
        assert.equal(named({}), "mine");
        assert.equal(named({ api: api({ claim: "synergychat-api-pvc" }) }), "mine");
        assert.equal(named({ api: api({ claim: "mine" }) }), undefined);
    });

    it("is none of the stack's own claims", () => {
        assert.equal(named({}, {}), undefined);
        assert.equal(named({}, { storageMode: "ephemeral" }), undefined);
    });

    it("has a volume already", () => {
        assert.equal(named({ claims: [pending] }), undefined);
        assert.equal(named({ claims: [] }), undefined);
    });
});

describe("checkExistingClaim", () => {
    /** The codes of the findings if the check's Job ends like this, and the requests that delete something. */
    async function check(end: "Complete" | "Failed", log: string) {
        const deleted: string[] = [];
        const client = fakeClient((path, method) => {
            if (method === "DELETE") {
                deleted.push(path);
            }
            if (path.includes("/log?")) {
                return found(log);
            }
            if (path.includes("/pods?")) {
                return found({ kind: "PodList", items: [{ metadata: { name: "pod" } }] });
            }
            return path.includes("/jobs/")
                ? found({ status: { conditions: [{ type: end, status: "True" }] } })
                : found({ spec: { hostPath: { path: "/data" } } });
        });
        const trials = { existingClaim: {}, newImage: undefined };
        const findings = [await checkExistingClaim(client, settings(config), fresh, trials)].flat();
        return { codes: findings.map(({ code }) => code), deleted: deleted.length };
    }

    it("finds that the file is unusable, and deletes its Job", async () => {
        const codes = ["existing-claim-file-unusable"];
        assert.deepEqual(await check("Complete", "unusable\n"), { codes, deleted: 1 });
    });

    it("finds nothing if the file is usable, or if it cannot find out, and deletes its Job", async () => {
        assert.deepEqual(await check("Complete", ""), { codes: [], deleted: 1 });
        assert.deepEqual(await check("Failed", "sh: not found"), { codes: [], deleted: 1 });
    });
});
