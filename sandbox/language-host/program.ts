/** What is installed for a program, and the commands that run it and install its packages. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

interface Manifest {
    readonly name?: string;
    readonly version?: string;
    readonly dependencies?: Record<string, string>;
    readonly devDependencies?: Record<string, string>;
    readonly pulumi?: {
        readonly resource?: boolean;
        readonly name?: string;
        readonly version?: string;
        readonly server?: string;
    };
}

export interface InstalledPackage {
    readonly name: string;
    readonly version: string;
    /** Whether the program's package.json names it. */
    readonly isDirect: boolean;
    readonly pulumi: Manifest["pulumi"];
}

/** The packages in the nearest `node_modules`: npm workspaces keep theirs at the root. */
export function installedPackages(directory: string): InstalledPackage[] {
    const root = nearest(directory, "node_modules");
    if (root === undefined) {
        return [];
    }
    const own = readManifest(join(directory, "package.json"));
    const direct = { ...own.dependencies, ...own.devDependencies };
    const modules = join(root, "node_modules");
    const names = readdirSync(modules).flatMap((name) =>
        name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => join(name, inner)) : name,
    );
    const manifests = names.map((name) => readManifest(join(modules, name, "package.json")));
    return manifests.flatMap(({ name, version = "", pulumi }) =>
        name === undefined ? [] : { name, version, isDirect: name in direct, pulumi },
    );
}

/** The provider that an SDK package of Pulumi's needs. */
export function providerOf({ name, version, pulumi }: InstalledPackage) {
    if (!pulumi?.resource) {
        return undefined;
    }
    const wanted = pulumi.version ?? version;
    return {
        name: pulumi.name ?? name.replace(/^@pulumi\//, ""),
        version: wanted.startsWith("v") ? wanted : `v${wanted}`,
        server: pulumi.server ?? "",
    };
}

/** Pulumi's SDK as installed for a program: its version, and its script that runs programs. */
export function sdkOf(directory: string): { readonly version: string; readonly script: string } {
    const root = nearest(directory, "node_modules/@pulumi/pulumi");
    if (root === undefined) {
        throw new Error(`@pulumi/pulumi is not installed for ${directory}. Run: pulumi install`);
    }
    const sdk = join(root, "node_modules/@pulumi/pulumi");
    const { version = "" } = readManifest(join(sdk, "package.json"));
    return { version, script: join(sdk, "cmd/run/index.js") };
}

/** The arguments of Node.js up to the program, and the environment, for these runtime options of `Pulumi.yaml`. */
export function programCommand(
    directory: string,
    options: Readonly<Record<string, unknown>>,
    flags: Readonly<Record<string, string>>,
): { args: string[]; env: Record<string, string> } {
    const { typescript = true, packagemanager = "npm", nodeargs = "", ...others } = options;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined || packagemanager !== "npm") {
        const option = unknown ?? `packagemanager: ${String(packagemanager)}`;
        throw new Error(`The sandbox's language host does not support the runtime option "${option}".`);
    }
    return {
        args: [
            ...words(String(nodeargs)),
            sdkOf(directory).script,
            ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
        ],
        env: typescript === true ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {},
    };
}

/** Pulumi's own host splits `nodeargs` as a shell does. */
function words(nodeargs: string): string[] {
    if (/["'\\]/.test(nodeargs)) {
        throw new Error(
            `The sandbox's language host does not support quotes and backslashes in nodeargs: ${nodeargs}`,
        );
    }
    return nodeargs.split(/\s+/).filter((word) => word !== "");
}

/**
 * The npm command that installs a program's packages, and where. Only if there are none yet: `npm ci`. It would wipe
 * them first, and the Node.js that runs this may be one of them.
 */
export function npmCommand(directory: string): { root: string; args: string[] } {
    const root = nearest(directory, "package-lock.json");
    const isNew = root !== undefined && !existsSync(join(root, "node_modules"));
    return { root: root ?? directory, args: [isNew ? "ci" : "install", "--loglevel=error"] };
}

/** The nearest folder with a file or folder of this name, upwards. */
function nearest(directory: string, name: string): string | undefined {
    if (existsSync(join(directory, name))) {
        return directory;
    }
    return dirname(directory) === directory ? undefined : nearest(dirname(directory), name);
}

function readManifest(file: string): Manifest {
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Manifest) : {};
}
