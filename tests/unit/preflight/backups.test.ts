import { strict as assert } from "node:assert";
import { missingBackups } from "../../../preflight/backups.ts";
import {
    assertFinding,
    backedUp,
    codes,
    commandsOf,
    cronJob,
    job,
    nightly,
    only,
    running,
    settings,
    uid,
} from "../support/snapshots.ts";

const now = new Date("2026-01-05T12:00:00Z");

function missing(...objects: ReturnType<typeof job>[]): string[] {
    return missingBackups(settings(nightly), { objects }, now).map(({ code }) => code);
}

describe("missing backups", () => {
    it("do not exist while each night has one", () => {
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), job("1", "Complete")), []);
    });

    it("are warned about if the last one failed, whatever made it", () => {
        const failed = job("2", "Failed", "2026-01-05T04:00:00Z");
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), job("1", "Complete"), failed), [
            "backup-failed",
        ]);
        const later = job("3", "Complete", "2026-01-05T05:00:00Z");
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), failed, later), []);
    });

    it("are warned about if the newest one is older than two intervals", () => {
        assert.deepEqual(missing(cronJob("2026-01-03T03:00:05Z")), []);
        assert.deepEqual(missing(cronJob("2026-01-02T03:00:05Z")), ["backup-overdue"]);
        assert.deepEqual(missing(cronJob(undefined)), ["backup-overdue"]);
    });

    it("do not matter without backups in the config", () => {
        assert.deepEqual(missingBackups(settings(), { objects: [cronJob(), job("1", "Failed")] }, now), []);
    });
});

describe("the claim of the backups", () => {
    it("is not deleted without a question when the backups are switched off", () => {
        const finding = only(backedUp);
        assertFinding(finding, {
            code: "claim-would-be-deleted",
            severity: "error",
            subject: {
                kind: "PersistentVolumeClaim",
                name: "synergychat-api-backups-pvc",
                namespace: "synergychat",
                uid: "2",
            },
        });
        assert.ok(commandsOf(finding).includes("pulumi config set backupSchedule '0 3 * * *'"));
    });

    it("stays with ephemeral storage, and with another storage class", () => {
        const discarded = { ...nightly, discardClaim: uid };
        assert.deepEqual(codes(backedUp, { ...discarded, storageMode: "ephemeral" }), []);
        assert.deepEqual(codes(backedUp, { ...discarded, storageClass: "roomy" }), []);
    });

    it("is new if the stack is up without backups", () => {
        assert.deepEqual(codes(running, nightly), []);
    });
});
