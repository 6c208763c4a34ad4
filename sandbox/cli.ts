import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { build, copyContourObjects, providerDay } from "./build.ts";
import { startCluster, isNodeReady, statesOf } from "./cluster.ts";
import { componentsOf } from "./components.ts";
import { asJson, asShell, environmentOf } from "./env.ts";
import { standInsFor, writeOwnImages } from "./images.ts";
import { withLock } from "./lock.ts";
import { stopNode } from "./namespace.ts";
import { networkOf } from "./network.ts";
import { installEnvoy, installPackages } from "./packages.ts";
import { type Paths, mostWorkers, pathsFrom, workerOf, workersOf } from "./paths.ts";
import { Problem } from "./problem.ts";
import { say } from "./progress.ts";
import { sweep } from "./stamps.ts";
import { type Toolchain, findToolchain, installToolchain, toolchainOf } from "./toolchain.ts";

const usage = `A Kubernetes of one to three nodes and a Pulumi toolchain from package registries, for CI runners and locked-down networks,
without minikube or a container engine.

    npm run sandbox -- up       builds what is missing and starts the cluster (the first time takes about 20 minutes)
                                --nodes 2 (or 3) gives it workers, which it keeps
    npm run sandbox -- status   what of it runs; exit status 0 if all does; --json for programs
    npm run sandbox -- env      what to put into a shell: eval "$(npm run -s sandbox -- env)"; --json for programs
    npm run sandbox -- down     stops the cluster; the next up goes on with it
    npm run sandbox -- clean    stops it and removes the cluster, its volumes, and (of the first cluster) all that was built

SYNERGYCHAT_SANDBOX_REGISTRIES_ONLY=1 spares up its attempts to reach anything else.
SYNERGYCHAT_SANDBOX_NETWORK_POLICIES=1 lets up enforce network policies (the first time it builds for 2 more minutes).
SYNERGYCHAT_SANDBOX_BACKUP_TARGET=1 lets up build restic and an S3 service, for the tests (3 more minutes).
SYNERGYCHAT_SANDBOX_STATE=<folder> is a second cluster, beside the first and with what was built for it.
`;

const paths = pathsFrom(process.env);
const isSet = (name: string): boolean => ["1", "true"].includes(process.env[name] ?? "");
const registriesOnly = isSet("SYNERGYCHAT_SANDBOX_REGISTRIES_ONLY");

const enforced = isSet("SYNERGYCHAT_SANDBOX_NETWORK_POLICIES");
const backupTarget = isSet("SYNERGYCHAT_SANDBOX_BACKUP_TARGET");

const marker = join(paths.state, ".synergychat-sandbox");

async function up(): Promise<void> {
    requireMachine();
    const workers = wantedWorkers();
    await claimState();
    await withLock(paths.lock, async () => {
        await sweep(paths.cache);
        const toolchain = await findToolchain(paths, registriesOnly);
        await Promise.all([
            installPackages().then(() => installEnvoy(paths)),
            build(paths, {
                cli: !toolchain.officialHost,
                provider: toolchain.provider === "built",
                networkPolicies: enforced,
                backupTarget,
            }),
        ]);
        await installToolchain(paths, toolchain);
        await Promise.all([copyContourObjects(paths), writeOwnImages(paths, backupTarget)]);
        await startCluster(paths, workers, { registriesOnly, enforced, backupTarget });
    });
    await report();
}

/** The workers that are wanted: those that the cluster has, if no number of nodes is given. */
function wantedWorkers(): Paths[] {
    const existing = workersOf(paths);
    const { values } = parseArgs({ args: process.argv.slice(3), options: { nodes: { type: "string" } } });
    const nodes = Number(values.nodes ?? existing.length + 1);
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > 1 + mostWorkers) {
        throw new Problem(`--nodes ${values.nodes ?? ""}: a sandbox has 1 to ${1 + mostWorkers} nodes`);
    }
    if (nodes <= existing.length) {
        throw new Problem(
            `--nodes ${nodes}: the sandbox has ${existing.length + 1} nodes. To start anew: npm run sandbox -- clean`,
        );
    }
    return Array.from({ length: nodes - 1 }, (_, index) => workerOf(paths, index + 1));
}

/** `clean` removes the folder whole, so that nobody else's may ever become ours. */
async function claimState(): Promise<void> {
    await mkdir(paths.state, { recursive: true, mode: 0o700 });
    const isOurs = existsSync(marker);
    // In a shell that was set up for a sandbox which is gone, any pulumi command makes its home there again.
    const others = (await readdir(paths.state)).filter((name) => name !== basename(paths.pulumiHome));
    if (!isOurs && others.length > 0) {
        throw new Problem(
            `${paths.state} holds something else than a sandbox: choose an empty folder for its state`,
        );
    }
    await chmod(paths.state, 0o700);
    await writeFile(marker, "The state of a SynergyChat sandbox.\n");
}

