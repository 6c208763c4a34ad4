/** `cli/install.mjs`, which runs before every command: in a folder of its own, with a stand-in for npm. */
import { strict as assert } from "node:assert";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const script = resolve(import.meta.dirname, "../../cli/install.mjs");

const npm = `#!/bin/sh
echo "$*" >>calls
echo "added 3 packages"
echo "npm warn deprecated" >&2
test ! -e broken || exit 1
mkdir -p node_modules
cp package-lock.json node_modules/.package-lock.json`;

const lockOf = (version: string) => ({
    packages: {
        "": { version: "1.0.0" },
        "node_modules/a": { version },
        "node_modules/b": { version: "1.0.0", dev: true },
        "node_modules/c": { version: "1.0.0", optional: true },
    },
});

describe("cli/install.mjs", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-install-"));
        writeFileSync(join(folder, "npm"), npm, { mode: 0o755 });
        writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lockOf("1.0.0")));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function install(): SpawnSyncReturns<string> {
        const env = { ...process.env, PATH: `${folder}:/usr/bin:/bin`, NODE_ENV: "production" };
        return spawnSync(process.execPath, [script], { cwd: folder, env, encoding: "utf8" });
    }

    const calls = () =>
        existsSync(join(folder, "calls"))
            ? readFileSync(join(folder, "calls"), "utf8").trimEnd().split("\n").length
            : 0;

    function installed(packages: object): void {
        mkdirSync(join(folder, "node_modules"), { recursive: true });
        writeFileSync(join(folder, "node_modules", ".package-lock.json"), JSON.stringify({ packages }));
    }

    it("prints nothing to standard output, so that a shell can evaluate what the command prints", () => {
        const { status, stdout, stderr } = install();
        assert.equal(status, 0, stderr);
        assert.equal(stdout, "");
        assert.match(stderr, /added 3 packages\nnpm warn deprecated/);
    });

    it("installs development dependencies also if NODE_ENV is production", () => {
        install();
        assert.match(readFileSync(join(folder, "calls"), "utf8"), /--include=dev/);
    });

    it("installs once for each lock file", () => {
        install();
        install();
        assert.equal(calls(), 1);
        writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lockOf("2.0.0")));
        install();
        assert.equal(calls(), 2);
    });

    it("leaves packages alone that the user installed from the same lock file", () => {
        const { "node_modules/c": optional, ...rest } = lockOf("1.0.0").packages;
        assert.ok(optional);
        installed(rest);
        install();
        assert.equal(calls(), 0);
    });

    it("installs if development dependencies were left out", () => {
        const { "node_modules/b": dev, ...rest } = lockOf("1.0.0").packages;
        assert.ok(dev);
        installed(rest);
        install();
        assert.equal(calls(), 1);
    });

    it("installs if the programs are copies instead of links, as after pulumi new", () => {
        installed(lockOf("1.0.0").packages);
        const bin = join(folder, "node_modules", ".bin");
        mkdirSync(bin);
        symlinkSync("../a/cli.js", join(bin, "a"));
        install();
        assert.equal(calls(), 0);
        writeFileSync(join(bin, "b"), "");
        install();
        assert.equal(calls(), 1);
    });

    it("installs into its own folder if an npm workspace is around it", () => {
        const clone = join(folder, "clone");
        mkdirSync(join(clone, "local"), { recursive: true });
        const write = (path: string, content: object) => {
            writeFileSync(join(folder, path), JSON.stringify(content));
        };
        write("package.json", { name: "around", private: true, workspaces: ["*"] });
        write("clone/local/package.json", { name: "local", version: "1.0.0" });
        const clones = { name: "clone", version: "1.0.0", dependencies: { local: "file:local" } };
        write("clone/package.json", clones);
        write("clone/package-lock.json", {
            lockfileVersion: 3,
            packages: {
                "": clones,
                local: { version: "1.0.0" },
                "node_modules/local": { resolved: "local", link: true },
            },
        });
        rmSync(join(folder, "npm")); // npm itself is what decides
        const ended = spawnSync(process.execPath, [script], { cwd: clone, encoding: "utf8" });
        assert.equal(ended.status, 0, ended.stderr);
        assert.ok(existsSync(join(clone, "node_modules", "local")));
        assert.equal(existsSync(join(folder, "node_modules")), false);
    });

    it("exits with 1 if npm fails, and tries again the next time", () => {
        writeFileSync(join(folder, "broken"), "");
        const { status, stdout } = install();
        assert.equal(status, 1);
        assert.equal(stdout, "");
        rmSync(join(folder, "broken"));
        assert.equal(install().status, 0);
        assert.equal(calls(), 2);
    });

    it("says on Windows in one sentence that the commands are for WSL", () => {
        const platform = 'Object.defineProperty(process, "platform", { value: "win32" });';
        writeFileSync(join(folder, "windows.cjs"), platform);
        const args = ["--require", join(folder, "windows.cjs"), script];
        const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
        assert.equal(status, 1);
        assert.match(stderr, /^On Windows, run this in WSL: \S+\n$/);
        assert.equal(calls(), 0);
    });

    it("says what to do if Node.js is too old, and npm was told not to install a newer one", () => {
        writeFileSync(
            join(folder, "old.cjs"),
            'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });',
        );
        const run = (version: string) => {
            writeFileSync(join(folder, "node"), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 });
            const env = { ...process.env, PATH: `${folder}:/usr/bin:/bin` };
            const args = ["--require", join(folder, "old.cjs"), script];
            return spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" });
        };
        const { status, stderr } = run("20.19.0");
        assert.equal(status, 1, stderr);
        assert.match(stderr, /20\.19\.0 .*22\.18/);
        assert.match(stderr, /ignore-scripts/);
        assert.equal(run("24.1.0").status, 0);
    });
});
