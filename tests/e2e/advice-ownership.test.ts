/** The same for a claim that somebody else made, and for pods of others. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimFile, configure, fixesIn, follow, refused } from "./support/advice.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

const claimName = "synergychat-api-pvc";
const folder = mkdtempSync(join(tmpdir(), "synergychat-advice-"));
after(() => {
    rmSync(folder, { recursive: true });
});

describe("the advice about what others own", () => {
    const stack = new TestStack("owned", { crawlerContainers: 1, exposure: "none" });
    const { name } = stack;

    before(() => stack.create());
    after(() => stack.remove());

    it("leads to an existing claim in a namespace that does not exist yet", async () => {
        configure(stack, { existingClaim: "mine" });
        const text = await refused(stack, "existing-claim-missing");
        await follow(stack, text, "existing-claim-missing", "Make the namespace", {
            "CLAIM.yaml": claimFile("mine"),
        });
        await stack.up();
        assert.equal((await stack.outputs()).claimName, "mine");
    });

    it("destroys a stack that was protected, although others have a claim in its namespace and mount its own", async () => {
        configure(stack, { existingClaim: undefined, protectData: true });
        await stack.up();
        await kubectl("create", "--namespace", name, "--filename", readers());
        await kubectl("rollout", "status", "deployment/reader", "--namespace", name, "--timeout=120s");
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        const codes = ["data-protected", "foreign-claim-would-be-deleted", "claim-mounted"];
        assert.deepEqual(codesIn(text).toSorted(), codes.toSorted(), text);
        // A Deployment with two pods is named once.
        assert.equal(text.match(/\[claim-mounted\]/g)?.length, 1, text);
        assert.equal(fixesIn(text, "claim-mounted").length, 1, text);
        await follow(stack, text, "foreign-claim-would-be-deleted", "Delete the claim");
        await follow(stack, text, "claim-mounted", "Stop the pods, and what would start them again");
        await follow(stack, text, "data-protected", "Destroy the stack anyway");
        assert.equal(await get("", "namespace", name), undefined);
    });

    /** A file with a Deployment of two pods that mount the stack's claim. */
    function readers(): string {
        const file = join(folder, "readers.yaml");
        const labels = { app: "reader" };
        const container = {
            name: "reader",
            image: "bootdotdev/synergychat-api:latest",
            imagePullPolicy: "IfNotPresent",
            env: [{ name: "API_PORT", value: "8080" }],
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
            volumeMounts: [{ name: "data", mountPath: "/data", readOnly: true }],
        };
        const pod = {
            securityContext: {
                runAsNonRoot: true,
                runAsUser: 65532,
                seccompProfile: { type: "RuntimeDefault" },
            },
            containers: [container],
            volumes: [{ name: "data", persistentVolumeClaim: { claimName } }],
        };
        const spec = {
            replicas: 2,
            selector: { matchLabels: labels },
            template: { metadata: { labels }, spec: pod },
        };
        const deployment = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "reader" }, spec };
        writeFileSync(file, JSON.stringify(deployment));
        return file;
    }
});
