/** The kubeconfig of the environment is found as kubectl finds it, and no copy of it stays. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubectl } from "./support/cluster.ts";
import { changeEnvironment } from "./support/environment.ts";
import { TestStack } from "./support/stack.ts";

describe("a kubeconfig of several files", () => {
    const stack = new TestStack("kubeconfig", { crawlerContainers: 1 });
    let folder: string;
    let restoreEnvironment: () => void;

    before(async () => {
        await stack.create();
        folder = mkdtempSync(join(tmpdir(), "synergychat-kubeconfig-"));
        const file = join(folder, "mine");
        const other = join(folder, "other");
        writeFileSync(file, await kubectl("config", "view", "--raw", "--flatten", "--minify"), {
            mode: 0o600,
        });
        writeFileSync(other, "apiVersion: v1\nkind: Config\n");
        restoreEnvironment = changeEnvironment({ KUBECONFIG: `${other}:${file}`, TMPDIR: folder });
    });
    after(async () => {
        await stack.remove();
        restoreEnvironment();
        rmSync(folder, { recursive: true });
    });

    it("leads to the cluster, and no copy of it stays", async () => {
        await stack.up();
        await stack.up("--expect-no-changes");
        assert.deepEqual(
            readdirSync(folder).filter((name) => name.startsWith("kubeconfig")),
            [],
        );
    });

    it("is not in the state, which others may use on their machines", async () => {
        const state = await stack.run("stack", "export", "--stack", stack.name);
        assert.ok(!state.includes(folder));
    });
});
