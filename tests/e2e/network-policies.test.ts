/** Which connections the pods may have, tried from pods with their labels on a cluster that enforces network policies. */
import { strict as assert } from "node:assert";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { askUntilReady, messages, say } from "./support/app.ts";
import { get, kubectl, list } from "./support/cluster.ts";
import { TestStack } from "./support/stack.ts";
import { verify } from "./support/verify.ts";

/** Says whether a connection is open within three seconds. */
const attempt = `
    const [host, port] = process.argv.slice(1);
    const socket = require("node:net").connect({ host, port: Number(port), timeout: 3_000 });
    const say = (what) => { console.log(what); process.exit(); };
    socket.on("connect", () => say("open"));
    socket.on("timeout", () => say("closed"));
    socket.on("error", () => say("closed"));
`;

describe("network policies", () => {
    const stack = new TestStack("policies", {
        guard: true,
        backupSchedule: "0 3 1 1 *",
        crawlerContainers: 2,
    });
    const where = ["--namespace", stack.name];
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
        for (const part of parts) {
            const [pod] = await list(stack.name, "pod", `--selector=app=synergychat-${part}`);
            addresses.set(part, pod.status.podIP as string);
            // Without what makes a pod one of the Deployment's.
            await startProbe(part, { ...pod.metadata.labels, "pod-template-hash": undefined });
        }
        const { spec: cronJob } = await get(stack.name, "cronjob", "synergychat-api-backup");
        await startProbe("backups", cronJob.jobTemplate.spec.template.metadata.labels as object);
        await startProbe("stranger", {});
        addresses.set("stranger", (await get(stack.name, "pod", "probe-stranger")).status.podIP as string);
        const { spec } = await get("default", "service", "kubernetes");
        addresses.set("API server", spec.clusterIP as string);
        addresses.set("DNS", (await get("kube-system", "service", "kube-dns")).spec.clusterIP as string);
        const seen: (typeof flows)[number][] = [];
        for (const [from, to, port] of flows) {
            seen.push([from, to, port, (await outcome(from, to, port)) as "open" | "closed"]);
        }
        assert.deepEqual(seen, flows);
    });

    async function startProbe(sender: Sender, labels: object): Promise<void> {
        const manifest = readFileSync(join(import.meta.dirname, "support/probe.yaml"), "utf8");
        const file = join(process.env.TMPDIR ?? "/tmp", `${stack.name}-probe.yaml`);
        writeFileSync(
            file,
            manifest.replace("NAME", `probe-${sender}`).replace("LABELS", JSON.stringify(labels)),
        );
        await kubectl("apply", "--filename", file, ...where);
        await kubectl(
            "wait",
            "--for=jsonpath={.status.phase}=Running",
            `pod/probe-${sender}`,
            ...where,
            "--timeout=120s",
        );
    }

    async function outcome(sender: Sender, host: string, port: number): Promise<string> {
        const target = [addresses.get(host) ?? assert.fail(host), String(port)];
        const program = ["node", "-e", attempt, ...target];
        return (await kubectl("exec", `probe-${sender}`, ...where, "--", ...program)).trim();
    }

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
            assert.equal(await outcome(from, to, port), "open", `${from} to ${to}:${String(port)}`);
        }
    });
});
