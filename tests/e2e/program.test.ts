/** A program that its user edits, in a copy of the project: more kinds of objects, and other names. */
import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { messages, say } from "./support/app.ts";
import { get, kubectl } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

/** A text of program.ts, which occurs once, and what takes its place. */
type Change = readonly [from: string, to: string];

const renamed: Change = ['"api",\n        {', '"chat-api",\n        {'];

const added = [
    ["secret", "added"],
    ["horizontalpodautoscaler", "added"],
    ["cronjob", "added"],
    ["persistentvolumeclaim", "added"],
    ["note", "added"],
] as const;

const imports = `
import { CustomResource } from "@pulumi/kubernetes/apiextensions/index.js";
import { HorizontalPodAutoscaler } from "@pulumi/kubernetes/autoscaling/v2/index.js";
import { CronJob } from "@pulumi/kubernetes/batch/v1/index.js";
import { PersistentVolumeClaim, Secret } from "@pulumi/kubernetes/core/v1/index.js";`;

const objects = `
    const metadata = { name: "added", namespace: namespace.namespaceName };
    new Secret("added", { metadata, stringData: { token: "secret" } }, opts);
    const resources = { requests: { storage: "1Gi" } };
    new PersistentVolumeClaim("added", { metadata, spec: { accessModes: ["ReadWriteOnce"], resources } }, opts);
    const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "synergychat-crawler" };
    new HorizontalPodAutoscaler("added", { metadata, spec: { scaleTargetRef, maxReplicas: 2 } }, opts);
    const template = {
        spec: { containers: [{ name: "tick", image: images.web, command: ["true"] }], restartPolicy: "Never" },
    };
    new CronJob("added", { metadata, spec: { schedule: "0 0 1 1 *", jobTemplate: { spec: { template } } } }, opts);
    const note = { apiVersion: "e2e.synergychat.example/v1", kind: "Note", spec: { text: "hello" } };
    new CustomResource("added", { ...note, metadata }, opts);`;

const firstImport = 'import type * as k8s from "@pulumi/kubernetes";';
const end = "    return {\n        outputs: outputsOf(";
const additions: readonly Change[] = [
    [firstImport, `${firstImport}${imports}`],
    [end, `${objects}\n\n${end}`],
];

const schema = {
    type: "object",
    properties: { spec: { type: "object", properties: { text: { type: "string" } } } },
};

const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "notes.e2e.synergychat.example" },
    spec: {
        group: "e2e.synergychat.example",
        scope: "Namespaced",
        names: { kind: "Note", plural: "notes", singular: "note" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
};

describe("a program that its user edits", () => {
    const project = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), "synergychat-program-"));
    const stack = new TestStack("program", { crawlerContainers: 1 });
    const original = readFileSync("program.ts", "utf8");

    before(async () => {
        const left = ["node_modules", ".git", "sandbox"];
        cpSync(project, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
        symlinkSync(join(project, "node_modules"), join(folder, "node_modules"));
        process.chdir(folder);
        writeFileSync("crd.json", JSON.stringify(definition));
        await kubectl("apply", "--filename", "crd.json");
        await kubectl("wait", "--for=condition=Established", "crd", definition.metadata.name);
        await stack.create();
        await stack.up();
        await say(stack, "kept");
    });
    after(async () => {
        await stack.remove();
        await kubectl("delete", "crd", definition.metadata.name, "--ignore-not-found");
        process.chdir(project);
        rmSync(folder, { recursive: true });
    });

    /** Makes program.ts the original with these changes. */
    function edit(...changes: readonly Change[]): void {
        let text = original;
        for (const [from, to] of changes) {
            assert.equal(text.split(from).length, 2, from);
            text = text.replace(from, () => to);
        }
        writeFileSync("program.ts", text);
    }

    async function run(script: Parameters<typeof operation>[0], ...args: string[]): Promise<void> {
        const { status, text } = await operation(script, stack, args);
        assert.equal(status, 0, text);
    }

    it("has objects of kinds that the stack itself does not make, with all commands", async () => {
        edit(...additions);
        await stack.up();
        await stack.up("--expect-no-changes");
        for (const [kind, name] of added) {
            assert.ok(await get(stack.name, kind, name), kind);
        }
        await stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        await run("verify");
        await kubectl("delete", "secret", "added", "--namespace", stack.name);
        for (const mode of ["ephemeral", "persistent"]) {
            await run("switch", mode);
            assert.deepEqual(await messages(stack), ["kept"]);
        }
        assert.ok(await get(stack.name, "secret", "added"));
    });

    it("no longer has them, and no other object goes with them", async () => {
        edit();
        await stack.up();
        for (const [kind, name] of added) {
            assert.equal(await get(stack.name, kind, name), undefined, kind);
        }
        assert.deepEqual(await messages(stack), ["kept"]);
    });

    const moves: readonly [what: string, change: Change][] = [
        [
            "a component of its own is around the others",
            [
                "const opts = { provider };",
                "const opts = { provider, parent: new pulumi.ComponentResource('my:index:App', 'mine') };",
            ],
        ],
        ["a component has another name", renamed],
    ];
    for (const [what, change] of moves) {
        it(`keeps every object as it is if ${what}`, async () => {
            const before = await generations();
            edit(["import type * as pulumi", "import * as pulumi"], change);
            assert.match(await stack.up(), /Resources:\n( +[+-] \d+ (created|deleted)\n)+ +\d+ /);
            assert.equal(await generations(), before);
            assert.deepEqual(await messages(stack), ["kept"]);
        });
    }

    it("is refused before anything changes if it changes a field of the claim that cannot be changed", async () => {
        edit();
        const file = "components/storage.ts";
        const component = readFileSync(file, "utf8");
        writeFileSync(file, component.replace('"ReadWriteOnce"', '"ReadWriteMany"'));
        const { status, text } = await stack.pulumi("up", "--yes", "--skip-preview");
        writeFileSync(file, component);
        assert.notEqual(status, 0, text);
        assert.deepEqual(codesIn(text), ["claim-would-be-deleted"], text);
        assert.deepEqual(await messages(stack), ["kept"]);
    });

    it("is deleted with all that it had", async () => {
        edit(renamed, ...additions);
        await stack.up();
        await run("down", "--yes");
        assert.equal(await get("", "namespace", stack.name), undefined);
    });

    async function generations(): Promise<string> {
        const each = "{range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation}\n{end}";
        const kinds = "deployments,services,configmaps,persistentvolumeclaims,ingresses";
        return kubectl("get", kinds, "--namespace", stack.name, `--output=jsonpath=${each}`);
    }
});
