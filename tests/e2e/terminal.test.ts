/** A new terminal of somebody who is not logged in to Pulumi: the printed lines are enough for the chapter's steps. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { kubectl } from "./support/cluster.ts";
import { execute } from "./support/execute.ts";
import { TestStack } from "./support/stack.ts";

describe("a new terminal", () => {
    const stack = new TestStack("terminal", { crawlerContainers: 1 });
    let home: string;
    let environment: readonly string[];

    before(async () => {
        await stack.remove();
        stack.edit({});
        home = mkdtempSync(join(tmpdir(), "synergychat-home-"));
        const kubeconfig = join(home, "mine");
        const other = join(home, "other");
        const pulumiHome = join(home, "pulumi");
        const content = await kubectl("config", "view", "--raw", "--flatten", "--minify");
        writeFileSync(kubeconfig, content, { mode: 0o600 });
        writeFileSync(other, "apiVersion: v1\nkind: Config\n");
        mkdirSync(pulumiHome);
        const plugins = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins");
        symlinkSync(plugins, join(pulumiHome, "plugins"));
        const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE, ...others } =
            process.env;
        assert.ok(PULUMI_BACKEND_URL && (PULUMI_CONFIG_PASSPHRASE ?? PULUMI_CONFIG_PASSPHRASE_FILE));
        const kept = Object.entries(others).filter(([name]) => /^(PATH|NO_PROXY|PULUMI_.*)$/i.test(name));
        environment = Object.entries({
            ...Object.fromEntries(kept),
            HOME: home,
            KUBECONFIG: `${other}:${kubeconfig}`,
            TMPDIR: home,
            PULUMI_HOME: pulumiHome,
        }).map((pair) => pair.join("="));
    });
    after(async () => {
        await stack.remove();
        rmSync(home, { recursive: true });
    });

    /** What a script prints in a shell that has nothing but the environment above. */
    async function shell(script: string): Promise<string> {
        const args = ["-i", ...environment, "bash", "--noprofile", "--norc", "-ec", script];
        const { status, stdout, stderr } = await execute("env", args, 240_000);
        assert.equal(status, 0, stdout + stderr);
        return stdout;
    }

    /** The lines that are printed under a title. */
    function linesUnder(title: string, text: string): readonly string[] {
        const [, lines = ""] = new RegExp(`^${title}:\\n((?: {2}.*\\n)+)`, "m").exec(text) ?? [];
        return lines.trim().split(/\n +/);
    }

    it("needs one line, and then plain pulumi and kubectl do what the chapter says", async () => {
        const text = await shell(`npm run up -- ${stack.name}`);
        assert.match(text, /Pulumi is not logged in/);
        const setup = linesUnder("In each new terminal", text);
        assert.equal(setup.length, 1);
        const around = await shell([...setup, ...linesUnder("To look around", text)].join("\n"));
        assert.match(around, /^synergychat-api-\S+\s+1\/1\s+Running/m);
        assert.match(around, /Using filesystem database/);
        const chapter = await shell(
            [
                ...setup,
                "pulumi config set crawlerContainers 2",
                "pulumi config set crawlerPods 2 && pulumi up --yes",
                "kubectl get pods",
                "kubectl get pvc",
                "pulumi stack export",
                "pulumi destroy --yes",
                "kubectl get pvc 2>&1",
            ].join("\n"),
        );
        assert.match(chapter, /^synergychat-api-pvc\s+Bound/m);
        assert.match(chapter, /^No resources found/m);
        assert.equal(chapter.match(/^synergychat-crawler-\S+\s+2\/2\s+Running/gm)?.length, 2);
        // The kubeconfig of several files leads to the cluster. It is neither in the state nor copied.
        assert.ok(!chapter.includes(home));
        assert.deepEqual(
            readdirSync(home).filter((name) => name.startsWith("kubeconfig")),
            [],
        );
    });
});