async function report(): Promise<void> {
    say(`ready: ${networkOf(paths).nodeAddress} is the node and its ingress address`);
    process.stdout.write(`To use it in this shell:  eval "$(npm run -s sandbox -- env)"\n`);
    const toolchain = await toolchainOf(paths);
    const lines = toolchain ? await substitutes(toolchain) : [];
    process.stdout.write(lines.map((line) => `  - ${line}\n`).join(""));
}

/** Everything that runs here in place of what users run. */
async function substitutes({ officialHost, provider }: Toolchain): Promise<string[]> {
    return [
        ...(await standInsFor(paths)).map((what) => `Stand-ins run in place of ${what}.`),
        ...(officialHost ? [] : ["A language host of the sandbox's own runs in place of Pulumi's."]),
        ...(provider === "release"
            ? []
            : [`Pulumi's Kubernetes provider is built from its source of ${await providerDay()}.`]),
    ];
}

async function status(): Promise<void> {
    const nodes = await Promise.all([paths, ...workersOf(paths)].map(nodeStatus));
    const toolchain = await toolchainOf(paths);
    const found = {
        ready: nodes.every(({ ready }) => ready),
        nodes,
        substitutes: toolchain ? await substitutes(toolchain) : [],
    };
    const lines = [...nodes.flatMap(linesOf), ...found.substitutes];
    const text = process.argv.includes("--json") ? JSON.stringify(found, undefined, 4) : lines.join("\n");
    process.stdout.write(`${text}\n`);
    process.exitCode = found.ready ? 0 : 1;
}

/** What of a node runs. The pid of a component that is stopped is null. */
interface NodeStatus {
    name: string;
    ready: boolean;
    components: Record<string, number | null>;
}

async function nodeStatus(node: Paths): Promise<NodeStatus> {
    const states = await statesOf(node);
    return {
        name: node.node,
        ready: states.every(({ pid }) => pid !== undefined) && (await isNodeReady(node)),
        components: Object.fromEntries(states.map(({ name, pid }) => [name, pid ?? null])),
    };
}

function linesOf({ name: node, ready, components }: NodeStatus): string[] {
    const line = (name: string, what: string): string =>
        `${(node === paths.node ? name : `${node} ${name}`).padEnd(28)}${what}`;
    return [
        ...Object.entries(components).map(([name, pid]) =>
            line(name, pid === null ? "stopped" : `running  ${pid}`),
        ),
        line("node", ready ? "Ready" : "not ready"),
    ];
}

async function env(): Promise<void> {
    const toolchain = await toolchainOf(paths);
    if (!toolchain || !existsSync(paths.kubeconfig)) {
        throw new Problem("there is no sandbox yet: npm run sandbox -- up");
    }
    const environment = environmentOf(paths, toolchain, process.env);
    const json = process.argv.includes("--json");
    process.stdout.write(`${json ? asJson(environment, process.env.PATH ?? "") : asShell(environment)}\n`);
}

async function down(): Promise<void> {
    requireMachine();
    await withLock(paths.lock, async () => {
        const stopped = [...workersOf(paths), paths].map((node) =>
            stopNode(node, componentsOf(node).kubelet?.program ?? ""),
        );
        const ran = (await Promise.all(stopped)).some(Boolean);
        say(ran ? `stopped; what it keeps is in ${paths.state}` : "the sandbox does not run");
    });
}

async function clean(): Promise<void> {
    await down();
    if (existsSync(marker)) {
        await rm(paths.state, { recursive: true, force: true });
    }
    // A second cluster leaves to the first what was built for both.
    const built = paths.number === 0 ? [paths.cache] : [];
    await Promise.all(built.map((folder) => rm(folder, { recursive: true, force: true })));
    say(`removed ${[paths.state, ...built].join(" and ")}`);
}

function requireMachine(): void {
    if (process.platform !== "linux" || process.getuid?.() !== 0) {
        throw new Problem(
            "the sandbox runs on Linux as root only: here, install minikube and pulumi instead, and use these",
        );
    }
    const hidden = ["/run/", "/var/lib/", "/var/log/", "/proc/", "/sys/"].find((folder) =>
        [paths.state, paths.cache].some((path) => join(path, "/").startsWith(folder)),
    );
    if (hidden !== undefined) {
        throw new Problem(`the sandbox's folders (${paths.state}, ${paths.cache}) cannot be below ${hidden}`);
    }
}

const commands: Partial<Record<string, () => Promise<void>>> = { up, status, env, down, clean };

// Whoever reads the output may leave early (`| head`): that must not end the work.
process.stdout.on("error", () => undefined);

try {
    const command = commands[process.argv[2] ?? ""];
    if (command) {
        await command();
    } else {
        process.stdout.write(usage);
        process.exitCode = 2;
    }
} catch (error) {
    if (!(error instanceof Problem)) {
        throw error;
    }
    process.stderr.write(`${error.message}\n`, () => {
        // What else is under way (a build, while the download beside it failed) would be waited for.
        process.exit(1);
    });
}
