import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { providerDay } from "../build.ts";
import { kubernetes, kubernetesProvider, pulumi, references } from "../pins.ts";

const read = (file: string): string => readFileSync(join(import.meta.dirname, "..", file), "utf8");

describe("the pinned versions", () => {
    it("are those of the Go modules", () => {
        assert.match(read("programs/go.mod"), new RegExp(`k8s.io/kubernetes v${kubernetes}\\b`));
        assert.match(read("pulumi-cli/go.mod"), new RegExp(`github.com/pulumi/pulumi/pkg/v3 v${pulumi}\\b`));
        assert.match(read("pulumi-cli/go.mod"), new RegExp(`github.com/pulumi/pulumi/sdk/v3 v${pulumi}\\b`));
        const [, restic = ""] = references.restic.split(":");
        assert.match(read("backup-target/go.mod"), new RegExp(`github.com/restic/restic v${restic}\\b`));
    });

    it("are those of the npm packages", () => {
        const { dependencies } = JSON.parse(read("../package.json")) as {
            dependencies: Record<string, string>;
        };
        assert.equal(dependencies["@pulumi/kubernetes"], kubernetesProvider);
        // The CLI is never older than the SDK that talks to it.
        const minor = (version = ""): number => Number(version.split(".")[1]);
        assert.ok(minor(pulumi) >= minor(dependencies["@pulumi/pulumi"]));
    });

    it("tell the day of the provider's source", async () => {
        assert.match(await providerDay(), /^20\d\d-\d\d-\d\d$/);
    });
});
