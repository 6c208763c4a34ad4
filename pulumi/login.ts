/**
 * The environment in which Pulumi runs: the pulumi that is on the PATH, else the official download, and the state where
 * Pulumi is logged in, else in a folder of this machine.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isAtLeast, minimumVersions } from "../model/versions.ts";
import { UserError } from "../system/errors.ts";
import { type Environment, capture, isOnPath, outputOf } from "../system/process.ts";
import { type ConfigDocument, yamlIn } from "./project.ts";

const installDocs = "https://www.pulumi.com/docs/install";

/**
 * Finds or installs Pulumi, and a place for the state.
 *
 * @param info is called with what a person should know.
 * @throws UserError if Pulumi cannot be had, is too old, or does not reach its state.
 */
export async function withPulumi(env: Environment, info: (text: string) => void): Promise<Environment> {
    const found = isOnPath("pulumi", env) ? env : await installPulumi(env, info);
    requireVersion(found);
    const { status, stderr } = capture("pulumi", ["whoami", "--non-interactive"], found);
    if (status === 0) {
        return found;
    }
    if (isLoggedIn(found)) {
        throw new UserError(
            `Pulumi cannot use the backend that it is logged in to, and the stack's state is there:\n${stderr.trim()}\n` +
                "  Keep the state on this machine instead:  pulumi logout",
        );
    }
    return localState(found, info);
}

/** Where this project keeps on this machine what is not part of the repository. */
export function dataFolder(env: Environment): string {
    return join(env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "synergychat");
}

/** Address of the backend, such as `file:///home/ada/states`. Empty if Pulumi does not tell. */
export function backendUrl(env: Environment): string {
    const answer = outputOf("pulumi", ["whoami", "--json"], env) ?? "";
    const { url = "" } = JSON.parse(answer === "" ? "{}" : answer) as { url?: string };
    return url;
}

/**
 * Without a passphrase, Pulumi fails in the middle of a command, or asks a question that a command cannot show.
 *
 * @param config the stack's config file. It names the secrets provider if that is not the passphrase.
 * @throws UserError if the backend needs a passphrase and there is none.
 */
export function requirePassphrase(config: ConfigDocument, env: Environment): void {
    const { PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE } = env;
    if ((PULUMI_CONFIG_PASSPHRASE ?? PULUMI_CONFIG_PASSPHRASE_FILE) !== undefined || config.secretsprovider) {
        return;
    }
    const url = backendUrl(env);
    // Pulumi Cloud keeps the key itself. Every other backend is a folder or a bucket.
    if (url !== "" && !/^https?:/.test(url)) {
        throw new UserError(
            `The stack's state is in ${url}, and PULUMI_CONFIG_PASSPHRASE is not set. Pulumi encrypts secrets in that state with this passphrase.\n` +
                "  Set the stack's passphrase, or one for a new stack:  export PULUMI_CONFIG_PASSPHRASE=PASSPHRASE",
        );
    }
}

function requireVersion(env: Environment): void {
    const version = outputOf("pulumi", ["version"], env) ?? "";
    if (!isAtLeast(version, minimumVersions.pulumi)) {
        throw new UserError(
            `pulumi on your PATH has version ${version || "unknown"}. Version ${minimumVersions.pulumi} or newer is required.\n` +
                `  Install a newer one:  ${installDocs}`,
        );
    }
}

/** Whether somebody chose where the state is. Source: https://www.pulumi.com/docs/iac/cli/environment-variables/ */
function isLoggedIn(env: Environment): boolean {
    if (env.PULUMI_ACCESS_TOKEN ?? env.PULUMI_BACKEND_URL) {
        return true;
    }
    const file = join(env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
    return existsSync(file) && Boolean((yamlIn(file) as { current?: string }).current);
}

async function installPulumi(env: Environment, info: (text: string) => void): Promise<Environment> {
    const root = join(dataFolder(env), "pulumi");
    info(`Installing Pulumi into ${root} ...`);
    try {
        // Loading the Automation API takes half a second, which only an install should cost.
        const { PulumiCommand } = await import("@pulumi/pulumi/automation/index.js");
        await PulumiCommand.install({ root });
    } catch {
        throw new UserError(
            `Pulumi is not on the PATH and cannot be downloaded.\n  Install it:  ${installDocs}`,
        );
    }
    return { ...env, PATH: `${join(root, "bin")}:${env.PATH ?? ""}` };
}

function localState(env: Environment, info: (text: string) => void): Environment {
    const folder = join(dataFolder(env), "state");
    const passphrase = join(dataFolder(env), "passphrase");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(passphrase)) {
        writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
    const own = {
        PULUMI_BACKEND_URL: `file://${folder}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: passphrase,
        PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    };
    info(
        [
            "Pulumi is not logged in, so the stack's state is kept on this machine. For plain pulumi in your shell:",
            ...Object.entries(own).map(([name, value]) => `  export ${name}=${value}`),
        ].join("\n"),
    );
    return { ...env, ...own };
}
