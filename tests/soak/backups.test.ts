/**
 * Each phase of a backup's Job killed, with a copy to a bucket, and each phase of a restore, on a guarded stack. While people
 * post, no acknowledged message is lost; the earlier backups stay; no half one counts as proven; and the next run ends well.
 */
import { strict as assert } from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Place, post, read } from "../../pods/tests/support/chat.ts";
import { History } from "../../pods/tests/support/set-full.ts";
import { address, messages } from "../e2e/support/app.ts";
import { makeBucket, makeSecret, targetIn } from "../e2e/support/bucket.ts";
import { get, kubectl, list } from "../e2e/support/cluster.ts";
import { operation } from "../e2e/support/operation.ts";
import { TestStack } from "../e2e/support/stack.ts";

interface Backup {
    readonly name: string;
    readonly messages: number;
    readonly proven: boolean;
    readonly places: readonly string[];
}

/** The processes of a Job's pod, by their command lines. */
const phases: readonly (readonly [string, RegExp])[] = [
    ["the copy", /backup\.ts\0copy/],
    ["the api on the copy", /^\/bin\/api\0/],
    ["the proof", /backup\.ts\0prove/],
    ["the opening of the bucket", /^restic\0.*config/],
    ["restic unlock", /^restic\0.*unlock/],
    ["restic backup", /^restic\0.*\0backup/],
    ["restic check", /^restic\0.*check/],
    // The last one: its lock, if it has it already, keeps copies from being made for 30 minutes.
    ["restic forget", /^restic\0.*forget/],
];

/** What a restore prints, step by step. */
const moments = [/^Reading backup/m, /^Making a backup|^Backup/m, /^1\/4/m, /^2\/4/m, /^3\/4/m, /^4\/4/m];

describe("backups and restores that are killed", function () {
    const bucket = "e2e-soak-bucket";
    const stack = new TestStack("soak-backups", {
        crawlerContainers: 1,
        guard: true,
        backupSchedule: "0 3 1 1 *",
        backupTarget: targetIn(bucket),
    });
    let place: Place;

    before(async () => {
        await makeBucket(bucket);
        await stack.create();
        await stack.up();
        await makeSecret(stack);
        place = { address: await address(stack), host: stack.apiHost };
        await post(place, "first");
    });
    after(async () => {
        await kubectl("delete", "namespace", bucket, "--wait=false");
        await stack.remove();
    });

    async function backups(): Promise<readonly Backup[]> {
        const { stdout } = await operation("backups", stack, ["--json"]);
        return JSON.parse(stdout) as readonly Backup[];
    }

    async function backup(): Promise<void> {
        const { status, text } = await operation("backup", stack);
        assert.equal(status, 0, text);
    }

    /** Kills the first process of this phase in a pod of the stack's backups. Only the sandbox shows them. */
    async function kill(phase: RegExp): Promise<void> {
        const known = new Set((await pods()).map(({ name }) => name));
        const deadline = performance.now() + 120_000;
        let names: readonly string[] = [];
        for (let look = 0; performance.now() < deadline; look++) {
            if (names.length === 0 && look % 10 === 0) {
                names = (await pods()).map(({ name }) => name).filter((name) => !known.has(name));
            }
            const pid = processes(phase).find((one) =>
                names.some((name) => contents(one, "environ").includes(name)),
            );
            if (pid !== undefined) {
                process.kill(pid, "SIGKILL");
                return;
            }
            await sleep(5);
        }
        assert.fail(`not seen: ${String(phase)}`);
    }

    async function pods(): Promise<readonly { readonly name: string }[]> {
        const found = await list(stack.name, "pod", "--selector=app=synergychat-api-backup");
        return found.map(({ metadata }) => metadata);
    }

    function processes(phase: RegExp): readonly number[] {
        return readdirSync("/proc")
            .map(Number)
            .filter((pid) => phase.test(contents(pid, "cmdline")));
    }

    function contents(pid: number, file: string): string {
        try {
            return readFileSync(`/proc/${pid}/${file}`, "utf8");
        } catch {
            return "";
        }
    }

    /** What 4 people are told and see meanwhile. */
    async function whilePeoplePost<T>(happen: () => Promise<T>): Promise<T> {
        const history = new History(await read(place));
        let isOver = false as boolean;
        const people = Array.from({ length: 4 }, async (_, person) => {
            for (let count = 1; !isOver; count++) {
                await history.write(`${performance.now()} ${person}`, (text) => post(place, text));
                await history.read(() => read(place));
                await sleep(200);
            }
        });
        const result = await happen().finally(() => (isOver = true));
        await Promise.all(people);
        await history.read(() => read(place));
        const { acknowledged, silence, lost, duplicated, stale, contradicted } = history.verdict();
        console.log(`      acknowledged ${acknowledged}, longest silence ${Math.round(silence)} ms`);
        assert.deepEqual(
            { lost, duplicated, stale, contradicted },
            { lost: [], duplicated: [], stale: [], contradicted: [] },
        );
        return result;
    }

    for (const moment of moments) {
        it(`are completed by the next run if a restore is killed at ${String(moment)}`, async () => {
            await backup();
            const [newest] = await backups();
            const wanted = await messages(stack);
            await post(place, `before ${String(moment)}`);
            const source = newest?.name ?? "";
            const killed = await operation("restore", stack, [source, "--yes"], moment);
            const { status, text } = await operation("restore", stack, [source, "--yes"]);
            console.log(`      ${killed.status === null ? "killed" : "ended before"}`);
            assert.equal(status, 0, text);
            assert.deepEqual(await messages(stack), wanted);
            const { spec } = await get(stack.name, "service", "api-service");
            assert.ok(!("synergychat/out-of-service" in spec.selector));
        });
    }

    for (const [phase, commandLine] of phases) {
        it(`keep all messages and earlier backups if ${phase} is killed`, async () => {
            const before = await backups();
            const { status, text } = await whilePeoplePost(async () => {
                const [ended] = await Promise.all([operation("backup", stack), kill(commandLine)]);
                return ended;
            });
            const after = await backups();
            const [made = "nothing"] = /^Backup .*$/m.exec(text) ?? [];
            console.log(`      npm run backup: ${status}, ${made}`);
            const stays = before.slice(0, 5).filter(({ proven }) => proven);
            for (const { name } of stays) {
                assert.ok(
                    after.some((one) => one.name === name && one.proven),
                    `${name} is gone`,
                );
            }
            const next = await operation("backup", stack);
            const isLocked = phase === "restic forget" && next.status === 1;
            assert.ok(next.status === 0 || isLocked, next.text);
            const [newest] = await backups();
            assert.deepEqual(
                [newest?.proven, newest?.places],
                [true, isLocked ? ["claim"] : ["claim", "target"]],
            );
        });
    }
});
