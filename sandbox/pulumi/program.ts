/** What a nodejs language host does with a program: run it, install and list what it needs. Knows nothing of gRPC. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Json, type JsonObject, at, isObject, objectAt, textAt } from "./json.ts";

export interface RuntimeOptions {
    typescript: boolean;
    nodeArgs: string[];
}

/** `Pulumi.yaml`, `runtime.options`. What is not covered is an error that names it. */
export function parseRuntimeOptions(options: JsonObject): RuntimeOptions {
    const { typescript = true, nodeargs = "", packagemanager = "npm", ...others } = options;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) {
        throw new Error(`this language host does not cover the runtime option "${unknown}"`);
    }
    if (typeof typescript !== "boolean") {
        throw new Error('the runtime option "typescript" must be true or false');
    }
    if (typeof nodeargs !== "string") {
        throw new Error('the runtime option "nodeargs" must be text');
    }
    if (packagemanager !== "npm" && packagemanager !== "auto") {
        throw new Error(
            `this language host covers the package manager npm only, not ${JSON.stringify(packagemanager)}`,
        );
    }
    return { typescript, nodeArgs: splitArgs(nodeargs) };
}

/** Words apart by spaces; quotes keep them together. */
export function splitArgs(text: string): string[] {
    const words = text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g);
    return [...words].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

export interface Program {
    engine: string;
    monitor: string;
    organization: string;
    project: string;
    stack: string;
    rootDirectory: string;
    programDirectory: string;
    entryPoint: string;
    options: JsonObject;
    args: string[];
    dryRun: boolean;
    parallel: number;
    debug: boolean;
    config: Record<string, string>;
    secretKeys: string[];
}

export interface Outcome {
    error: string;
    /** The program told the user itself what is wrong. */
    bail: boolean;
}

/** The exit code of a program that has shown its error already (`@pulumi/pulumi/cmd/run`). */
const ALREADY_SHOWN = 32;
const KILL_AFTER_MS = 5000;
const OLDEST_NODE = 22;

export class Programs {
    /** Looked up at once, while the engine is still busy elsewhere. */
    readonly #node = nodeForPrograms();
    readonly #running = new Set<ChildProcess>();

    async run(program: Program): Promise<Outcome> {
        if (program.debug) {
            return { error: "this language host does not cover --attach-debugger", bail: false };
        }
        const { typescript, nodeArgs } = parseRuntimeOptions(program.options);
        const node = await this.#node;
        const child = spawn(
            node.path,
            [...nodeArgs, runner(program.programDirectory), ...programArguments(program)],
            {
                stdio: ["ignore", "inherit", "inherit"],
                env: { ...process.env, ...programEnvironment(program, typescript) },
            },
        );
        return this.#outcome(child);
    }

    #outcome(child: ChildProcess): Promise<Outcome> {
        this.#running.add(child);
        const killIt = () => child.kill("SIGKILL");
        process.once("exit", killIt);
        return new Promise((resolve) => {
            child.once("error", (error) => {
                resolve({ error: `the program could not be started: ${error.message}`, bail: false });
            });
            child.once("exit", (code, signal) => {
                this.#running.delete(child);
                process.removeListener("exit", killIt);
                resolve(outcomeOf(code, signal));
            });
        });
    }

    /** Interrupts what runs, and kills what does not end by itself. */
    cancel(): void {
        for (const child of this.#running) {
            child.kill("SIGINT");
            setTimeout(() => {
                if (this.#running.has(child)) {
                    child.kill("SIGKILL");
                }
            }, KILL_AFTER_MS).unref();
        }
    }

    async about(
        directory: string,
    ): Promise<{ executable: string; version: string; metadata: Record<string, string> }> {
        const node = await this.#node;
        const npm = await versionOf("npm");
        const typescript = resolveFrom(directory, "typescript/package.json");
        const version = typescript && textAt(await readJson(typescript), "version");
        return {
            executable: node.path,
            version: node.version,
            metadata: {
                packagemanager: "npm",
                ...(npm !== undefined && { packagemanagerVersion: npm }),
                ...(version !== undefined && { typescriptVersion: version }),
            },
        };
    }
}

export function outcomeOf(code: number | null, signal: NodeJS.Signals | null): Outcome {
    if (code === 0) {
        return { error: "", bail: false };
    }
    if (code === ALREADY_SHOWN) {
        return { error: "", bail: true };
    }
    const how = signal === null ? `with non-zero exit code: ${code ?? "?"}` : `by signal ${signal}`;
    return { error: `Program exited ${how}`, bail: false };
}

export function programArguments(program: Program): string[] {
    const flags: [string, string][] = [
        ["monitor", program.monitor],
        ["engine", program.engine],
        ["organization", program.organization],
        ["project", program.project],
        ["stack", program.stack],
        ["root-directory", program.rootDirectory],
        ["pwd", program.programDirectory],
        ["parallel", String(program.parallel)],
    ];
    const given = flags.filter(([, value]) => value !== "").map(([flag, value]) => `--${flag}=${value}`);
    return [...given, ...(program.dryRun ? ["--dry-run"] : []), program.entryPoint || ".", ...program.args];
}

export function programEnvironment(program: Program, typescript: boolean): Record<string, string> {
    // The SDK's own spelling of a key has the word `config` in it.
    const config = Object.entries(program.config).map(([key, value]) => [
        key.replace(/^([^:]+):([^:]+)$/, "$1:config:$2"),
        value,
    ]);
    return {
        PULUMI_CONFIG: JSON.stringify(Object.fromEntries(config)),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(program.secretKeys),
        ...(typescript && { PULUMI_NODEJS_TYPESCRIPT: "true" }),
    };
}

