/** Which connections the pods may have, tried from pods with their labels on a cluster that enforces network policies. */
import { strict as assert } from "node:assert";
import { askUntilReady, messages, say } from "./support/app.ts";
import { get, list } from "./support/cluster.ts";
import { outcome, startProbe } from "./support/probe.ts";
import { TestStack } from "./support/stack.ts";
import { verify } from "./support/verify.ts";

describe("network policies", () => {
    const stack = new TestStack("policies", {
        guard: true,
        backupSchedule: "0 3 1 1 *",
        crawlerContainers: 2,
    });
    const parts = ["web", "api", "crawler"] as const;
    type Sender = (typeof parts)[number] | "backups" | "stranger";
    const addresses = new Map<string, string>();

    before(async () => {
        await stack.create();
        await stack.up();
    });
    after(() => stack.remove());

    it("leave the page, the messages and every check of verify as they are, with every feature", async () => {
        await say(stack, "hello");
        assert.deepEqual(await messages(stack), ["hello"]);
        assert.equal((await askUntilReady(stack, stack.webHost, "/")).status, 200);
        const report = await verify(stack);
        assert.equal(report.failed, 0);
        assert.equal(report.checks.find(({ heading }) => heading === "Network policies")?.result, "ok");
    });

    it("let through what the app needs, and nothing else", async () => {
        await startProbes();
        const seen: (typeof flows)[number][] = [];
        for (const [from, to, port] of flows) {
            seen.push([from, to, port, (await tried(from, to, port)) as "open" | "closed"]);
        }
        assert.deepEqual(seen, flows);
    });

    /** A pod with the labels of each part, without what makes it one of the Deployment's. */
    async function startProbes(): Promise<void> {
        for (const part of parts) {
            const [pod] = await list(stack.name, "pod", `--selector=app=synergychat-${part}`);
            addresses.set(part, pod.status.podIP as string);
            await startProbe(stack.name, part, { ...pod.metadata.labels, "pod-template-hash": undefined });
        }
        const { spec: cronJob } = await get(stack.name, "cronjob", "synergychat-api-backup");
        const { labels } = cronJob.jobTemplate.spec.template.metadata;
        await startProbe(stack.name, "backups", labels as object);
        await startProbe(stack.name, "stranger", {});
        addresses.set("stranger", (await get(stack.name, "pod", "probe-stranger")).status.podIP as string);
        const { spec } = await get("default", "service", "kubernetes");
        addresses.set("API server", spec.clusterIP as string);
        addresses.set("DNS", (await get("kube-system", "service", "kube-dns")).spec.clusterIP as string);
    }

    const tried = (from: Sender, to: string, port: number) =>
        outcome(stack.name, from, addresses.get(to) ?? assert.fail(to), port);

    /** The api's own port is not the guard's, which is the way in. */
    const flows: readonly (readonly [from: Sender, to: string, port: number, expected: "open" | "closed"])[] =
        [
            ["stranger", "web", 8080, "open"],
            ["stranger", "api", 8081, "open"],
            ["stranger", "api", 8080, "closed"],
            ["stranger", "crawler", 8080, "closed"],
            ["stranger", "crawler", 8081, "closed"],
            ["stranger", "DNS", 53, "open"],
            ["web", "api", 8081, "closed"],
            ["web", "crawler", 8080, "closed"],
            ["web", "DNS", 53, "closed"],
            ["web", "API server", 443, "closed"],
            ["api", "crawler", 8080, "open"],
            ["api", "crawler", 8081, "closed"],
            ["api", "web", 8080, "closed"],
            ["api", "DNS", 53, "open"],
            ["api", "API server", 443, "open"],
            ["crawler", "api", 8081, "closed"],
            ["crawler", "web", 8080, "closed"],
            ["crawler", "DNS", 53, "open"],
            ["crawler", "API server", 443, "closed"],
            ["backups", "api", 8081, "open"],
            ["backups", "crawler", 8080, "closed"],
            ["backups", "DNS", 53, "open"],
            ["backups", "API server", 443, "closed"],
        ];

    it("are gone with their key, and then everything is open", async () => {
        stack.edit({ networkPolicies: false });
        await stack.up();
        assert.deepEqual(await list(stack.name, "networkpolicy"), []);
        for (const [from, to, port] of flows) {
            assert.equal(await tried(from, to, port), "open", `${from} to ${to}:${String(port)}`);
        }
    });
});
