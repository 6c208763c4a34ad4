/** The Pulumi stack that the commands work on: its config file, its state, its outputs. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { PulumiCommand } from "@pulumi/pulumi/automation";
import { parse } from "yaml";
import { isContent, kubeconfigPath } from "../cluster/kubectl";
import { type RawConfig, rules } from "../config";
import { type StateResource, otherCluster, recordedIn } from "../state";
import { type Cluster, findCluster } from "./cluster";
import { type Environment, UserError, attempt, onPath, output, run } from "./process";

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

/** The cluster that a stack goes to. */
export interface StackCluster extends Cluster {
    /** The stack's name. */
    readonly stack: string;
    /** Its context in the kubeconfig. */
    readonly context: string;
    /** What its state held when the command began. */
    readonly state: readonly Resource[];
}

/**
 * Finds or starts the cluster of a stack; its environment has Pulumi and a place for the state. A lock that a dead process
 * left on that is freed.
 *
 * @param named the stack that the person named; else it is the selected one, or `dev`.
 * @param yes whether to ask nothing.
 * @throws UserError that says what is missing.
 */
export async function clusterOf(named: string | undefined, yes = false): Promise<StackCluster> {
    const stack = named ?? selectedStack(process.env) ?? "dev";
    const context = contextOf(stack);
    const found = await findCluster(context, { ...process.env, ...kubeconfigOf(stack) }, yes);
    const env = await withPulumi(found.env);
    // Where the state is, was not known before.
    const selected = selectedStack(env);
    if (named === undefined && selected !== undefined && selected !== stack) {
        throw new UserError(
            `The stack ${selected} is selected, and you named none. Name it, ${selected} or ${stack}, as in: npm run up -- ${selected}`,
        );
    }
    console.log(`Stack ${stack}, context ${context}.`);
    freeDeadLock(stack, env);
    const state = resourcesOf(stack, env);
    const elsewhere = otherCluster(context, recordedIn(state));
    if (elsewhere) {
        throw new UserError(elsewhere);
    }
    return { ...found, stack, context, env, state };
}

function selectedStack(env: Environment): string | undefined {
    const name = output("pulumi", ["stack", "--show-name", "--non-interactive"], env);
    return name === "" ? undefined : name;
}

/** A resource in the stack's state. */
export interface Resource extends StateResource {
    readonly id?: string;
    readonly inputs?: { readonly kind?: string };
    readonly retainOnDelete?: boolean;
    readonly protect?: boolean;
}

/**
 * The resources in the stack's state; none where there is no such stack.
 *
 * @throws UserError when Pulumi does not give the state: what cannot be read is not empty.
 */
export function resourcesOf(stack: string, env: Environment): readonly Resource[] {
    const { status, stdout, stderr } = attempt("pulumi", ["stack", "export", "--stack", stack], env);
    if (stderr.includes("no stack named")) {
        return [];
    }
    if (status !== 0) {
        throw new UserError(
            `Pulumi does not give the state of stack ${stack}, nothing was changed:\n${stderr.trim()}`,
        );
    }
    const { deployment } = JSON.parse(stdout) as { deployment?: { resources?: readonly Resource[] } };
    return deployment?.resources ?? [];
}

function kubeconfigOf(stack: string): Environment {
    const kubeconfig = configOf(stack, "kubernetes:kubeconfig");
    if (kubeconfig === undefined) {
        return {};
    }
    if (typeof kubeconfig !== "string" || isContent(kubeconfig)) {
        throw new UserError(
            `kubernetes:kubeconfig in ${configFile(stack)} is a kubeconfig's content, which is for plain pulumi alone.\n` +
                "For this command save it as a file of yours, and set kubernetes:kubeconfig to its path.",
        );
    }
    return { KUBECONFIG: kubeconfigPath(kubeconfig) };
}

