/** `operations/install.mjs`, which runs before every command: in a folder of its own, with an npm that only records its calls. */
import { strict as assert } from "node:assert";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const script = resolve(__dirname, "../../operations/install.mjs");

const npm = `#!/bin/sh
echo "$*" >>calls
echo "added 3 packages"
echo "npm warn deprecated" >&2
test ! -e broken`;

describe("the installation of the node packages", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-install-"));
        writeFileSync(join(folder, "npm"), npm, { mode: 0o755 });
        writeFileSync(join(folder, "package-lock.json"), "{}");
        mkdirSync(join(folder, "node_modules"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function install(): SpawnSyncReturns<string> {
        const env = { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
        return spawnSync(process.execPath, [script], { cwd: folder, env, encoding: "utf8" });
    }

    const calls = () =>
        existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8") : "";

    it("prints nothing to standard output, so that a shell can evaluate what the command prints", () => {
        const { status, stdout, stderr } = install();
        assert.equal(status, 0, stderr);
        assert.equal(stdout, "");
        assert.match(stderr, /Installing node packages[^]*added 3 packages\nnpm warn deprecated/);
    });

    it("installs once for each lock file", () => {
        install();
        assert.equal(install().stderr, "");
        assert.equal(calls(), "ci --loglevel=error\n");
        writeFileSync(join(folder, "package-lock.json"), '{"changed": true}');
        install();
        assert.equal(calls(), "ci --loglevel=error\n".repeat(2));
    });

    it("exits with 1 if npm fails, prints nothing to standard output, and tries again the next time", () => {
        writeFileSync(join(folder, "broken"), "");
        const { status, stdout, stderr } = install();
        assert.equal(status, 1);
        assert.equal(stdout, "");
        assert.match(stderr, /npm ci failed/);
        rmSync(join(folder, "broken"));
        assert.equal(install().status, 0);
        assert.equal(calls(), "ci --loglevel=error\n".repeat(2));
    });
});
