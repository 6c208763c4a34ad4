import { strict as assert } from "node:assert";
import type { ClusterSnapshot } from "../../../kubernetes/snapshot.ts";
import { incompleteSecret, missingBackups } from "../../../preflight/backups.ts";
import {
    type Config,
    assertFinding,
    backedUp,
    codes,
    commandsOf,
    copied,
    cronJob,
    fresh,
    job,
    nightly,
    notSent,
    object,
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
        const failed = job("2", "Failed", { creationTimestamp: "2026-01-05T04:00:00Z" });
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), job("1", "Complete"), failed), [
            "backup-failed",
        ]);
        const later = job("3", "Complete", { creationTimestamp: "2026-01-05T05:00:00Z" });
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), failed, later), []);
    });

    it("are not missing if an image was refused on a backup: the update has said so", () => {
        const refused = job("before-upgrade-1", "Failed", { creationTimestamp: "2026-01-05T04:00:00Z" });
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), job("1", "Complete"), refused), []);
    });

    it("are warned about if the newest one is older than two intervals", () => {
        assert.deepEqual(missing(cronJob("2026-01-03T12:00:00Z")), []);
        assert.deepEqual(missing(cronJob("2026-01-03T11:59:59Z")), ["backup-overdue"]);
        assert.deepEqual(missing(cronJob(undefined)), ["backup-overdue"]);
    });

    it("are warned about if the clock of the cluster was ahead, which stops the schedule", () => {
        assert.deepEqual(missing(cronJob("2026-01-05T12:59:00Z")), []);
        assert.deepEqual(missing(cronJob("2027-01-05T03:00:05Z")), ["backup-overdue"]);
    });

    it("are not missing if only the copy to the target failed, which is said", () => {
        assert.deepEqual(missing(cronJob("2026-01-05T03:00:05Z"), job("1", "Failed", { reason: notSent })), [
            "backup-not-copied",
        ]);
    });

    it("do not matter without backups in the config", () => {
        assert.deepEqual(missingBackups(settings(), { objects: [cronJob(), job("1", "Failed")] }, now), []);
    });
});

describe("the Secret of the target", () => {
    const all = ["RESTIC_PASSWORD", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    const secret = (keys: readonly string[]) => ({
        ...object("Secret", "synergychat-backup-target"),
        data: Object.fromEntries(keys.map((key) => [key, ""])),
    });
    const found = (
        targetSecret: ClusterSnapshot["targetSecret"],
        config: Config = copied,
        snapshot = backedUp,
    ) => [incompleteSecret(settings(config), { ...snapshot, targetSecret })].flat();

    it("is fine with its keys, and with more", () => {
        assert.deepEqual(found(secret([...all, "AWS_DEFAULT_REGION"])), []);
    });

    it("stops a change if it is missing or lacks a key", () => {
        for (const lacking of [undefined, secret(all.slice(1)), secret(all.slice(0, 2))]) {
            const [finding, ...others] = found(lacking);
            assert.deepEqual(
                [finding?.severity, finding?.code, others],
                ["error", "target-secret-incomplete", []],
            );
        }
    });

    it("is warned about before there is a namespace for it", () => {
        assert.deepEqual(
            found(undefined, copied, fresh).map(({ severity }) => severity),
            ["warning"],
        );
    });

    it("does not matter if the user may not read it, or without a target", () => {
        assert.deepEqual(found("forbidden"), []);
        assert.deepEqual(found(undefined, nightly), []);
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
