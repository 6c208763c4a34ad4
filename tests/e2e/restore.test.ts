/** `npm run backup --file` and `npm run restore`: in both storage modes, killed or not, of a torn file, and of backups. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app.ts";
import { get, kubectl, list } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("npm run restore", function () {
    this.timeout(600_000); // some tests run the command twice

    const stack = new TestStack("restore", { crawlerContainers: 1 });
    const folder = mkdtempSync(join(tmpdir(), "synergychat-restore-"));
    const file = join(folder, "three.json");
    const three = ["one", 'two ä€ "quoted" \\ <b>', "three"];
    const four = [...three, "four"];

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, ...three);
    });
    after(async () => {
        rmSync(folder, { recursive: true });
        await stack.remove();
    });

    async function inFile(script: string): Promise<string> {
        const pod = ["deployment/synergychat-api", "--container=synergychat-api", "--namespace", stack.name];
        return kubectl("exec", ...pod, "--", "sh", "-c", script);
    }

    async function textsInFile(): Promise<string[]> {
        const found = JSON.parse(await inFile('cat "$API_DB_FILEPATH"')) as { Text: string }[];
        return found.map(({ Text }) => Text);
    }

    async function isInService(): Promise<boolean> {
        const { spec } = await get(stack.name, "service", "api-service");
        return !("synergychat/out-of-service" in spec.selector);
    }

    async function succeeds(...args: readonly string[]): Promise<string> {
        const { status, text } = await operation("restore", stack, [...args, "--yes"]);
        assert.equal(status, 0, text);
        assert.ok(await isInService());
        return text;
    }

    async function killedAt(moment: RegExp, ...args: readonly string[]): Promise<void> {
        const { status, text } = await operation("restore", stack, [...args, "--yes"], moment);
        assert.equal(status, null, text);
    }

    /** What the Service says of a restore that was killed. */
    async function copyOfKilled(): Promise<string> {
        const { metadata } = await get(stack.name, "service", "api-service");
        const annotation = metadata.annotations["synergychat/journal"] as string;
        return /:(.*) \(process/.exec(annotation)?.[1] ?? "";
    }

    it("restores what npm run backup --file wrote, byte for byte, for its owner alone to read", async () => {
        const { status, text } = await operation("backup", stack, [`--file=${file}`]);
        assert.equal(status, 0, text);
        assert.equal(readFileSync(file, "utf8"), await inFile('cat "$API_DB_FILEPATH"'));
        assert.equal(statSync(file).mode & 0o777, 0o600);
        await say(stack, "four");
        const [pod] = await list(stack.name, "pod", "--selector=app=synergychat-api");
        await succeeds(file);
        assert.deepEqual(await messages(stack), three);
        assert.equal(await inFile('cat "$API_DB_FILEPATH"'), readFileSync(file, "utf8"));
        const [same] = await list(stack.name, "pod", "--selector=app=synergychat-api");
        assert.equal(same.metadata.uid, pod.metadata.uid);
    });

    it("goes back after a kill, if the copy of what was there is named", async () => {
        await say(stack, "four");
        await killedAt(/^3\/4/m, file);
        const copy = await copyOfKilled();
        assert.equal(statSync(copy).mode & 0o777, 0o600);
        await succeeds(copy);
        assert.deepEqual(await messages(stack), four);
    });

    it("goes on after a kill, and keeps every other command from working until it is complete", async () => {
        await killedAt(/^3\/4/m, file);
        const found = await textsInFile();
        assert.deepEqual(found, found.length === 3 ? three : four);
        const up = await stack.pulumi("up", "--yes", "--skip-preview");
        assert.deepEqual([up.status === 0, codesIn(up.text)], [false, ["restore-interrupted"]], up.text);
        const switched = await operation("switch", stack, ["ephemeral"]);
        assert.deepEqual([switched.status, codesIn(switched.text)], [1, ["restore-interrupted"]]);
        assert.ok(switched.text.includes(await copyOfKilled()), switched.text);
        await succeeds(file);
        assert.deepEqual(await messages(stack), three);
    });

    it("replaces a torn file, and keeps what is left of it", async () => {
        await inFile('printf "[{" > "$API_DB_FILEPATH"');
        const text = await succeeds(file);
        const [, copy = ""] = /is in (\S+\.json)/.exec(text) ?? [];
        assert.equal(readFileSync(copy, "utf8"), "[{");
        assert.deepEqual(await messages(stack), three);
    });

    it("restores what npm run down has backed up before it kept the claims", async () => {
        await say(stack, "four");
        stack.edit({ retainData: true, backupSchedule: "0 3 1 1 *" });
        await stack.up();
        const down = await operation("down", stack, ["--yes"]);
        assert.equal(down.status, 0, down.text);
        const [, name = ""] =
            /Backup (\S+-4-\w+-before-down\.json): 4 messages, proven/.exec(down.text) ?? [];
        await stack.up();
        await say(stack, "five");
        await succeeds(name, "--no-backup");
        assert.deepEqual(await messages(stack), four);
    });

    it("changes nothing if there is no backup of that name", async () => {
        const name = "20260101T000000Z-3-00000000-manual.json";
        const { status, text } = await operation("restore", stack, [name, "--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /There is no backup 20260101T000000Z/);
        assert.ok(await isInService());
        assert.deepEqual(await messages(stack), four);
    });

    it("restores the first messages, on ephemeral storage as well, each time after a backup", async () => {
        const switched = await operation("switch", stack, ["ephemeral"]);
        assert.equal(switched.status, 0, switched.text);
        assert.match(switched.text, /Backup \S+-4-\w+-before-switch\.json: 4 messages, proven/);
        const text = await succeeds(file, "--messages=2");
        assert.match(text, /Backup \S+-4-\w+-before-restore\.json: 4 messages, proven/);
        assert.deepEqual(await messages(stack), three.slice(0, 2));
    });
});
