// Which Pulumi the sandbox uses: the one of this machine, else the official download, else one built from source.
import { randomBytes } from "node:crypto";
import { createWriteStream, existsSync, realpathSync } from "node:fs";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { attempt, run } from "./exec.ts";
import type { Paths } from "./paths.ts";
import { kubernetesProvider, oldestPulumi, pulumi } from "./pins.ts";
import { say } from "./progress.ts";
import { readIfThere, withFolder, writeWhole } from "./stamps.ts";

export interface Toolchain {
    /** The folder of `pulumi`, first on the PATH. */
    folder: string;
    /** Whether the language host beside it is Pulumi's own. */
    officialHost: boolean;
    /** Whether the Kubernetes provider is a release of Pulumi's, or built from its source. */
    provider: "release" | "built";
}

const recordOf = (paths: Paths): string => join(paths.state, "toolchain.json");

/** In the plugin folder the CLI finds it without a warning. */
const providerIn = (pulumiHome: string): string =>
    join(pulumiHome, "plugins", `resource-kubernetes-v${kubernetesProvider}`, "pulumi-resource-kubernetes");

export async function toolchainOf(paths: Paths): Promise<Toolchain | undefined> {
    const written = await readIfThere(recordOf(paths));
    return written === undefined ? undefined : (JSON.parse(written) as Toolchain);
}

/** What this machine has or can download. The rest is to be built. */
export async function findToolchain(paths: Paths, registriesOnly: boolean): Promise<Toolchain> {
    // Once the CLI is built, no `up` waits for a download that does not come.
    const isBuilt = existsSync(join(paths.bin, "pulumi"));
    const official = (await onPath(paths)) ?? (registriesOnly || isBuilt ? undefined : await download(paths));
    const isRelease = await findRelease(paths, registriesOnly ? undefined : official);
    return {
        folder: official ?? paths.bin,
        officialHost: official !== undefined,
        provider: isRelease ? "release" : "built",
    };
}

/** Puts everything in its place, once what is to be built is there. */
export async function installToolchain(paths: Paths, toolchain: Toolchain): Promise<void> {
    await mkdir(paths.pulumiState, { recursive: true });
    if (!existsSync(paths.passphrase)) {
        await writeWhole(paths.passphrase, randomBytes(24).toString("base64url"));
    }
    if (toolchain.provider === "built") {
        await linkProvider(paths, join(paths.bin, "kubernetes-provider"));
    }
    await writeWhole(recordOf(paths), JSON.stringify(toolchain));
}

async function onPath(paths: Paths): Promise<string | undefined> {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
        const program = join(folder, "pulumi");
        if (folder !== paths.bin && existsSync(program)) {
            const real = dirname(realpathSync(program));
            const complete = [folder, real].some((one) => existsSync(join(one, "pulumi-language-nodejs")));
            const { stdout } = await attempt(program, ["version"], { seconds: 20 });
            if (complete && isRecent(stdout)) {
                return folder;
            }
        }
    }
    return undefined;
}

export function isRecent(version: string): boolean {
    const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version.trim());
    if (!found) {
        return false;
    }
    const [major = 0, minor = 0] = found.slice(1).map(Number);
    return major > oldestPulumi[0] || (major === oldestPulumi[0] && minor >= oldestPulumi[1]);
}

/** Nothing answers on a machine that reaches package registries only: that takes ten seconds at most. */
async function download(paths: Paths): Promise<string | undefined> {
    const folder = join(paths.cache, `pulumi-${pulumi}`);
    if (existsSync(folder)) {
        return folder;
    }
    const processor = process.arch === "x64" ? "x64" : "arm64";
    const url = `https://get.pulumi.com/releases/sdk/pulumi-v${pulumi}-linux-${processor}.tar.gz`;
    const limit = new AbortController();
    const stop = (): void => {
        limit.abort();
    };
    let timer = setTimeout(stop, 10_000);
    try {
        const { ok, body } = await fetch(url, { signal: limit.signal });
        if (!ok || !body) {
            return undefined;
        }
        clearTimeout(timer);
        timer = setTimeout(stop, 600_000);
        say("Pulumi CLI: downloading");
        await withFolder(paths.cache, async (part) => {
            const archive = join(part, "pulumi.tar.gz");
            await pipeline(body, createWriteStream(archive));
            await run("tar", ["-xzf", archive], { cwd: part, seconds: 120 });
            await rename(join(part, "pulumi"), folder);
        });
        return folder;
    } catch {
        return undefined;
    } finally {
        clearTimeout(timer);
    }
}

/** Finds a release of the provider: an earlier download, here or in the home folder, or one by this CLI. */
async function findRelease(paths: Paths, cli: string | undefined): Promise<boolean> {
    const file = providerIn(paths.pulumiHome);
    if ((await toolchainOf(paths))?.provider === "release" && existsSync(file)) {
        return true;
    }
    const theirs = providerIn(join(homedir(), ".pulumi"));
    if (existsSync(theirs)) {
        await linkProvider(paths, theirs);
        return true;
    }
    if (cli === undefined) {
        return false;
    }
    await rm(file, { force: true });
    const env = { ...process.env, PULUMI_HOME: paths.pulumiHome };
    const install = ["plugin", "install", "resource", "kubernetes", `v${kubernetesProvider}`];
    return (await attempt(join(cli, "pulumi"), install, { env, seconds: 120 })).code === 0;
}

async function linkProvider(paths: Paths, target: string): Promise<void> {
    const file = providerIn(paths.pulumiHome);
    await mkdir(dirname(file), { recursive: true });
    await rm(file, { force: true });
    await symlink(target, file);
}