/** The context that the stack's config file names. */
function contextOf(stack: string): string {
    const context = configOf(stack, "kubernetes:context");
    if (typeof context !== "string" || context === "") {
        const file = configFile(stack);
        const problem = existsSync(file)
            ? `${file} names no cluster. Run:`
            : `There is no stack ${stack} here, no file ${file}. There is: ${stacksHere().join(", ") || "none"}. To make it:`;
        throw new UserError(
            `${problem}\n` +
                `pulumi stack init ${stack}   (where there is no such stack yet)\n` +
                `pulumi config set kubernetes:context minikube --stack ${stack}`,
        );
    }
    return context;
}

/** What the stack's config file says of a key of Pulumi's. */
function configOf(stack: string, key: string): unknown {
    return configDocument(stack).config?.[key];
}

/** What the stack's config file says of a key of this project's, as text; the key's default where it says nothing. */
export function settingOf(stack: string, key: keyof typeof rules): string {
    const value = configOf(stack, `${projectName()}:${key}`);
    return value === undefined ? rules[key].default : textOf(value);
}

/**
 * The stack's whole config as Pulumi hands it to the program.
 *
 * @param changes values of this project's keys that take the place of the file's.
 */
export function rawConfig(stack: string, changes: Readonly<Record<string, string>>): RawConfig {
    const config: Record<string, unknown> = { ...configDocument(stack).config };
    for (const [key, value] of Object.entries(changes)) {
        config[`${projectName()}:${key}`] = value;
    }
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, textOf(value)]));
}

function textOf(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}

/** The stack's config file as it is now, for `restoreConfig`. */
export function configText(stack: string): string {
    return readFileSync(configFile(stack), "utf8");
}

/** Writes the stack's config file as it was. */
export function restoreConfig(stack: string, text: string): void {
    writeFileSync(configFile(stack), text);
}

/** A stack's config file: the config, and what Pulumi keeps beside it. */
export interface ConfigDocument {
    readonly config?: Readonly<Record<string, unknown>>;
}

/** The stack's config file, empty where there is none. */
export function configDocument(stack: string): ConfigDocument {
    const file = configFile(stack);
    return existsSync(file) ? yamlIn(file) : {};
}

function yamlIn(file: string): object {
    try {
        return (parse(readFileSync(file, "utf8")) ?? {}) as object;
    } catch (error) {
        throw new UserError(`${file} is not YAML: ${(error as Error).message}`);
    }
}

/**
 * The environment in which Pulumi runs: the pulumi that is on the PATH, else the official download, and the state
 * where Pulumi is logged in, else in a folder of this machine.
 */
export async function withPulumi(env: Environment): Promise<Environment> {
    const found = onPath("pulumi", env) ? env : await installPulumi(env);
    const { status, stderr } = attempt("pulumi", ["whoami", "--non-interactive"], found);
    if (status === 0) {
        return found;
    }
    if (isLoggedIn(found)) {
        throw new UserError(
            `Pulumi does not reach the place where it is logged in, and where the stack's state is:\n${stderr.trim()}\n` +
                "Mend that, or keep the state on this machine: pulumi logout",
        );
    }
    return localState(found);
}

