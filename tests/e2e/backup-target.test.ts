/** Backups that restic copies to a bucket: from there alone, the chat comes up elsewhere. */
import { strict as assert } from "node:assert";
import { stackLabels } from "../../model/labels.ts";
import { backupsReaderName } from "../../model/names.ts";
import { ask, messages, say } from "./support/app.ts";
import { makeBucket, makeSecret, targetIn } from "./support/bucket.ts";
import { deleteLeftVolumes, get, kubectl, list } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { outcomes, startProbes } from "./support/probe.ts";
import { TestStack } from "./support/stack.ts";

interface Backup {
    readonly name: string;
    readonly reason: string;
    readonly places: readonly string[];
}

describe("backups in a bucket", function () {
    this.timeout(600_000); // the last test makes a second stack

    const bucket = "e2e-bucket";
    const config = {
        backupSchedule: "0 3 1 1 *",
        backupsKept: 1,
        backupTarget: targetIn(bucket),
        crawlerContainers: 1,
    };
    const stack = new TestStack("target", config);
    const elsewhere = new TestStack("target-elsewhere", config);
    /** Names of backups. */
    let firstCopied = "";
    let notCopied = "";

    before(async () => {
        await makeBucket(bucket);
        await stack.create();
    });
    after(async () => {
        await kubectl("delete", "namespace", bucket, "--wait=false");
        await stack.remove();
        await elsewhere.remove();
    });

    async function backup(expected: number, ...codes: readonly string[]): Promise<void> {
        const { status, text } = await operation("backup", stack);
        assert.deepEqual([status, codesIn(text)], [expected, codes], text);
        assert.match(text, /Backup \S+: \d+ messages, proven\./);
    }

    async function backups(expected: number, ...codes: readonly string[]): Promise<readonly Backup[]> {
        const { status, text } = await operation("backups", stack, ["--json"]);
        assert.deepEqual([status, codesIn(text)], [expected, codes], text);
        const [found = ""] = /^\[$[^]*?^\]$/m.exec(text) ?? []; // The findings are on standard error.
        return JSON.parse(found) as readonly Backup[];
    }

    it("need a Secret, which is said before the namespace is made, and refused from then on", async () => {
        assert.deepEqual(codesIn(await stack.up()), ["target-secret-incomplete"]);
        await say(stack, "one", 'two ä€ "quoted" <b>');
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0, text);
        assert.ok(codesIn(text).includes("target-secret-incomplete"), text);
        await makeSecret(stack);
    });

    it("are there once they are proven, and are listed with those of the claim", async () => {
        await backup(0);
        const [newest] = await backups(0);
        assert.deepEqual([newest?.reason, newest?.places], ["manual", ["claim", "target"]]);
        firstCopied = newest?.name ?? "";
    });

    it("are reached by their own pods only, which reach nothing else", async () => {
        const other = stackLabels(`synergychat-${stack.name}`);
        await startProbes(stack.name, { other, backup: { ...other, app: backupsReaderName } });
        const [s3] = await list(bucket, "pod");
        const [web] = await list(stack.name, "pod", "--selector=app=synergychat-web");
        const { spec } = await get("default", "service", "kubernetes");
        const toBucket = [s3.status.podIP, 9000] as const;
        const others = [
            [web.status.podIP, 8080],
            [spec.clusterIP, 443],
        ] as const;
        const seen = await outcomes(stack.name, "backup", [toBucket, ...others]);
        assert.deepEqual(seen, ["open", "closed", "closed"]);
        assert.deepEqual(await outcomes(stack.name, "other", [toBucket]), ["closed"]);
    });

    it("fail visibly with a wrong password, and the backup stays on its claim", async () => {
        await makeSecret(stack, "wrong");
        await say(stack, "three");
        await backup(1, "backup-not-copied");
        const events = await list(
            stack.name,
            "event",
            "--field-selector=reason=PodFailurePolicy,type=Warning",
        );
        assert.ok(events.length > 0);
        // The Secret is there now: this is no reason to refuse.
        const text = await stack.run("preview", "--expect-no-changes");
        assert.match(text.replaceAll(/\s+/g, " "), /\[backup-not-copied\]/);
        const [newest] = await backups(1, "backup-not-copied", "target-unreadable");
        assert.deepEqual([newest?.reason, newest?.places], ["manual", ["claim"]]);
        notCopied = newest?.name ?? "";
        await makeSecret(stack);
    });

    it("keep no restore from working while the bucket cannot be reached", async () => {
        const selector = (app: string) => `--patch={"spec":{"selector":{"app":"${app}"}}}`;
        await kubectl("patch", "service", "s3", "--namespace", bucket, selector("nothing"));
        await say(stack, "four");
        const restored = await operation("restore", stack, [notCopied, "--yes"]);
        assert.deepEqual(
            [restored.status, codesIn(restored.text)],
            [0, ["backup-not-copied"]],
            restored.text,
        );
        assert.equal((await messages(stack)).length, 3);
        await kubectl("patch", "service", "s3", "--namespace", bucket, selector("s3"));
    });

    it("are deleted there too when there are more than are kept", async () => {
        await backup(0);
        const found = await backups(0);
        // As many are kept of each reason: the backup after the first up has messages if somebody posted before it.
        const copied = found.filter(({ reason, places }) => reason === "manual" && places.includes("target"));
        assert.deepEqual(
            copied.map(({ name }) => name),
            [found[0]?.name],
        );
        assert.deepEqual(found.find(({ name }) => name === firstCopied)?.places, ["claim"]);
    });

    it("bring the chat up elsewhere when cluster and volumes are gone", async () => {
        const { body } = await ask(stack, stack.apiHost, "/messages");
        await kubectl("delete", "namespace", stack.name, "--timeout=100s");
        await deleteLeftVolumes((namespace) => namespace === stack.name);
        await elsewhere.create();
        await elsewhere.up();
        assert.deepEqual(await messages(elsewhere), []);
        await makeSecret(elsewhere);
        const { status, text } = await operation("restore", elsewhere, ["newest", "--yes"]);
        assert.equal(status, 0, text);
        assert.equal((await messages(elsewhere)).length, 3);
        assert.equal((await ask(elsewhere, elsewhere.apiHost, "/messages")).body, body);
    });
});
