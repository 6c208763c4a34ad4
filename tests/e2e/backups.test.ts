/** Backups: made, proven, listed, restored, never deleted without a question, and not let happen by the cluster. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { messages, say } from "./support/app.ts";
import { get, kubectl, list, until } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

interface Backup {
    readonly name: string;
    readonly messages: number;
    readonly reason: string;
    readonly proven: boolean;
    readonly ageSeconds: number;
}

describe("the backups", () => {
    const never = "e2e-backups-never";
    const stack = new TestStack("backups", { backupSchedule: "0 3 1 1 *", crawlerContainers: 1 });
    const where = ["--namespace", stack.name];
    let manual: Backup;

    before(async () => {
        await kubectl("apply", "--filename", `${import.meta.dirname}/support/class-of-backups.yaml`);
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(async () => {
        await stack.remove();
        await kubectl("delete", "storageclass", never);
    });

    async function backups(expected = 0, code?: string): Promise<readonly Backup[]> {
        const { status, text, stdout } = await operation("backups", stack, ["--json"]);
        assert.equal(status, expected, text);
        assert.deepEqual(codesIn(text), code ? [code] : []);
        return JSON.parse(stdout) as readonly Backup[];
    }

    it("begin with one at the first up, and not again when somebody deletes its finished Job", async () => {
        await until("the first backup is made", async () => {
            const { status } = await get(stack.name, "cronjob", "synergychat-api-backup");
            return status?.lastSuccessfulTime !== undefined;
        });
        await kubectl("delete", "job", "synergychat-api-backup-first", ...where);
        await stack.run("up", "--yes", "--skip-preview", "--expect-no-changes");
        assert.equal(await get(stack.name, "job", "synergychat-api-backup-first"), undefined);
    });

    it("are listed with exit status 1 while they are overdue", async () => {
        const late = JSON.stringify({ status: { lastSuccessfulTime: "2020-01-01T00:00:00Z" } });
        const cronJob = ["cronjob", "synergychat-api-backup", ...where];
        await kubectl("patch", ...cronJob, "--subresource=status", "--type=merge", `--patch=${late}`);
        const [first, ...others] = await backups(1, "backup-overdue");
        assert.ok(first && first.ageSeconds >= 0 && first.ageSeconds < 3600, JSON.stringify(first));
        assert.deepEqual([first.reason, first.proven, others.length], ["first", true, 0]);
    });

    it("are made on demand, and proven by the api's own image", async () => {
        const { status, text, stdout } = await operation("backup", stack, ["--json"]);
        assert.equal(status, 0, text);
        manual = JSON.parse(stdout) as Backup;
        assert.deepEqual([manual.reason, manual.messages, manual.proven], ["manual", 2, true]);
    });

    it("are tried with a new image before it takes the old one's place", async () => {
        const [before] = await list(stack.name, "pod", "--selector=app=synergychat-api");
        // An image that starts and does not serve the messages.
        stack.edit({ images: { api: "bootdotdev/synergychat-web:latest" } });
        const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), ["upgrade-refused"], text);
        const [after] = await list(stack.name, "pod", "--selector=app=synergychat-api");
        assert.equal(after.metadata.uid, before.metadata.uid);
        stack.edit({ images: { api: "bootdotdev/synergychat-api:without-shell" } });
        await stack.up();
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("outlive the data claim, and are restored to ephemeral storage, with a copy of what was there", async () => {
        const { uid } = (await get(stack.name, "pvc", "synergychat-api-pvc")).metadata;
        stack.edit({ images: undefined, storageMode: "ephemeral", discardClaim: uid });
        await stack.up();
        assert.equal(await get(stack.name, "pvc", "synergychat-api-pvc"), undefined);
        await say(stack, "three");
        const { status, text, stdout } = await operation("restore", stack, [manual.name, "--yes", "--json"]);
        assert.equal(status, 0, text);
        const { source, copy } = JSON.parse(stdout) as { source: string; copy: string };
        assert.equal(source, manual.name);
        assert.deepEqual(
            (JSON.parse(readFileSync(copy, "utf8")) as { Text: string }[]).map(({ Text }) => Text),
            ["three"],
        );
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("are listed, the newest first, each with its reason and whether it is proven", async () => {
        const [beforeRestore, upgraded, refused, ...older] = await backups();
        assert.deepEqual(
            [beforeRestore, upgraded, refused].map((backup) => [
                backup?.reason,
                backup?.messages,
                backup?.proven,
            ]),
            [
                ["before-restore", 1, true],
                ["before-upgrade", 2, true],
                ["before-upgrade", 2, false],
            ],
        );
        assert.deepEqual(
            older.map(({ name, reason }) => (reason === "manual" ? name : reason)),
            [manual.name, "first"],
        );
    });

    it("are not deleted without a question, and ephemeral messages stay without a warning", async () => {
        stack.edit({ backupSchedule: undefined, discardClaim: undefined });
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
        const { uid } = (await get(stack.name, "pvc", "synergychat-api-backups-pvc")).metadata;
        stack.edit({ discardClaim: uid });
        assert.deepEqual(codesIn(await stack.up()), []);
        assert.equal(await get(stack.name, "pvc", "synergychat-api-backups-pvc"), undefined);
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    async function backupFails(reason: RegExp): Promise<void> {
        const { status, text } = await operation("backup", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["backup-not-made"]);
        assert.match(text, reason);
        assert.deepEqual(await messages(stack), ["one", "two"]);
    }

    it("fail with the name of their claim if it is never bound", async () => {
        stack.edit({ backupSchedule: "0 3 1 1 *", storageClass: never, discardClaim: undefined });
        await stack.up();
        await backupFails(/synergychat-api-backups-pvc is not bound/);
    });

    it("fail with the quota if it lets no Job be made", async () => {
        await kubectl("create", "quota", "none", "--hard=count/jobs.batch=0", ...where);
        await backupFails(/exceeded quota: none/);
    });
});