/** The SDK's own start of a program, as installed for that program. */
function runner(programDirectory: string): string {
    const found = resolveFrom(programDirectory, "@pulumi/pulumi/cmd/run/index.js");
    if (found === undefined) {
        throw new Error(
            `@pulumi/pulumi is not installed for ${programDirectory}: run \`pulumi install\` there`,
        );
    }
    return found;
}

function resolveFrom(directory: string, module: string): string | undefined {
    try {
        return createRequire(join(directory, "index.js")).resolve(module);
    } catch {
        return undefined;
    }
}

/** The node on the PATH if it is new enough for the SDK, else the one that runs this. */
async function nodeForPrograms(): Promise<{ path: string; version: string }> {
    const own = { path: process.execPath, version: process.version };
    const found = (process.env.PATH ?? "")
        .split(delimiter)
        .map((folder) => join(folder, "node"))
        .find(existsSync);
    if (found === undefined || realpathSync(found) === realpathSync(own.path)) {
        return own;
    }
    const version = await versionOf(found);
    return version !== undefined && Number(version.replace(/^v/, "").split(".")[0]) >= OLDEST_NODE
        ? { path: found, version }
        : own;
}

async function versionOf(executable: string): Promise<string | undefined> {
    try {
        const { stdout } = await promisify(execFile)(executable, ["--version"]);
        return stdout.trim();
    } catch {
        return undefined;
    }
}

export interface RequiredPackage {
    name: string;
    version: string;
    server: string;
}

/** The provider SDKs among the installed packages: those whose package.json says `pulumi.resource: true`. */
export async function requiredPackages(directory: string): Promise<RequiredPackage[]> {
    const modules = above(directory, "node_modules");
    const names = modules === undefined ? [] : await packagesIn(modules);
    const manifests = await Promise.all(
        names.map((name) => readJson(join(modules ?? "", name, "package.json")).catch(() => ({}))),
    );
    return manifests.filter((manifest) => at(manifest, "pulumi", "resource") === true).map(requiredPackage);
}

function requiredPackage(manifest: JsonObject): RequiredPackage {
    const version = textAt(manifest, "pulumi", "version") ?? textAt(manifest, "version") ?? "";
    return {
        name:
            textAt(manifest, "pulumi", "name") ?? (textAt(manifest, "name") ?? "").replace(/^@pulumi\//, ""),
        version: version.startsWith("v") ? version : `v${version}`,
        server: textAt(manifest, "pulumi", "server") ?? "",
    };
}

async function packagesIn(modules: string): Promise<string[]> {
    const names = (await readdir(modules)).filter((name) => !name.startsWith("."));
    const scopes = names.filter((name) => name.startsWith("@"));
    const scoped = scopes.map(async (scope) =>
        (await readdir(join(modules, scope))).map((name) => `${scope}/${name}`),
    );
    return [...names.filter((name) => !name.startsWith("@")), ...(await Promise.all(scoped)).flat()];
}

export interface Dependency {
    name: string;
    version: string;
}

/** What the lock file says is installed: what the program's package.json names, or everything. */
export async function dependencies(directory: string, transitive: boolean): Promise<Dependency[]> {
    const lockFile = above(directory, "package-lock.json");
    if (lockFile === undefined) {
        throw new Error(`no package-lock.json in or above ${directory}: run \`pulumi install\``);
    }
    const packages = objectAt(await readJson(lockFile), "packages");
    const manifest = await readJson(join(directory, "package.json"));
    const direct = { ...objectAt(manifest, "dependencies"), ...objectAt(manifest, "devDependencies") };
    return Object.entries(packages)
        .filter(([path]) => path.startsWith("node_modules/"))
        .map(([path, entry]) => ({
            name: path.replace(/^.*node_modules\//, ""),
            path,
            version: textAt(entry, "version") ?? "",
        }))
        .filter(({ name, path }) => transitive || (path === `node_modules/${name}` && name in direct))
        .map(({ name, version }) => ({ name, version }));
}

/** The nearest file or folder of this name, in the directory or above it (npm workspaces keep theirs at the root). */
function above(directory: string, name: string): string | undefined {
    const candidate = join(directory, name);
    if (existsSync(candidate)) {
        return candidate;
    }
    const parent = dirname(directory);
    return parent === directory ? undefined : above(parent, name);
}

async function readJson(file: string): Promise<JsonObject> {
    const value = JSON.parse(await readFile(file, "utf8")) as Json;
    return isObject(value) ? value : {};
}

/**
 * Installs by npm. What is installed already is mended in place rather than wiped: the node that runs this may be part
 * of it.
 */
export async function install(
    directory: string,
    show: { out: (text: Uint8Array) => void; err: (text: Uint8Array) => void },
): Promise<void> {
    const lockFile = above(directory, "package-lock.json");
    const root = lockFile === undefined ? directory : dirname(lockFile);
    const fresh = lockFile !== undefined && !existsSync(join(root, "node_modules"));
    const child = spawn("npm", [fresh ? "ci" : "install", "--loglevel=error"], {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", show.out);
    child.stderr.on("data", show.err);
    await new Promise<void>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code) => {
            if (code === 0) {
                resolve();
            } else {
                reject(new Error(`npm ended with exit code ${code ?? "?"}`));
            }
        });
    });
}
