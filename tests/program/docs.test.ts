/** The generated docs: what is committed is what the program says now. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { keys } from "../../config/keys.ts";
import { render } from "../../pods/database.ts";
import { generate, generatedFiles, withConfigBlock } from "../../tools/docs.ts";
import { type Declared, runDeploy } from "./support/program.ts";

const nameOf = ({ inputs }: Declared) => `${inputs.kind} ${inputs.metadata.name}`;

/** Kind and name of every object of the stack. */
async function declaredIn(config: Record<string, string>) {
    const { objects } = await runDeploy(config);
    return objects.map(nameOf);
}

describe("the generated docs", () => {
    for (const file of generatedFiles) {
        it(`has ${file} as npm run docs writes it`, async () => {
            const { current, expected } = await generate(file);
            assert.equal(current, expected, `${file} is out of date. Run: npm run docs`);
        });
    }
});

describe("the config block of Pulumi.yaml", () => {
    const project = [
        "# A comment about the name.",
        "name: chat",
        "# A comment about the config.",
        "config:",
        "  gone: { default: 1 }",
        "  pulumi:tags: { value: {} }",
        "template:",
        "  config:",
        "    storageMode: { default: other }",
        "    kubernetes:context: { default: minikube }",
    ].join("\n");
    const text = withConfigBlock(project);
    const written = parse(text) as Record<"config" | "template", object>;

    it("has every key with its description and its default, and keeps those of other namespaces only", () => {
        const expected = Object.entries(keys).map(([name, key]) => [
            name,
            { description: key.description, default: key.default },
        ]);
        assert.deepEqual(written.config, {
            ...(Object.fromEntries(expected) as object),
            "pulumi:tags": { value: {} },
        });
    });

    it("keeps the comments and everything outside of it", () => {
        assert.match(
            text,
            /^# A comment about the name\.\nname: chat\n# A comment about the config\.\nconfig:\n/,
        );
        assert.deepEqual(written.template, {
            config: {
                storageMode: {
                    description: keys.storageMode.description,
                    default: keys.storageMode.default,
                },
                "kubernetes:context": { default: "minikube" },
            },
        });
    });
});

describe("the picture in the README", () => {
    const kinds = ["Namespace", "Ingress", "Service", "Deployment", "PersistentVolumeClaim"];

    it("shows exactly the namespace, ingress, services, deployments and claims of both storage modes", async () => {
        const [, picture = ""] = /```mermaid\n([^]*?)```/.exec(readFileSync("README.md", "utf8")) ?? [];
        const shown = [...picture.matchAll(new RegExp(`"((?:${kinds.join("|")}) [^"]+)"`, "g"))];
        const declared = [
            ...(await declaredIn({ storageMode: "ephemeral" })),
            ...(await declaredIn({ storageMode: "persistent" })),
        ].filter((object) => kinds.includes(object.split(" ")[0] ?? ""));
        assert.deepEqual(shown.map(([, text]) => text).sort(), [...new Set(declared)].sort());
    });
});

describe("the repair by hand in docs/troubleshooting.md", () => {
    it("keeps each message before the damage, in the layout of the app", () => {
        const text = readFileSync("docs/troubleshooting.md", "utf8");
        const [, repair = ""] = /```bash\n(node [^]*?)```/.exec(text) ?? [];
        const folder = mkdtempSync(join(tmpdir(), "synergychat-repair-"));
        symlinkSync(resolve("pods"), join(folder, "pods"));
        const whole = render([
            { AuthorUsername: "ada", Text: "one }\n]" },
            { AuthorUsername: "ben", Text: "<two>" },
        ]);
        writeFileSync(
            join(folder, "torn.json"),
            `${whole.replace(/\n\]$/, "")},\n  {\n    "AuthorUsername": "c`,
        );
        const { stdout, stderr } = spawnSync("sh", ["-c", repair], {
            cwd: folder,
            env: { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ""}` },
            encoding: "utf8",
        });
        assert.equal(stdout, "2\n", stderr);
        assert.equal(readFileSync(join(folder, "whole.json"), "utf8"), whole);
        rmSync(folder, { recursive: true });
    });
});

describe("the example in CONTRIBUTING.md", () => {
    let folder: string;

    before(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-example-"));
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("adds a Deployment and a Service to the namespace, by program.ts alone, and leaves the rules of the stack's own objects alone", async function () {
        const text = readFileSync("CONTRIBUTING.md", "utf8");
        const [imports = "", resources = ""] = [...text.matchAll(/```ts\n([^]*?)```/g)].map(
            ([, code]) => code,
        );
        const before = readFileSync("program.ts", "utf8");
        if (before.includes('"redis"')) {
            this.skip(); // Somebody has followed the example.
        }
        const program = before
            .replace("\n    return {\n", () => `\n${resources}\n    return {\n`)
            .replaceAll('from "./', `from "${resolve(".")}/`);
        symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
        writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
        writeFileSync(join(folder, "program.ts"), imports + program);
        const edited = (await import(join(folder, "program.ts"))) as typeof import("../../program.ts");
        const { resources: all, objects, own } = await runDeploy({}, edited.deploy);
        const added = all.filter((one) => !own.includes(one));
        assert.deepEqual(added.map(nameOf).sort(), ["Deployment redis", "Service redis"]);
        assert.deepEqual(objects.map(nameOf), await declaredIn({}));
    });
});
