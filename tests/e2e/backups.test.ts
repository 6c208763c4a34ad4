/** Backups: made, proven, listed, restored, and never deleted without a question. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { messages, say } from "./support/app.ts";
import { get, kubectl, list } from "./support/cluster.ts";
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
    const stack = new TestStack("backups", { backupSchedule: "0 3 1 1 *", crawlerContainers: 1 });

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    async function backups(expected = 0, code?: string): Promise<readonly Backup[]> {
        const { status, text, stdout } = await operation("backups", stack, ["--json"]);
        assert.equal(status, expected, text);
        assert.deepEqual(codesIn(text), code ? [code] : []);
        return JSON.parse(stdout) as readonly Backup[];
    }

    it("begin with one at the first up", async () => {
        for (let attempt = 0; attempt < 240; attempt++) {
            const job = await get(stack.name, "job", "synergychat-api-backup-first");
            if (job?.status?.succeeded === 1) {
                break;
            }
            await sleep(500);
        }
        const [first, ...others] = await backups();
        assert.deepEqual([first?.reason, first?.proven, others.length], ["first", true, 0]);
        await stack.run("preview", "--refresh", "--expect-no-changes");
    });

    it("are not begun again when somebody deletes the finished Job", async () => {
        const { status } = await get(stack.name, "cronjob", "synergychat-api-backup");
        assert.ok(status?.lastSuccessfulTime);
        await kubectl("delete", "job", "synergychat-api-backup-first", "--namespace", stack.name);
        await stack.run("up", "--yes", "--skip-preview", "--expect-no-changes");
        assert.equal(await get(stack.name, "job", "synergychat-api-backup-first"), undefined);
    });

    it("are listed with exit status 1 while they are overdue, until one is made", async () => {
        const late = JSON.stringify({ status: { lastSuccessfulTime: "2020-01-01T00:00:00Z" } });
        const cronJob = ["cronjob", "synergychat-api-backup", "--namespace", stack.name];
        await kubectl("patch", ...cronJob, "--subresource=status", "--type=merge", `--patch=${late}`);
        const [first] = await backups(1, "backup-overdue");
        assert.ok(first && first.ageSeconds >= 0 && first.ageSeconds < 3600, JSON.stringify(first));
    });

    it("are made on demand, and proven by the api's own image", async () => {
        const { status, text, stdout } = await operation("backup", stack, ["--json"]);
        assert.equal(status, 0, text);
        const [newest] = await backups();
        assert.equal((JSON.parse(stdout) as Backup).name, newest?.name);
        assert.deepEqual([newest?.reason, newest?.messages, newest?.proven], ["manual", 2, true]);
    });

    it("are restored, with a copy of what was there", async () => {
        await say(stack, "three");
        const [newest] = await backups();
        assert.ok(newest);
        const { status, text, stdout } = await operation("restore", stack, [newest.name, "--yes", "--json"]);
        assert.equal(status, 0, text);
        const { source, copy: file } = JSON.parse(stdout) as { source: string; copy: string };
        assert.equal(source, newest.name);
        assert.equal((JSON.parse(readFileSync(file, "utf8")) as unknown[]).length, 3);
        assert.deepEqual(await messages(stack), ["one", "two"]);
        const [copy] = await backups();
        assert.deepEqual([copy?.reason, copy?.messages], ["before-restore", 3]);
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
        const [newest] = await backups();
        assert.deepEqual([newest?.reason, newest?.proven], ["before-upgrade", true]);
        stack.edit({ images: undefined });
        await stack.up();
    });

    it("outlive the data claim", async () => {
        const { uid } = (await get(stack.name, "pvc", "synergychat-api-pvc")).metadata;
        stack.edit({ storageMode: "ephemeral", discardClaim: uid });
        await stack.up();
        assert.equal(await get(stack.name, "pvc", "synergychat-api-pvc"), undefined);
        assert.ok(await get(stack.name, "pvc", "synergychat-api-backups-pvc"));
        stack.edit({ storageMode: undefined, discardClaim: undefined });
        await stack.up();
        const copy = (await backups()).find(({ reason }) => reason === "manual");
        assert.ok(copy);
        const { status, text } = await operation("restore", stack, [copy.name, "--yes"]);
        assert.equal(status, 0, text);
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("are not deleted without a question", async () => {
        stack.edit({ backupSchedule: undefined });
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"]);
        const { uid } = (await get(stack.name, "pvc", "synergychat-api-backups-pvc")).metadata;
        stack.edit({ discardClaim: uid });
        await stack.up();
        assert.equal(await get(stack.name, "pvc", "synergychat-api-backups-pvc"), undefined);
    });
});
