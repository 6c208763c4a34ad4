/**
 * Plain pulumi in pods of the cluster, as in a pipeline: each command in a pod of its own, with a service account, the Role of
 * docs/rbac.yaml alone, a namespace that an administrator has prepared, and the state in a bucket.
 */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { messages, say } from "./support/app.ts";
import { makeBucket } from "./support/bucket.ts";
import { get, kubectl, until } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { execute } from "./support/execute.ts";
import { type Result, TestStack } from "./support/stack.ts";

describe("a pipeline in the cluster", () => {
    const context = "pipeline";
    const stack = new TestStack("pipeline", {
        "kubernetes:context": context,
        crawlerContainers: 1,
        retainData: true,
    });
    const { name } = stack;
    const pods = "e2e-pipeline-pods";
    const where = ["--namespace", pods];
    const folder = mkdtempSync(join(tmpdir(), "synergychat-pipeline-"));
    const file = join(folder, "objects.yaml");
    let pod: any;

    before(async function () {
        const { status } = await execute("npm", ["run", "--silent", "sandbox", "--", "env"], 60_000);
        if (status !== 0) {
            this.skip(); // the node of another cluster does not have the folders of this machine
        }
        await stack.create();
        await makeBucket(pods);
        await kubectl("create", "serviceaccount", "pipeline", ...where);
        const [namespace, role] = readFileSync("docs/rbac.yaml", "utf8")
            .replaceAll("synergychat-dev", `synergychat-${name}`)
            .replaceAll(/(name: |namespace: |resourceNames: \[)synergychat\b/g, `$1${name}`)
            .split(/^---$/m);
        await apply(`${namespace ?? ""}---${role ?? ""}`, []);
        const subject = `--serviceaccount=${pods}:pipeline`;
        await kubectl("create", "rolebinding", name, `--role=${name}`, subject, "--namespace", name);
        const manifest = readFileSync(join(import.meta.dirname, "support/pipeline.yaml"), "utf8");
        const [first, policy] = parseAllDocuments(manifest).map((document) => document.toJS());
        await apply(stringify(policy), where);
        pod = first;
    });
    after(async () => {
        await stack.remove();
        await kubectl("delete", "namespace", pods, "--ignore-not-found", "--wait=false");
        rmSync(folder, { recursive: true });
    });

    async function apply(text: string, args: readonly string[]): Promise<void> {
        writeFileSync(file, text);
        await kubectl("apply", "--filename", file, ...args);
    }

    /** Runs pulumi in a new pod. */
    async function pulumi(...args: readonly string[]): Promise<Result> {
        const version = JSON.parse(
            readFileSync("node_modules/@pulumi/kubernetes/package.json", "utf8"),
        ).version;
        const plugin = `plugins/resource-kubernetes-v${version as string}`;
        const program = realpathSync(
            join(process.env.PULUMI_HOME ?? "", plugin, "pulumi-resource-kubernetes"),
        );
        const [, kubeconfig = ""] =
            /^## A pod has no context$[^]*?```bash\n([^]*?)```/m.exec(
                readFileSync("docs/troubleshooting.md", "utf8"),
            ) ?? [];
        const script = [
            "for entry in /project/*.ts /project/*.json /project/Pulumi* /project/node_modules; do ln -s $entry; done",
            "for entry in components config kubernetes model pods preflight pulumi system; do cp -r /project/$entry .; done",
            `rm Pulumi.${name}.yaml && cp /project/Pulumi.${name}.yaml .`,
            `mkdir -p .pulumi/${plugin} && ln -s /provider/${basename(program)} .pulumi/${plugin}/pulumi-resource-kubernetes`,
            kubeconfig.replace("CONTEXT", context),
            `pulumi stack select --create ${name} --non-interactive`,
            ["pulumi", ...args, "--stack", name, "--non-interactive", "--color=never"].join(" "),
        ].join("\n");
        const hosts = {
            project: process.cwd(),
            pulumi: await folderOf("pulumi"),
            kubectl: await folderOf("kubectl"),
            provider: dirname(program),
        };
        const { spec } = pod;
        const [container] = spec.containers;
        const backend = `s3://bucket/states?endpoint=http://s3.${pods}.svc:9000&region=us-east-1&s3ForcePathStyle=true`;
        const env = container.env.map((one: any) => ({
            ...one,
            value: one.value.replace("BACKEND", backend),
        }));
        const command = [...container.command.slice(0, -1), script];
        const volumes = Object.entries(hosts).map(([volume, path]) => ({ name: volume, hostPath: { path } }));
        const started = {
            ...pod,
            spec: {
                ...spec,
                containers: [{ ...container, env, command }],
                volumes: [...spec.volumes, ...volumes],
            },
        };
        await kubectl("delete", "pod", "pipeline", "--ignore-not-found", ...where);
        await apply(stringify(started), where);
        let phase = "";
        await until("the pod has ended", async () => {
            ({ phase } = (await get(pods, "pod", "pipeline")).status);
            return ["Succeeded", "Failed"].includes(phase);
        });
        return { status: phase === "Succeeded" ? 0 : 1, text: await kubectl("logs", "pipeline", ...where) };
    }

    async function folderOf(program: string): Promise<string> {
        const { stdout } = await execute("which", [program], 10_000);
        return dirname(realpathSync(stdout.trim()));
    }

    it("previews the stack, and changes nothing", async () => {
        const { status, text } = await pulumi("preview");
        assert.equal(status, 0, text);
        assert.deepEqual(codesIn(text), [], text);
        assert.equal(await get(name, "deployment", "synergychat-web"), undefined);
    });

    it("brings it up", async () => {
        const { status, text } = await pulumi("up", "--yes", "--skip-preview");
        assert.equal(status, 0, text);
        await say(stack, "here");
        assert.deepEqual(await messages(stack), ["here"]);
    });

    it("finds its state again in another pod, destroys it, and keeps the namespace and the claim", async () => {
        const { status, text } = await pulumi("destroy", "--yes", "--skip-preview");
        assert.equal(status, 0, text);
        assert.equal(await get(name, "deployment", "synergychat-api"), undefined);
        assert.ok(await get(name, "pvc", "synergychat-api-pvc"));
    });
});
