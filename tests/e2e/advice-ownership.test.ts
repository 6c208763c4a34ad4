/** The same for namespaces, claims and objects that the stack does not own. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimFile, configure, fixesIn, follow, refused } from "./support/advice.ts";
import { get, kubectl } from "./support/cluster.ts";
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
    after(async () => {
        await stack.remove();
        await kubectl("delete", "namespace", name, "--ignore-not-found");
    });

    it("leads to an existing claim in a namespace that does not exist yet", async () => {
        configure(stack, { existingClaim: "mine" });
        const text = await refused(stack, "existing-claim-missing");
        await follow(stack, text, "existing-claim-missing", "Make the namespace", {
            "CLAIM.yaml": claimFile("mine"),
        });
        await stack.up();
        assert.equal((await stack.outputs()).claimName, "mine");
        await stack.run("destroy", "--yes", "--skip-preview");
        assert.ok(await get(name, "pvc", "mine"));
        await kubectl("delete", "namespace", name);
        configure(stack, { existingClaim: undefined });
    });

    it("uses a namespace, objects and a claim that somebody prepared, and never deletes the namespace", async () => {
        const where = ["--namespace", name];
        await kubectl("create", "namespace", name);
        await kubectl("create", ...where, "--filename", claimFile(claimName));
        await kubectl("create", "configmap", "synergychat-web-configmap", ...where);
        await kubectl("create", "service", "clusterip", "web-service", "--tcp=80:80", ...where);
        const { uid } = (await get(name, "pvc", claimName)).metadata;
        const first = await refused(stack, "foreign-namespace");
        await follow(stack, first, "foreign-namespace", "Give it to this stack, which never deletes it");
        const text = await refused(stack, "foreign-claim");
        await follow(stack, text, "foreign-claim", "Give it to this stack");
        const objects = await refused(stack, "foreign-object");
        await follow(stack, objects, "foreign-object", "Delete it");
        const last = await refused(stack, "foreign-object");
        await follow(stack, last, "foreign-object", "Give it to this stack");
        await stack.up();
        assert.equal((await get(name, "pvc", claimName)).metadata.uid, uid);
    });

    it("applies the config, and then destroys the stack", async () => {
        configure(stack, { retainData: undefined });
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        await follow(stack, text, "config-not-applied", "Apply the config first");
        assert.equal(await get("", "namespace", name), undefined);
    });

    it("destroys a stack that was protected", async () => {
        configure(stack, { protectData: true });
        await stack.up();
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        await follow(stack, text, "data-protected", "Destroy the stack anyway");
        assert.equal(await get("", "namespace", name), undefined);
    });

    it("stops a Deployment of somebody else's that mounts the claim, and is named once", async () => {
        await stack.up();
        await kubectl("create", "--namespace", name, "--filename", readers());
        await kubectl("rollout", "status", "deployment/reader", "--namespace", name, "--timeout=120s");
        const { status, text } = await operation("down", stack, ["--yes"]);
        assert.equal(status, 1, text);
        assert.equal(text.match(/\[claim-mounted\]/g)?.length, 1, text);
        assert.equal(fixesIn(text, "claim-mounted").length, 1, text);
        await follow(stack, text, "claim-mounted", "Stop the pods, and what would start them again");
        const again = await operation("down", stack, ["--yes"]);
        assert.equal(again.status, 0, again.text);
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
