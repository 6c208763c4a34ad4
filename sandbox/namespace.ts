// The node as a set of namespaces: a real machine's worth of isolation without a container engine.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readdir, readFile, readlink, rmdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { attempt, eventually, run, type Options, type Outcome } from "./exec.ts";
import { networkOf } from "./network.ts";
import type { Paths } from "./paths.ts";
import { Problem } from "./problem.ts";
import { readIfThere } from "./stamps.ts";

export interface Process {
    pid: number;
    /** The file that runs. */
    program: string;
}

/** The pid of the node's first process, if it runs. */
export async function holderOf(paths: Paths): Promise<number | undefined> {
    const written = await readIfThere(paths.holder);
    if (written === undefined) {
        return undefined;
    }
    const pid = Number(written.split(" ")[0]);
    const now = await readIfThere(`/proc/${pid}/stat`).catch(() => undefined);
    // Pids are used again: only the same pid from the same moment is ours.
    return now !== undefined && startOf(now) === startOf(written) ? pid : undefined;
}

/** The 22nd field; the second one, the name in brackets, may itself hold blanks. */
export function startOf(stat: string): string | undefined {
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

export async function startHolder(paths: Paths): Promise<number> {
    const running = await holderOf(paths);
    if (running !== undefined) {
        return running;
    }
    // Those of a node that has crashed would keep the kubelet busy for half a minute.
    await removeCgroups(paths);
    await Promise.all((await cgroupFolders(paths)).map((folder) => mkdir(folder, { recursive: true })));
    const log = await open(join(paths.logs, "holder.log"), "w");
    const script = join(import.meta.dirname, "holder.sh");
    const args = ["--net", "--mount", "--pid", "--fork", "sh", script, paths.state];
    const child = spawn("unshare", args, { detached: true, stdio: ["ignore", log.fd, log.fd] });
    child.on("error", () => undefined).unref();
    await log.close();
    const isThere = async (): Promise<boolean> => (await holderOf(paths)) !== undefined;
    await eventually(10, async () => child.exitCode !== null || (await isThere()));
    // One that gives up may have met another that a killed run has just started.
    await eventually(2, isThere);
    const pid = await holderOf(paths);
    if (pid === undefined) {
        const said = await readFile(join(paths.logs, "holder.log"), "utf8");
        throw new Problem(
            `the node's namespaces cannot be made (this needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN):\n${said}`,
        );
    }
    return pid;
}

function attemptInside(holder: number, command: readonly string[]): Promise<Outcome> {
    return attempt("nsenter", [...enter(holder), ...command]);
}

function runInside(holder: number, command: readonly string[], options: Options = {}): Promise<string> {
    return run("nsenter", [...enter(holder), ...command], options);
}

function enter(holder: number): string[] {
    return ["--target", `${holder}`, "--net", "--mount", "--pid", "--"];
}

/** Starts a program on the node that outlives this process; its orphans and itself are the holder's to reap. */
export async function startInside(
    holder: number,
    command: readonly string[],
    logFile: string,
): Promise<void> {
    const log = await open(logFile, "w", 0o600);
    const args = [...enter(holder), "setsid", "--fork", ...command];
    // Nothing of this shell's (a proxy, a secret) is the node's business. Go's programs trade memory for a tenth of their time.
    const env = { PATH: process.env.PATH, HOME: "/root", GOGC: "400" };
    const child = spawn("nsenter", args, {
        env,
        stdio: ["ignore", log.fd, log.fd],
        cwd: "/",
    });
    await Promise.race([once(child, "exit"), once(child, "error")]);
    await log.close();
}

/** What runs directly on the node (not what runs in its pods). The namespace itself is the record: none can go stale. */
export async function processesOn(holder: number): Promise<Process[]> {
    const namespace = await link(`/proc/${holder}/ns/pid`);
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const found: Process[] = [];
    for (const pid of pids) {
        if (namespace !== undefined && (await link(`/proc/${pid}/ns/pid`)) === namespace) {
            // A program that was built anew while it ran.
            const program = (await link(`/proc/${pid}/exe`))?.replace(/ \(deleted\)$/, "");
            found.push({ pid, program: program ?? "" });
        }
    }
    return found;
}

function link(path: string): Promise<string | undefined> {
    return readlink(path).catch(() => undefined);
}

/** A cable from the machine to the node. What of it is there already stays as it is. */
export async function connect(paths: Paths, holder: number): Promise<void> {
    const { device, gateway, nodeAddress, services } = networkOf(paths);
    if (!(await hasCable(holder))) {
        // Of an earlier node that is still being taken down.
        await attempt("ip", ["link", "delete", device]);
        await requireFreeAddress(gateway);
        const peer = ["peer", "name", "eth0", "netns", `${holder}`];
        await run("ip", ["link", "add", device, "type", "veth", ...peer]);
    }
    await run("ip", ["address", "replace", `${gateway}/30`, "dev", device]);
    await run("ip", ["link", "set", device, "up"]);
    const node = [
        `address replace ${nodeAddress}/30 dev eth0`,
        "link set eth0 up",
        // Addresses of Services are turned into pods' after routing, so that they need a way out, which none takes.
        `route replace ${services} via ${gateway}`,
        // Pods need nothing from outside; to be told so at once beats waiting for answers that cannot come.
        "route replace unreachable default metric 4096",
    ];
    await configure(holder, node);
    await redirectWebPorts(holder, nodeAddress);
}

/** A cable from the first node to a worker. The first node passes on what workers send each other. */
export async function connectWorker(worker: Paths, first: number, holder: number): Promise<void> {
    const { device, gateway, nodeAddress, nodes, services, pods, nodePods } = networkOf(worker);
    if (!(await hasCable(holder))) {
        await attemptInside(first, ["ip", "link", "delete", device]);
        const peer = ["peer", "name", "eth0", "netns", `${holder}`];
        await run("ip", ["link", "add", device, "netns", `${first}`, "type", "veth", ...peer]);
    }
    await configure(first, [
        `address replace ${gateway}/30 dev ${device}`,
        `link set ${device} up`,
        `route replace ${nodePods} via ${nodeAddress}`,
    ]);
    await configure(holder, [
        `address replace ${nodeAddress}/30 dev eth0`,
        "link set eth0 up",
        ...[nodes, pods, services].map((network) => `route replace ${network} via ${gateway}`),
        // The first node would send it back.
        `route replace unreachable ${nodePods} metric 4096`,
        "route replace unreachable default metric 4096",
    ]);
}

async function hasCable(holder: number): Promise<boolean> {
    return (await attemptInside(holder, ["ip", "link", "show", "eth0"])).code === 0;
}

async function configure(holder: number, lines: readonly string[]): Promise<void> {
    await runInside(holder, ["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

async function requireFreeAddress(address: string): Promise<void> {
    const prefix = `${address.split(".").slice(0, 3).join(".")}.`;
    const used = (await run("ip", ["-oneline", "-4", "address", "show"])).split("\n");
    const clash = used.find((line) => line.includes(` ${prefix}`));
    if (clash !== undefined) {
        throw new Problem(
            `the sandbox's network ${prefix}0/30 is in use on this machine (${clash.trim().split(/\s+/)[1] ?? ""}): ` +
                "remove that address, or choose another network by setting SYNERGYCHAT_SANDBOX_STATE to another folder",
        );
    }
}

/** Contour's ports are its own choice without a Gateway, and 8080 and 8443 with one: so they are always these here. */
async function redirectWebPorts(holder: number, nodeAddress: string): Promise<void> {
    for (const [from, to] of [
        ["80", "8080"],
        ["443", "8443"],
    ] as const) {
        await redirectPort(holder, nodeAddress, from, to);
    }
}

async function redirectPort(holder: number, nodeAddress: string, from: string, to: string): Promise<void> {
    const rule = [
        ...["PREROUTING", "-d", nodeAddress, "-p", "tcp", "--dport", from],
        ...["-j", "REDIRECT", "--to-ports", to],
    ];
    if ((await attemptInside(holder, ["iptables", "-w", "-t", "nat", "-C", ...rule])).code !== 0) {
        await runInside(holder, ["iptables", "-w", "-t", "nat", "-A", ...rule]);
    }
}

/** Ends everything on the node, in order if that matters, and leaves nothing of it on the machine. */
export async function stopNode(paths: Paths, kubelet: string): Promise<boolean> {
    const holder = await holderOf(paths);
    if (holder !== undefined) {
        await stopPrograms(paths, holder, kubelet);
        process.kill(holder, "SIGKILL");
        // The kernel ends the whole namespace with its first process, and that one only after all the others.
        if (!(await eventually(30, () => !existsSync(`/proc/${holder}`)))) {
            throw new Problem(
                `the node's first process ${holder} does not end: is a process of its stuck on a disk?`,
            );
        }
    }
    if (paths.worker === 0) {
        await attempt("ip", ["link", "delete", networkOf(paths).device]);
    }
    await removeCgroups(paths);
    return holder !== undefined;
}

/** First the kubelet, which would start again what ends; then pods' programs get the chance to end in their own way. */
async function stopPrograms(paths: Paths, holder: number, kubelet: string): Promise<void> {
    const runningKubelet = async (): Promise<Process | undefined> =>
        (await processesOn(holder)).find(({ program }) => program === kubelet);
    const found = await runningKubelet();
    if (found) {
        process.kill(found.pid, "SIGKILL");
        await eventually(3, async () => (await runningKubelet()) === undefined);
    }
    await attemptInside(holder, ["sh", "-c", "kill -TERM -1"]);
    const folders = await cgroupFolders(paths);
    await eventually(3, async () => (await Promise.all(folders.map(isIdle))).every(Boolean));
}

/** The folder of our pods in each cgroup hierarchy. */
export function cgroupOf({ number, worker }: Pick<Paths, "number" | "worker">): string {
    return `/synergychat-sandbox-${number}${worker === 0 ? "" : `-${worker}`}`;
}

export async function cgroupFolders(paths: Paths): Promise<string[]> {
    const root = "/sys/fs/cgroup";
    if (existsSync(join(root, "cgroup.controllers"))) {
        return [join(root, cgroupOf(paths))];
    }
    const entries = await readdir(root, { withFileTypes: true });
    return entries
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(root, entry.name, cgroupOf(paths)));
}

/** Whether no process is left in a cgroup and those below it. */
async function isIdle(folder: string): Promise<boolean> {
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    const lists = names.filter((name) => name.endsWith("cgroup.procs")).map((name) => join(folder, name));
    const contents = await Promise.all(lists.map((list) => readFile(list, "utf8").catch(() => "")));
    return contents.every((content) => content === "");
}

async function removeCgroups(paths: Paths): Promise<void> {
    for (const folder of await cgroupFolders(paths)) {
        if (!(await eventually(5, () => removeCgroup(folder)))) {
            throw new Problem(`the cgroup ${folder} cannot be removed: does a process still run in it?`);
        }
    }
}

async function removeCgroup(folder: string): Promise<boolean> {
    if (!existsSync(folder)) {
        return true;
    }
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.filter((found) => found.isDirectory())) {
        await removeCgroup(join(folder, entry.name));
    }
    return rmdir(folder).then(
        () => true,
        () => false,
    );
}
