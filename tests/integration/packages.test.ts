/** The npm packages of the project. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let folder: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "synergychat-packages-"));
});
afterEach(() => {
    rmSync(folder, { recursive: true });
});

describe("package-lock.json", () => {
    it("is what npm writes, so that pulumi install and pulumi new leave it unchanged", () => {
        for (const file of ["package.json", "package-lock.json", ".npmrc"]) {
            copyFileSync(file, join(folder, file));
        }
        const args = ["install", "--package-lock-only", "--ignore-scripts", "--offline"];
        const { status, stderr } = spawnSync("npm", args, { cwd: folder, encoding: "utf8" });
        assert.equal(status, 0, stderr);
        assert.equal(
            readFileSync(join(folder, "package-lock.json"), "utf8"),
            readFileSync("package-lock.json", "utf8"),
            "Run: npm install --package-lock-only",
        );
    });

    it("names no registry", () => {
        assert.doesNotMatch(readFileSync("package-lock.json", "utf8"), /"resolved"|https?:\/\/[^"]*\.tgz/);
    });
});

describe("ts-node", () => {
    it("compiles what mocha runs: an enum, which Node.js cannot strip", () => {
        const file = join(folder, "enum.test.ts");
        writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
        writeFileSync(file, 'enum Color { Red = "red" }\nit("is " + Color.Red, () => undefined);\n');
        const { stdout, stderr } = spawnSync("mocha", [file], { encoding: "utf8" });
        assert.match(stdout, /is red\s+1 passing/, stderr);
    });
});
