// Which Pulumi the sandbox uses, and where its plugins are.
import { randomBytes } from "node:crypto";
import { createWriteStream, existsSync, realpathSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { buildPulumi } from "./build.ts";
import { attempt, run } from "./exec.ts";
import type { Paths } from "./paths.ts";
import { kubernetesProvider, officialPulumi, oldestPulumi } from "./pins.ts";
import { say } from "./progress.ts";
import { readIfThere, withFolder, writeWhole } from "./stamps.ts";

export interface Toolchain {
    /** The folder with `pulumi`, first on the PATH unless it is there already. */
    folder: string;
    /** Whether the language host beside it is Pulumi's own. */
    officialHost: boolean;
    officialProvider: boolean;
}

const scripts = join(import.meta.dirname, "bin");
const recordOf = (paths: Paths): string => join(paths.state, "toolchain.json");

export async function toolchainOf(paths: Paths): Promise<Toolchain | undefined> {
    const written = await readIfThere(recordOf(paths));
    return written === undefined ? undefined : (JSON.parse(written) as Toolchain);
}

/** The one on the PATH, else the official download where it answers, else one built from source. */
export async function providePulumi(paths: Paths, registriesOnly: boolean): Promise<void> {
    // What was built once stays: no `up` after it waits for a download that does not come.
    const isBuilt = existsSync(join(paths.bin, "pulumi"));
    const official = (await onPath(paths)) ?? (registriesOnly || isBuilt ? undefined : await download(paths));
    if (official === undefined) {
        await buildPulumi(paths);
        // Beside the CLI it is found without a warning.
        await writeCaller(join(paths.bin, "pulumi-language-nodejs"), join(scripts, "pulumi-language-nodejs"));
    }
    await Promise.all(
        [paths.pulumiHome, paths.pulumiState].map((folder) => mkdir(folder, { recursive: true })),
    );
    if (!existsSync(paths.passphrase)) {
        await writeWhole(paths.passphrase, randomBytes(24).toString("base64url"));
    }
    const officialProvider = await linkProvider(
        paths,
        official !== undefined && !registriesOnly ? official : undefined,
    );
    const toolchain = {
        folder: official ?? paths.bin,
        officialHost: official !== undefined,
        officialProvider,
    };
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
    const folder = join(paths.cache, `pulumi-${officialPulumi}`);
    if (existsSync(folder)) {
        return folder;
    }
    const processor = process.arch === "x64" ? "x64" : "arm64";
    const url = `https://get.pulumi.com/releases/sdk/pulumi-v${officialPulumi}-linux-${processor}.tar.gz`;
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

/** In the plugin folder it is found without a word, and without the PATH. Says whether it is Pulumi's own provider. */
async function linkProvider(paths: Paths, official: string | undefined): Promise<boolean> {
    const name = `resource-kubernetes-v${kubernetesProvider}`;
    const file = join(paths.pulumiHome, "plugins", name, "pulumi-resource-kubernetes");
    if (official !== undefined && !existsSync(file)) {
        const env = { ...process.env, PULUMI_HOME: paths.pulumiHome };
        const install = ["plugin", "install", "resource", "kubernetes", `v${kubernetesProvider}`];
        if ((await attempt(join(official, "pulumi"), install, { env, seconds: 120 })).code === 0) {
            return true;
        }
    }
    const theirs = join(homedir(), ".pulumi", "plugins", name, "pulumi-resource-kubernetes");
    const isThere = existsSync(theirs);
    const target = isThere ? theirs : join(scripts, "pulumi-resource-kubernetes");
    if (existsSync(file) && !(await readIfThere(file))?.startsWith("#!")) {
        return true;
    }
    await writeCaller(file, target);
    return isThere;
}

/** A script and no link: what it calls may ask where it is itself. */
function writeCaller(file: string, target: string): Promise<void> {
    return writeWhole(file, `#!/bin/sh\nexec '${target}' "$@"\n`, 0o755);
}
