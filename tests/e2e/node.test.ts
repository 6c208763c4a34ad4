/**
 * Nodes: two of them, one drained and one that dies, then all stopped and started, and deleted with everything on them, as by
 * `minikube stop` and `minikube delete`. In a second sandbox, so that the other scenarios keep their node.
 */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sandboxEnvironment } from "../../cli/clusters/sandbox.ts";
import { poll } from "../../kubernetes/poll.ts";
import { ask, messages, say } from "./support/app.ts";
import { apiRolledOut, get, kubectl, list, until } from "./support/cluster.ts";
import { execute } from "./support/execute.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

describe("nodes", () => {
    const stack = new TestStack("node", {
        crawlerContainers: 1,
        crawlerPods: 2,
        webReplicas: 2,
        storageClass: "standard-wait",
        tolerationSeconds: 5,
        backupSchedule: "0 3 * * *",
    });
    const [first, second] = ["sandbox", "sandbox-2"] as const;
    let environment: NodeJS.ProcessEnv;
    const state = mkdtempSync(join(tmpdir(), "synergychat-node-"));

    before(async function () {
        environment = { ...process.env };
        const built = await execute("npm", ["run", "--silent", "sandbox", "--", "env"], 60_000);
        if (built.status !== 0) {
            this.skip(); // a cluster of somebody's own: nothing of it is stopped or deleted here
        }
        process.env.SYNERGYCHAT_SANDBOX_STATE = state;
        await sandbox("up", "--nodes", "2");
        const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE } = environment;
        Object.assign(process.env, sandboxEnvironment(process.env), {
            PULUMI_BACKEND_URL,
            PULUMI_CONFIG_PASSPHRASE,
        });
        await stack.create();
        // The volume of this class is on the node of the first pod that mounts it.
        await kubectl("cordon", first);
        await stack.up();
        await kubectl("uncordon", first);
        await say(stack, "one", "two");
    });
    after(async () => {
        try {
            await stack.remove();
            await sandbox("clean");
        } finally {
            // The scenarios after this one run in this process as well.
            for (const name of Object.keys(process.env)) {
                Reflect.deleteProperty(process.env, name);
            }
            Object.assign(process.env, environment);
            rmSync(state, { recursive: true, force: true });
        }
    });

    async function sandbox(...args: readonly string[]): Promise<void> {
        const ended = await execute("npm", ["run", "--silent", "sandbox", "--", ...args], 280_000);
        assert.equal(ended.status, 0, ended.stdout + ended.stderr);
    }

    /** The nodes of a part's pods, each as often as it has a pod that is not on its way out. */
    async function nodesOf(part: "web" | "api" | "crawler"): Promise<string[]> {
        const pods = await list(stack.name, "pod", `--selector=app=synergychat-${part}`);
        const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
        return staying.map(({ spec }) => (spec.nodeName ?? "none") as string).sort();
    }

    /** Deletes a pod of the web: the next one comes to the node that has none. */
    async function spreadWeb(): Promise<void> {
        const where = ["--namespace", stack.name];
        const [pod] = await list(stack.name, "pod", "--selector=app=synergychat-web");
        await kubectl("delete", "pod", pod.metadata.name as string, ...where, "--wait=false");
        await kubectl("rollout", "status", "deployment/synergychat-web", ...where, "--timeout=90s");
        assert.deepEqual(await nodesOf("web"), [first, second]);
    }

    /** Runs a command that must succeed. */
    async function succeed(...[script, of, ...more]: Parameters<typeof operation>): Promise<string> {
        const { status, text } = await operation(script, of, ...more);
        assert.equal(status, 0, text);
        return text;
    }

    describe("two of them", () => {
        it("each has a pod of the web, and the api's volume is on the second", async () => {
            await spreadWeb();
            assert.deepEqual(await nodesOf("api"), [second]);
        });

        it("leave verify, switch, backups and restore what they are, also from the second", async () => {
            await succeed("verify", stack);
            const { spec: claim } = await get(stack.name, "pvc", "synergychat-api-pvc");
            await succeed("switch", stack, ["ephemeral"]);
            const jobs = await list(stack.name, "pod", "--selector=app=synergychat-api-backup");
            assert.deepEqual(new Set(jobs.map(({ spec }) => spec.nodeName as string)), new Set([second]));
            await kubectl("wait", "--for=delete", `pv/${claim.volumeName as string}`, "--timeout=60s");
            await kubectl("cordon", first);
            await succeed("switch", stack, ["persistent"]);
            await kubectl("uncordon", first);
            await say(stack, "lost by the restore");
            await succeed("restore", stack, ["newest", "--yes"]);
            assert.deepEqual(await messages(stack), ["one", "two"]);
        });

        it("are drained: the api waits for its volume, and no request to the web fails", async () => {
            let isOver = false as boolean;
            const answers: number[] = [];
            const asking = (async () => {
                while (!isOver) {
                    answers.push((await ask(stack, stack.webHost, "/")).status);
                }
            })();
            await kubectl("drain", second, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=90s");
            isOver = true;
            await asking;
            assert.ok(answers.length > 10, String(answers.length));
            assert.deepEqual(new Set(answers), new Set([200]));
            assert.deepEqual(await nodesOf("web"), [first, first]);
            assert.deepEqual(await nodesOf("crawler"), [first, first]);
            const { status, text } = await operation("up", stack);
            assert.equal(status, 1, text);
            assert.deepEqual(codesIn(text), ["node-unavailable"]);
            const verified = await operation("verify", stack);
            assert.equal(verified.status, 1, verified.text);
            assert.match(verified.text, /node affinity/);
            await kubectl("uncordon", second);
            await apiRolledOut(stack.name);
            assert.deepEqual(await messages(stack), ["one", "two"]);
        });

        it("die: what can move does so by itself, and one line brings the chat up from a backup", async () => {
            await spreadWeb();
            const file = join(state, "chat.json");
            await succeed("backup", stack, ["--file", file]);
            // The first process of the node takes all others along.
            const [pid] = readFileSync(join(state, second, "holder"), "utf8").split(" ");
            process.kill(Number(pid), "SIGKILL");
            await kubectl("wait", "--for=condition=Ready=Unknown", `node/${second}`, "--timeout=90s");
            const where = ["--namespace", stack.name];
            const isEvicted = async () => (await nodesOf("api"))[0] === "none";
            await poll(isEvicted, { seconds: 60, inVain: "the api's pod is not evicted" });
            await kubectl("rollout", "status", "deployment/synergychat-web", ...where, "--timeout=60s");
            assert.deepEqual(await nodesOf("web"), [first, first]);
            await kubectl(
                "taint",
                "nodes",
                second,
                "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute",
            );
            await kubectl("delete", "pvc", "synergychat-api-pvc", "synergychat-api-backups-pvc", ...where);
            await succeed("up", stack);
            await succeed("restore", stack, [file, "--yes"]);
            assert.deepEqual(await messages(stack), ["one", "two"]);
            assert.deepEqual(await nodesOf("api"), [first]);
        });

        it("come back, and a destroy leaves nothing of the volumes on both", async () => {
            await sandbox("up");
            await kubectl("taint", "nodes", second, "node.kubernetes.io/out-of-service-");
            await succeed("down", stack, ["--yes"]);
            // Those of the claims that were deleted while their node was dead go as soon as it is back.
            await until("all volumes are gone", async () => (await list("", "pv")).length === 0);
            await kubectl("cordon", first);
            await stack.up();
            await kubectl("uncordon", first);
            assert.deepEqual(await nodesOf("api"), [second]);
            await say(stack, "one", "two");
        });
    });

    describe("all", () => {
        it("are stopped and started: the messages on persistent storage stay", async () => {
            const claim = await get(stack.name, "pvc", "synergychat-api-pvc");
            await sandbox("down");
            await sandbox("up");
            await apiRolledOut(stack.name);
            assert.deepEqual(await messages(stack), ["one", "two"]);
            assert.equal(
                (await get(stack.name, "pvc", "synergychat-api-pvc")).metadata.uid,
                claim.metadata.uid,
            );
        });

        it("are deleted: the messages are gone with them, and npm run up makes all of it anew", async () => {
            await sandbox("clean");
            const { status, text } = await operation("up", stack);
            assert.equal(status, 0, text);
            assert.deepEqual(await messages(stack), []);
            await stack.up("--expect-no-changes");
        });
    });
});
