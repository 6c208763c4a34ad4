/** The program on the newest SDK of the registry: whoever raises the pinned version learns here what no longer holds. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import {
    cpSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

const minutes = 60_000;

describe("the newest @pulumi/pulumi", () => {
    const project = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), "synergychat-sdk-"));
    const modules = join(folder, "node_modules");

    before(function () {
        this.timeout(4 * minutes);
        const left = ["node_modules", ".git", "sandbox", "docs"];
        cpSync(project, folder, { recursive: true, filter: (path) => !left.includes(basename(path)) });
        const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
            dependencies: Record<string, string>;
        };
        const kubernetes = `@pulumi/kubernetes@${dependencies["@pulumi/kubernetes"] ?? ""}`;
        // In a folder without the project's package.json, which pins the version.
        const place = mkdtempSync(join(tmpdir(), "synergychat-sdk-modules-"));
        const flags = ["--prefix", place, "--no-audit", "--no-fund", "--ignore-scripts"];
        run("npm", ["install", ...flags, "@pulumi/pulumi@latest", kubernetes], place);
        cpSync(join(place, "node_modules"), modules, { recursive: true, verbatimSymlinks: true });
        rmSync(place, { recursive: true });
        linkOthers(join(project, "node_modules"), modules);
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("runs the program, its rehearsal and the preload as the pinned one does", function () {
        this.timeout(2 * minutes);
        const tests = ["golden", "moved", "program"].map((name) => `tests/program/${name}.test.ts`);
        const mocha = join("node_modules", "mocha", "bin", "mocha.js");
        const preload = ["--require", "./pulumi/preload.cjs"];
        run(process.execPath, [...preload, mocha, "--no-config", "--timeout", "60000", ...tests], folder);
    });
});

/** Links the modules that a folder does not have, with those of scopes. */
function linkOthers(from: string, to: string): void {
    for (const name of readdirSync(from)) {
        const [source, target] = [join(from, name), join(to, name)];
        if (!existsSync(target)) {
            mkdirSync(dirname(target), { recursive: true });
            symlinkSync(source, target);
        } else if (name.startsWith("@")) {
            linkOthers(source, target);
        }
    }
}

function run(program: string, args: readonly string[], cwd: string): void {
    const { status, stdout, stderr } = spawnSync(program, args, {
        cwd,
        encoding: "utf8",
        timeout: 3 * minutes,
    });
    assert.equal(status, 0, `${program} ${args.join(" ")}\n${stdout}${stderr}`);
}
