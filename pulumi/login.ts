/**
 * The environment in which Pulumi runs: the pulumi that is on the PATH, else the official download, and the state where
 * Pulumi is logged in, else in a folder of this machine.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";
import { isAtLeast, minimumVersions } from "../model/versions.ts";
import { UserError } from "../system/errors.ts";
import { type Environment, capture, isOnPath, outputOf } from "../system/process.ts";
import { yamlIn } from "./project.ts";

const installDocs = "https://www.pulumi.com/docs/install";

/** A Pulumi that runs and has a place for the state. */
export interface Login {
    readonly env: Environment;
    /** Address of the backend, such as `file:///home/ada/states`. */
    readonly url: string;
}

/**
 * Installs Pulumi if there is none, and makes a place for the state if nobody has chosen one.
 *
 * @param info is called with what a person should know.
 * @throws UserError if Pulumi cannot be had, is too old, or does not reach its state.
 */
export async function logIn(before: Environment, info: (text: string) => void): Promise<Login> {
    const env = pulumiEnvironment(before);
    await requirePulumi(env, !isOnPath("pulumi", before), info);
    if (!hasBackend(before)) {
        makeLocalState(before, info);
    }
    const { status, stdout, stderr } = capture("pulumi", ["whoami", "--json", "--non-interactive"], env);
    if (status !== 0) {
        throw new UserError(
            `Pulumi cannot use the backend that it is logged in to, and the stack's state is there:\n${stderr.trim()}\n` +
                "  Keep the state on this machine instead:  pulumi logout",
        );
    }
    const { url = "" } = JSON.parse(stdout) as { url?: string };
    return { env, url };
}

/**
 * The environment in which Pulumi runs: the pulumi that is on the PATH, else this project's own, and the backend that the
 * person has chosen, else a folder of this machine. Starts no program.
 */
export function pulumiEnvironment(env: Environment): Environment {
    return {
        ...env,
        ...(!isOnPath("pulumi", env) && { PATH: `${join(ownPulumi(env), "bin")}:${env.PATH ?? ""}` }),
        ...(!hasBackend(env) && localState(env)),
    };
}

/** Where this project keeps on this machine what is not part of the repository. */
export function dataFolder(env: Environment): string {
    return join(env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "synergychat");
}

/**
 * Whether somebody chose where the state is: by a variable, in Pulumi.yaml, or by `pulumi login`.
 * Source: https://www.pulumi.com/docs/iac/cli/environment-variables/
 */
export function hasBackend(env: Environment): boolean {
    const { PULUMI_ACCESS_TOKEN, PULUMI_BACKEND_URL } = env;
    const { backend } = yamlIn("Pulumi.yaml") as { backend?: { url?: string } };
    const file = join(credentialsFolder(env), "credentials.json");
    const { current } = (existsSync(file) ? yamlIn(file) : {}) as { current?: string };
    return Boolean(PULUMI_ACCESS_TOKEN ?? PULUMI_BACKEND_URL ?? backend?.url ?? current);
}

/** Where Pulumi keeps its logins: in the home folder of the account, whatever HOME says. */
export function credentialsFolder({ PULUMI_CREDENTIALS_PATH, PULUMI_HOME }: Environment): string {
    return PULUMI_CREDENTIALS_PATH ?? PULUMI_HOME ?? join(accountHome(), ".pulumi");
}

/** A container can run as a user that has no account. */
function accountHome(): string {
    try {
        return userInfo().homedir;
    } catch {
        return homedir();
    }
}

/** @param mayInstall whether this pulumi is the project's own. */
async function requirePulumi(
    env: Environment,
    mayInstall: boolean,
    info: (text: string) => void,
): Promise<void> {
    const version = outputOf("pulumi", ["version"], env) ?? "";
    if (isAtLeast(version, minimumVersions.pulumi)) {
        return;
    }
    if (!mayInstall) {
        throw new UserError(
            `pulumi on your PATH has version ${version || "unknown"}. Version ${minimumVersions.pulumi} or newer is required.\n` +
                `  Install a newer one:  ${installDocs}`,
        );
    }
    const root = ownPulumi(env);
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
}

function ownPulumi(env: Environment): string {
    return join(dataFolder(env), "pulumi");
}

function localState(env: Environment): Record<string, string> {
    return {
        PULUMI_BACKEND_URL: `file://${join(dataFolder(env), "state")}`,
        PULUMI_CONFIG_PASSPHRASE_FILE: join(dataFolder(env), "passphrase"),
        PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
    };
}

function makeLocalState(env: Environment, info: (text: string) => void): void {
    const folder = join(dataFolder(env), "state");
    const passphrase = join(dataFolder(env), "passphrase");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(passphrase)) {
        info(`Pulumi is not logged in. The stack's state is kept on this machine, in ${folder}.`);
        writeFileSync(passphrase, randomBytes(24).toString("base64url"), { mode: 0o600 });
    }
}
