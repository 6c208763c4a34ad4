import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { isAtLeast, minimumVersions } from "../../../model/versions.ts";

describe("isAtLeast", () => {
    for (const [version, minimum, expected] of [
        ["v3.210.0", "3.210.0", true],
        ["3.210.1", "3.210.0", true],
        ["3.211.0", "3.210.9", true],
        ["4.0.0", "3.210.0", true],
        ["v3.259.0-alpha.1+dirty\n", "3.210.0", true],
        ["3.209.9", "3.210.0", false],
        ["3.21.0", "3.210.0", false],
        ["2.999.999", "3.210.0", false],
        ["", "3.210.0", false],
        ["unknown", "3.210.0", false],
    ] as const) {
        it(`says that ${JSON.stringify(version)} is ${expected ? "" : "not "}at least ${minimum}`, () => {
            assert.equal(isAtLeast(version, minimum), expected);
        });
    }
});

describe("minimumVersions", () => {
    it("has the version that Pulumi.yaml requires", () => {
        const project = readFileSync(join(import.meta.dirname, "..", "..", "..", "Pulumi.yaml"), "utf8");
        const { requiredPulumiVersion } = parse(project) as { requiredPulumiVersion: string };
        assert.equal(requiredPulumiVersion, `>=${minimumVersions.pulumi}`);
    });

    it("has the version of Node.js that package.json requires", () => {
        const manifest = readFileSync(join(import.meta.dirname, "..", "..", "..", "package.json"), "utf8");
        const { engines } = JSON.parse(manifest) as { engines: { node: string } };
        assert.equal(`${engines.node}.0`, `>=${minimumVersions.node}`);
    });
});
