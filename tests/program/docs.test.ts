/** The generated docs: what is committed is what the program says now. */
import { strict as assert } from "node:assert";
import { parse } from "yaml";
import { keys } from "../../config/keys.ts";
import { allPermissions } from "../../model/permissions.ts";
import { withConfigBlock } from "../../tools/config-docs.ts";
import { declaredObjects } from "../../tools/declared.ts";
import { diagram } from "../../tools/diagram.ts";
import { generate, generatedFiles } from "../../tools/docs.ts";
import { clusterRole } from "../../tools/permission-docs.ts";

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

describe("the ClusterRole in docs/rbac.yaml", () => {
    interface Rule {
        readonly apiGroups: string[];
        readonly resources: string[];
        readonly verbs: string[];
    }

    it("grants exactly the permissions in model/permissions.ts", () => {
        const { rules } = parse(clusterRole()) as { rules: Rule[] };
        const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
            apiGroups.flatMap((group) =>
                resources.map((resource) => `${group}/${resource}: ${verbs.join()}`),
            ),
        );
        const needed = allPermissions().map(
            ({ group, resource, verbs }) => `${group}/${resource}: ${verbs.join()}`,
        );
        assert.deepEqual(granted.sort(), needed.sort());
    });
});

describe("the diagram", () => {
    it("shows every object of both storage modes by its kind and name", async () => {
        const ephemeral = await declaredObjects({ storageMode: "ephemeral" });
        const persistent = await declaredObjects({ storageMode: "persistent" });
        const drawn = diagram(ephemeral, persistent);
        for (const { kind, metadata } of [...ephemeral, ...persistent]) {
            const text =
                kind === "Namespace" ? `"Namespace ${metadata.name}"` : `"${kind}<br/>${metadata.name}`;
            assert.ok(drawn.includes(text), text);
        }
    });

    it("says which storage mode has which volume", async () => {
        const drawn = diagram(
            await declaredObjects({ storageMode: "ephemeral" }),
            await declaredObjects({ storageMode: "persistent" }),
        );
        const labelled = drawn.split("\n").filter((line) => /(ephemeral|persistent):/.test(line));
        assert.deepEqual(
            labelled.map((line) =>
                / -- "(\w+):.*" --> (emptyDir|PersistentVolumeClaim)_/.exec(line)?.slice(1),
            ),
            [
                ["ephemeral", "emptyDir"],
                ["persistent", "PersistentVolumeClaim"],
            ],
        );
    });

    it("follows the config", async () => {
        const few = await declaredObjects({ crawlerContainers: "1", webHost: "other.internal" });
        const drawn = diagram(few, few);
        assert.match(drawn, /Ingress_app_ingress -- "other\.internal" --> Service_web_service/);
        assert.doesNotMatch(drawn, /containers/);
    });
});