/** Whether somebody said where the state is. Source: https://www.pulumi.com/docs/iac/cli/environment-variables/ */
function isLoggedIn(env: Environment): boolean {
    if (env.PULUMI_ACCESS_TOKEN ?? env.PULUMI_BACKEND_URL) {
        return true;
    }
    const file = join(env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "credentials.json");
    return existsSync(file) && Boolean((yamlIn(file) as { current?: string }).current);
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

/** Where this project keeps on this machine what is no part of the repository. */
export function dataFolder(env: Environment): string {
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

/** A lock of a state that is kept in files: who holds it. */
interface Lock {
    readonly pid: number;
    readonly hostname: string;
}

/**
 * Frees the stack when a pulumi that was killed on this machine left it locked. Any other lock is left to its holder:
 * pulumi then says who that is.
 */
export function freeDeadLock(stack: string, env: Environment): void {
    const state = stateFolder(env);
    const name = shortName(stack);
    const locks =
        state === undefined ? [] : locksOf(join(state, "locks", "organization", projectName(), name));
    if (state === undefined || locks.length === 0 || !locks.every(isDead)) {
        return;
    }
    const pids = locks.map(({ pid }) => pid).join(", ");
    console.log(`The stack is locked by a pulumi that no longer runs (pid ${pids}): pulumi cancel frees it.`);
    mendAttributes(join(state, "stacks", projectName(), `${name}.json.attrs`));
    run("pulumi", ["cancel", "--yes", "--stack", stack], env);
}

/** Where the state is, if in files of this machine; one that is kept elsewhere frees its own locks. */
function stateFolder(env: Environment): string | undefined {
    const { url } = JSON.parse(output("pulumi", ["whoami", "--json"], env) ?? "{}") as { url?: string };
    return url?.startsWith("file://")
        ? join(url.slice("file://".length).replace(/^~/, homedir()), ".pulumi")
        : undefined;
}

function locksOf(folder: string): Lock[] {
    const files = existsSync(folder) ? readdirSync(folder) : [];
    const locks = files.filter((file) => file.endsWith(".json"));
    return locks.map((file) => JSON.parse(readFileSync(join(folder, file), "utf8")) as Lock);
}

/**
 * Pulumi replaces a state's file in one step, but not the small one beside it that holds its content type. Killed in
 * that instant it leaves that one empty, and every command then fails with «failed to load checkpoint: EOF». The state
 * itself is whole, and read as well without it.
 */
function mendAttributes(file: string): void {
    if (existsSync(file) && statSync(file).size === 0) {
        console.log(
            `It was killed while it wrote: removing the empty ${file}; the state beside it is whole.`,
        );
        rmSync(file);
    }
}

function isDead(lock: Lock): boolean {
    return lock.hostname === hostname() && !runsPulumi(lock.pid);
}

/** Whether a process runs, and is a pulumi: after a restart of the machine its number may be somebody else's. */
function runsPulumi(pid: number): boolean {
    try {
        process.kill(pid, 0);
    } catch (error) {
        return (error as NodeJS.ErrnoException).code !== "ESRCH";
    }
    const program = output("ps", ["-o", "stat=,comm=", "-p", String(pid)], process.env);
    // Z: ended, and nobody has asked how yet.
    return program === undefined || (program.includes("pulumi") && !program.startsWith("Z"));
}

/** The project's name, which Pulumi.yaml gives and `pulumi new` changes. */
export function projectName(): string {
    return (yamlIn("Pulumi.yaml") as { name: string }).name;
}

/** The stack's outputs, as its state has them. */
export function outputs(state: readonly Resource[], stack: string): Outputs {
    const known = knownOutputs(state);
    if (!known) {
        throw new UserError(`The stack ${stack} has no outputs: run npm run up -- ${stack}`);
    }
    return known;
}

/** The stack's outputs, or undefined where no `up` of it has come to its end yet. */
export function knownOutputs(state: readonly Resource[]): Outputs | undefined {
    const known = state.find(({ type }) => type === "pulumi:pulumi:Stack")?.outputs as
        Partial<Outputs> | undefined;
    return known?.namespaceName === undefined ? undefined : (known as Outputs);
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
        const text = existsSync(file) ? readFileSync(file, "utf8") : "";
        if (clean && salt.test(text)) {
            writeFileSync(file, text.replace(salt, ""));
        }
    }
}

/** The stack's config file. */
export function configFile(stack: string): string {
    return `Pulumi.${shortName(stack)}.yaml`;
}

/** The stacks that have a config file here. */
function stacksHere(): string[] {
    return readdirSync(".").flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? []);
}

/** A stack's name without its organization and project, as in organization/project/dev. */
export function shortName(stack: string): string {
    return stack.split("/").at(-1) ?? stack;
}
