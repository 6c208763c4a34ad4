/** States and configs as people have them, with the real pulumi. Nothing reaches the cluster but previews. */
import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkConfig } from "../../config/settings.ts";
import { PulumiStack } from "../../pulumi/cli.ts";
import type { Environment } from "../../system/process.ts";
import { operation } from "./support/operation.ts";
import { TestStack } from "./support/stack.ts";

const noProcess = 2 ** 22 + 1;

describe("a state in a folder", () => {
    let folder: string;
    const env = (): Environment => ({ ...process.env, PULUMI_BACKEND_URL: `file://${folder}` });

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-states-"));
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    /** Locks the stack for a process of a host. */
    function lock(place: string, host: string): void {
        mkdirSync(join(folder, ".pulumi/locks", place), { recursive: true });
        const content = {
            pid: noProcess,
            username: "ada",
            hostname: host,
            timestamp: "2026-01-01T00:00:00Z",
        };
        writeFileSync(join(folder, ".pulumi/locks", place, "1.json"), JSON.stringify(content));
    }

    function pulumi(more: Readonly<Record<string, string>>, ...args: readonly string[]): string {
        return execFileSync("pulumi", [...args, "--non-interactive"], {
            env: { ...env(), ...more },
            encoding: "utf8",
        });
    }

    it("that another machine has locked is left alone, and the command says how to release it", async () => {
        const stack = new TestStack("locked", { crawlerContainers: 1 });
        stack.edit({});
        try {
            pulumi({}, "stack", "init", stack.name, "--no-select");
            lock(`organization/synergychat/${stack.name}`, "elsewhere");
            const backend = { PULUMI_BACKEND_URL: `file://${folder}` };
            const { status, text } = await operation("up", stack, ["--yes"], undefined, backend);
            assert.equal(status, 1, text);
            assert.match(text, /elsewhere/);
            assert.match(text, /pulumi cancel/);
            assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        } finally {
            rmSync(`Pulumi.${stack.name}.yaml`, { force: true });
        }
    });
});

describe("a config in other places", () => {
    const project = process.cwd();
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-config-"));
        process.chdir(folder);
    });
    afterEach(() => {
        process.chdir(project);
        rmSync(folder, { recursive: true });
    });

    it("is read from Pulumi.yaml and from secrets as the program gets it", () => {
        const values = [
            "  kubernetes:context: { value: minikube }",
            "  namespace: { value: chat }",
            "  storageMode: ephemeral",
            '  retainData: { default: "true" }',
        ];
        writeFileSync(
            "Pulumi.yaml",
            ["name: synergychat", "runtime: nodejs", "config:", ...values].join("\n"),
        );
        const env = { ...process.env, PULUMI_BACKEND_URL: `file://${folder}` };
        const pulumi = (...args: readonly string[]) => execFileSync("pulumi", args, { env });
        pulumi("stack", "init", "dev", "--no-select", "--non-interactive");
        pulumi("config", "set", "--secret", "webHost", "chat.internal", "--stack", "dev");
        assert.doesNotMatch(readFileSync("Pulumi.dev.yaml", "utf8"), /chat\.internal/);
        const { settings } = checkConfig(new PulumiStack("dev", env).config() ?? {}, "synergychat");
        assert.equal(settings?.context, "minikube");
        assert.equal(settings.namespace, "chat");
        assert.equal(settings.storage.mode, "ephemeral");
        assert.equal(settings.retainData, true);
        assert.equal(settings.webHost, "chat.internal");
    });
});
