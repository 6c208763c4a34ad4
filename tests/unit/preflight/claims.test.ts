import { strict as assert } from "node:assert";
import {
    api,
    assertFinding,
    claim,
    codes,
    commandsOf,
    findings,
    object,
    only,
    rejection,
    retained,
    running,
} from "../support/snapshots.ts";

const deletionTimestamp = "2026-01-01T00:00:00Z";
const subject = { kind: "PersistentVolumeClaim", name: "synergychat-api-pvc", namespace: "synergychat" };

describe("the stack's claim", () => {
    it("cannot change its class while it is retained, because it keeps its name", () => {
        const snapshot = { ...running, claims: [claim({ annotations: retained })] };
        const finding = only(snapshot, { storageClass: "roomy", retainData: "true" });
        assertFinding(finding, {
            code: "retained-claim-differs",
            severity: "error",
            subject: { key: "storageClass", value: "roomy" },
        });
        assert.deepEqual(commandsOf(finding), [
            'pulumi config set storageClass ""',
            "kubectl delete pvc synergychat-api-pvc --namespace synergychat",
        ]);
    });

    it("keeps its size if the cluster refuses another one, or its messages move to a new claim", () => {
        const refused = rejection("PersistentVolumeClaim", subject.name, "field can not be less than");
        const finding = only({ ...running, rejections: [refused] }, { storageSize: "500Mi" });
        assertFinding(finding, { code: "rejected-by-cluster", severity: "error", subject });
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set storageSize 1Gi",
            "npm run switch -- ephemeral",
            "pulumi config set storageClass NAME",
            "npm run switch -- persistent",
        ]);
        const kept = claim({ annotations: retained });
        assert.deepEqual(
            commandsOf(only({ ...running, claims: [kept], rejections: [refused] }, { retainData: "true" })),
            [
                "pulumi config set storageSize 1Gi",
                "pulumi config set retainData false",
                "npm run switch -- ephemeral",
                "kubectl delete pvc synergychat-api-pvc --namespace synergychat",
                "pulumi config set storageClass NAME",
                "npm run switch -- persistent",
            ],
        );
    });

    it("stops everything while it is being deleted with its messages", () => {
        const going = { ...running, claims: [claim({ deletionTimestamp })] };
        const finding = only(going);
        assertFinding(finding, { code: "claim-terminating", severity: "error", subject });
        assert.deepEqual(commandsOf(finding).slice(0, 2), [
            "npm run switch -- ephemeral",
            "npm run switch -- persistent",
        ]);
        assert.equal(
            commandsOf(only(going, { retainData: "true" }))[0],
            "pulumi config set retainData false",
        );
    });

    it("may be deleted under a switch to ephemeral storage, and if no pod mounts it any more", () => {
        const going = { ...running, claims: [claim({ deletionTimestamp })] };
        const found = codes(
            going,
            { storageMode: "ephemeral", discardClaim: claim().metadata.uid },
            {
                switching: true,
            },
        );
        assert.deepEqual(found, []);
        // A killed up was replacing the claim.
        assert.deepEqual(findings({ ...going, api: undefined }), []);
    });
});

describe("an existing claim", () => {
    it("must exist, and the claims that exist are named", () => {
        const theirs = object("PersistentVolumeClaim", "theirs", { labels: {} });
        const snapshot = { ...running, claims: [theirs], api: undefined };
        const finding = only(snapshot, { existingClaim: "mine" });
        assertFinding(finding, {
            code: "existing-claim-missing",
            severity: "error",
            subject: { key: "existingClaim", value: "mine" },
        });
        assert.match(finding.reason, /It has: theirs\./);
        assert.deepEqual(findings(snapshot, { existingClaim: "theirs" }), []);
    });

    it("must not be the claim that the stack makes", () => {
        const snapshot = { ...running, api: api({ messages: 0 }) };
        assertFinding(only(snapshot, { existingClaim: "synergychat-api-pvc" }), {
            code: "existing-claim-is-own",
            severity: "error",
            subject: { key: "existingClaim", value: "synergychat-api-pvc" },
        });
    });

    it("must not be on its way out", () => {
        const going = claim({ name: "mine", labels: {}, deletionTimestamp });
        assertFinding(only({ ...running, claims: [going], api: undefined }, { existingClaim: "mine" }), {
            code: "existing-claim-terminating",
            severity: "error",
            subject: { key: "existingClaim", value: "mine" },
        });
    });
});
