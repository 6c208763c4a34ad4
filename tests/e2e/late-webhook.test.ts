/** An admission webhook for Ingresses that is ready late, as that of ingress-nginx is after a start of minikube. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { messages, say } from "./support/app.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { type Result, TestStack } from "./support/stack.ts";

describe("an ingress webhook that is not ready", () => {
    const stack = new TestStack("late-webhook", { crawlerContainers: 1 });
    const name = "e2e-late-webhook.example.org";
    const folder = mkdtempSync(join(tmpdir(), "synergychat-webhook-"));

    before(async () => {
        await remove();
        await stack.create();
        await create();
    });
    after(async () => {
        await remove();
        await stack.remove();
        rmSync(folder, { recursive: true });
    });

    /** Refuses the Ingresses of this scenario alone, because the Service behind the webhook does not exist. */
    async function create(): Promise<void> {
        const configuration = {
            apiVersion: "admissionregistration.k8s.io/v1",
            kind: "ValidatingWebhookConfiguration",
            metadata: { name },
            webhooks: [
                {
                    name,
                    admissionReviewVersions: ["v1"],
                    sideEffects: "None",
                    failurePolicy: "Fail",
                    timeoutSeconds: 5,
                    clientConfig: { service: { namespace: "default", name: "e2e-late-webhook" } },
                    objectSelector: {
                        matchLabels: { "app.kubernetes.io/instance": `synergychat-${stack.name}` },
                    },
                    rules: [
                        {
                            apiGroups: ["networking.k8s.io"],
                            apiVersions: ["v1"],
                            operations: ["CREATE", "UPDATE"],
                            resources: ["ingresses"],
                        },
                    ],
                },
            ],
        };
        const file = join(folder, "webhook.yaml");
        writeFileSync(file, stringify(configuration));
        await kubectl("create", "--filename", file);
    }

    const remove = () =>
        kubectl("delete", "validatingwebhookconfiguration", name, "--ignore-not-found", "--wait=true");

    /** Runs `npm run up`. The webhook is ready so many seconds after the command began to wait for it. */
    async function upWhileLate(seconds: number): Promise<Result> {
        const command = ["cli/main.ts", "up", stack.name, "--yes"];
        const child = spawn(process.execPath, command, { stdio: ["ignore", "pipe", "pipe"] });
        let text = "";
        let ready: Promise<string> | undefined;
        const take = (chunk: string): void => {
            text += chunk;
            if (text.includes("Waiting for the ingress controller")) {
                ready ??= sleep(seconds * 1000).then(remove);
            }
        };
        for (const stream of [child.stdout, child.stderr]) {
            stream.setEncoding("utf8").on("data", take);
        }
        const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
        assert.ok(ready, `it did not wait:\n${text}`);
        await ready;
        return { status, text };
    }

    it("stops plain pulumi up before it makes anything", async () => {
        const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
        assert.notEqual(status, 0);
        assert.deepEqual(codesIn(text), ["rejected-by-cluster"], text);
        assert.equal(await get("", "namespace", stack.name), undefined);
    });

    it("is waited for by npm run up, which then succeeds", async () => {
        const { status, text } = await upWhileLate(20);
        assert.equal(status, 0, text);
        assert.deepEqual(codesIn(text), [], text);
        await say(stack, "reached");
        assert.deepEqual(await messages(stack), ["reached"]);
    });

    it("does not stop a change that leaves the Ingress as it is", async () => {
        await create();
        stack.edit({ webReplicas: 2 });
        const text = await stack.up();
        assert.deepEqual(codesIn(text), [], text);
        assert.equal((await get(stack.name, "deployment", "synergychat-web")).spec.replicas, 2);
    });
});
