/** The Pulumi stack that the commands work on: its config file, its state, its outputs. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { parse } from "yaml";
import { type Environment, UserError, onPath, output, run } from "./process";

/** The outputs of index.ts. */
export interface Outputs {
    readonly webUrl: string;
    readonly apiUrl: string;
    readonly namespaceName: string;
    readonly storageMode: "persistent" | "ephemeral";
    readonly claimName: string | null;
    readonly retainsData: boolean;
    readonly nextCommands: readonly string[];
}

/** The context that the stack's config file names. */
export function contextOf(stack: string): string {
    const file = configFile(stack);
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    const { config } = (parse(text) ?? {}) as { config?: Record<string, unknown> };
    const context = config?.["kubernetes:context"];
    if (typeof context !== "string" || context === "") {
        throw new UserError(
            `${file} names no cluster. Add one: pulumi config set kubernetes:context minikube --stack ${stack}`,
        );
    }
    return context;
}

/**
 * The environment in which Pulumi runs: the pulumi that is on the PATH, else the official download, and the state
 * where Pulumi is logged in, else in a folder of this machine.
 */
export async function withPulumi(env: Environment): Promise<Environment> {
    const found = onPath("pulumi", env) ? env : await installPulumi(env);
    return output("pulumi", ["whoami", "--non-interactive"], found) === undefined ? localState(found) : found;
}

async function installPulumi(env: Environment): Promise<Environment> {
    const root = join(dataFolder(env), "pulumi");
    console.log(`Installing Pulumi into ${root} ...`);
    try {
        await PulumiCommand.install({ root });
    } catch {
        throw new UserError(
            "Pulumi could not be downloaded. Install it (https://www.pulumi.com/docs/install), then run this again.",
        );
    }
    return { ...env, PATH: `${join(root, "bin")}:${env.PATH ?? ""}` };
}

function localState(env: Environment): Environment {
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
    console.log(
        "Pulumi is not logged in: the stack's state is kept on this machine. For plain pulumi in your shell:",
    );
    Object.entries(own).forEach(([name, value]) => {
        console.log(`  export ${name}=${value}`);
    });
    return { ...env, ...own };
}

function dataFolder(env: Environment): string {
    return join(env.XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "synergychat");
}

/** Selects the stack, and makes it where there is none. */
export function selectStack(stack: string, env: Environment): void {
    keepingConfigClean(stack, () => {
        if (
            output("pulumi", ["stack", "select", stack, "--create", "--non-interactive"], env) === undefined
        ) {
            run("pulumi", ["stack", "select", stack, "--create", "--non-interactive"], env);
        }
    });
}

/** Runs a pulumi command on the stack, its output on the terminal. */
export function pulumi(stack: string, args: readonly string[], env: Environment): void {
    keepingConfigClean(stack, () => {
        run("pulumi", [...args, "--stack", stack], env);
    });
}

/** The stack's outputs. */
export function outputs(stack: string, env: Environment): Outputs {
    const json = output("pulumi", ["stack", "output", "--json", "--stack", stack], env);
    if (json === undefined) {
        throw new UserError(`The stack ${stack} has no outputs: run npm run up`);
    }
    return JSON.parse(json) as Outputs;
}

/**
 * Pulumi writes the salt of a passphrase into the stack's config file. The stack's state holds it too, and the file is
 * one that people commit: so a salt that was not there before is taken out again.
 */
function keepingConfigClean(stack: string, action: () => void): void {
    const file = configFile(stack);
    const salt = /^encryptionsalt: .*\n?/m;
    const clean = !existsSync(file) || !salt.test(readFileSync(file, "utf8"));
    try {
        action();
    } finally {
        if (clean && existsSync(file)) {
            writeFileSync(file, readFileSync(file, "utf8").replace(salt, ""));
        }
    }
}

function configFile(stack: string): string {
    return `Pulumi.${stack}.yaml`;
}
