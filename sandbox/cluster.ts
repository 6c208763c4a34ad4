// The order in which a cluster comes up.
import { mkdir, readFile, stat } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { makeCertificates, makeWorkerCertificates, writeKubeconfigs } from "./certificates.ts";
import { componentsOf, start, writeConfigs } from "./components.ts";
import { pastProxy } from "./env.ts";
import { eventually, lastLines, run } from "./exec.ts";
import { answers, provideImages } from "./images.ts";
import { connect, connectWorker, holderOf, processesOn, startHolder } from "./namespace.ts";
import { networkOf } from "./network.ts";
import type { Paths } from "./paths.ts";
import { Problem } from "./problem.ts";
import { say } from "./progress.ts";
import { fingerprint, isStamped, readIfThere, stamp } from "./stamps.ts";

export interface ClusterOptions {
    readonly registriesOnly: boolean;
    /** Whether network policies are enforced. */
    readonly enforced: boolean;
    /** Whether the nodes get the images for the tests of backups that leave the cluster. */
    readonly backupTarget: boolean;
}

export async function startCluster(
    paths: Paths,
    workers: readonly Paths[],
    options: ClusterOptions,
): Promise<void> {
    await startFirst(paths, options);
    await Promise.all(workers.map((worker) => startWorker(paths, worker, options)));
    await wait(paths, "kubelet", 60, () => runsPods(paths));
    await wait(paths, "envoy", 30, () => servesIngress(paths));
    await requireAll(paths);
}

/** The node with the control plane, with volumes and ingress. */
async function startFirst(paths: Paths, options: ClusterOptions): Promise<void> {
    await mkdir(paths.logs, { recursive: true });
    await Promise.all([makeCertificates(paths).then(() => writeKubeconfigs(paths)), writeConfigs(paths)]);
    const holder = await startHolder(paths);
    await connect(paths, holder);
    say("node: its namespaces and network are there");

    await start(paths, holder, "etcd", "containerd", "kube-apiserver");
    const images = loadImages(paths, holder, options);
    // Looked at when its turn comes: until then a failure must not end the process past every message.
    images.catch(() => undefined);
    await wait(paths, "kube-apiserver", 60, () => isHealthy(paths));
    say("etcd, kube-apiserver, containerd: running");

    await Promise.all([
        start(paths, holder, "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
        applyObjects(paths),
        applyDefinitions(paths),
    ]);
    // Without their rights and kinds these would look for them again only after a while.
    await start(paths, holder, "volumes", "contour", "envoy", ...policyController(options));
    say("kube-controller-manager, kube-scheduler, kubelet, kube-proxy, volumes, contour, envoy: running");
    await images;
    say("images: loaded");

    await wait(paths, "kubelet", 60, () => isNodeReady(paths));
}

const policyController = ({ enforced }: ClusterOptions): string[] => (enforced ? ["network-policies"] : []);

async function startWorker(first: Paths, worker: Paths, options: ClusterOptions): Promise<void> {
    const firstHolder = await holderOf(first);
    if (firstHolder === undefined) {
        throw await failure(first, "etcd", "is gone");
    }
    await mkdir(worker.logs, { recursive: true });
    await makeWorkerCertificates(first, worker);
    await Promise.all([writeKubeconfigs(worker), writeConfigs(worker)]);
    const holder = await startHolder(worker);
    await connectWorker(worker, firstHolder, holder);
    await start(worker, holder, "containerd");
    await loadImages(worker, holder, options);
    await start(worker, holder, "kubelet", "kube-proxy");
    await wait(worker, "kubelet", 60, () => isNodeReady(worker));
    // It looks for its node when it starts.
    await start(worker, holder, ...policyController(options));
    await requireAll(worker);
    say(`${worker.node}: ready`);
}

async function loadImages(
    paths: Paths,
    holder: number,
    { registriesOnly, backupTarget }: ClusterOptions,
): Promise<void> {
    await wait(paths, "containerd", 30, () => answers(holder));
    await provideImages(paths, holder, registriesOnly, backupTarget);
}

async function wait(
    paths: Paths,
    component: string,
    seconds: number,
    ask: () => Promise<boolean>,
): Promise<void> {
    if (!(await eventually(seconds, ask))) {
        throw await failure(paths, component, `is not ready after ${seconds} s`);
    }
}

/** What does not come up may only wait for another that has ended: so the first such one is to blame. */
async function failure(paths: Paths, component: string, what: string): Promise<Problem> {
    const states = await statesOf(paths);
    const started = states.slice(0, states.findIndex(({ name }) => name === component) + 1);
    const ended = started.find(({ pid }) => pid === undefined);
    const [blamed, how] = ended ? [ended.name, "has ended"] : [component, what];
    const log = join(paths.logs, `${blamed}.log`);
    return new Problem(`${blamed} ${how}. The end of ${log}:\n${lastLines((await readIfThere(log)) ?? "")}`);
}

/** A component that has come up and ended again would otherwise be noticed much later and elsewhere. */
async function requireAll(paths: Paths): Promise<void> {
    const ended = (await statesOf(paths)).find(({ pid }) => pid === undefined);
    if (ended) {
        throw await failure(paths, ended.name, "has ended");
    }
}

export interface State {
    name: string;
    pid: number | undefined;
}

export async function statesOf(paths: Paths): Promise<State[]> {
    const holder = await holderOf(paths);
    const running = holder === undefined ? [] : await processesOn(holder);
    return Object.values(componentsOf(paths))
        .map(({ name, program, optional }) => ({
            name,
            pid: running.find((one) => one.program === program)?.pid,
            optional,
        }))
        .filter(({ pid, optional }) => pid !== undefined || !optional);
}

async function isHealthy(paths: Paths): Promise<boolean> {
    const ca = await readFile(join(paths.pki, "ca.crt"));
    return new Promise((resolve) => {
        const options = { host: networkOf(paths).nodeAddress, port: 6443, path: "/readyz", ca };
        const asked = request({ ...options, signal: AbortSignal.timeout(2000) }, (response) => {
            response.resume();
            resolve(response.statusCode === 200);
        });
        asked.on("error", () => {
            resolve(false);
        });
        asked.end();
    });
}

/** For most of a minute, a node that has ended still counts as ready: so it must have said so since its start. */
export async function isNodeReady(paths: Paths): Promise<boolean> {
    const condition = `{.status.conditions[?(@.type=="Ready")]`;
    const path = `jsonpath=${condition}.status} ${condition}.lastHeartbeatTime}`;
    const ask = ["get", "node", paths.node, "-o", path, "--request-timeout=5s"];
    const answer = await kubectl(paths, ask, 10).catch(() => "");
    const [ready, said = ""] = answer.split(" ");
    return ready === "True" && Date.parse(said) >= (await startSecond(paths));
}

/** When the node started, in whole seconds, as the API server counts. */
async function startSecond(paths: Paths): Promise<number> {
    const { mtimeMs } = await stat(paths.holder);
    return Math.floor(mtimeMs / 1000) * 1000;
}

async function runsPods(paths: Paths): Promise<boolean> {
    const since = new Date(await startSecond(paths));
    const answer = await kubectl(paths, ["get", "pods", "-A", "-o", "json"], 20).catch(() => `{"items":[]}`);
    const pods = JSON.parse(answer) as PodList;
    return !saysOld(pods, since) && servesNames(pods);
}

export interface PodList {
    items: {
        metadata: { namespace: string };
        status: { containerStatuses?: { ready: boolean; state: { running?: { startedAt: string } } }[] };
    }[];
}

/**
 * Whether a container is said to run that started before the node did: what a resumed cluster says of its pods is from
 * before it stopped, until the kubelet has looked at each.
 */
export function saysOld({ items }: PodList, since: Date): boolean {
    const states = items.flatMap(({ status }) => status.containerStatuses ?? []).map(({ state }) => state);
    return states.some(
        ({ running }) => running !== undefined && Date.parse(running.startedAt) < since.getTime(),
    );
}

/** CoreDNS is the one pod of the system. */
function servesNames({ items }: PodList): boolean {
    const system = items.filter(({ metadata }) => metadata.namespace === "kube-system");
    return system.some(({ status }) => status.containerStatuses?.every(({ ready }) => ready));
}

/** On the port for its statistics, which Contour tells it to open: so it says that Contour is there as well. */
async function servesIngress(paths: Paths): Promise<boolean> {
    const url = `http://${networkOf(paths).nodeAddress}:8002/ready`;
    return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
        (response) => response.ok,
        () => false,
    );
}

/** Contour's definitions are large: once a cluster has them, they are left alone until they change. */
async function applyDefinitions(paths: Paths): Promise<void> {
    const file = join(paths.objects, "contour.yaml");
    const applied = join(paths.state, "definitions");
    const value = await fingerprint([], [file]);
    if (!(await isStamped(applied, value))) {
        await apply(paths, [file]);
        await kubectl(paths, ["wait", "--for=condition=established", "crd", "--all", "--timeout=30s"], 40);
        await stamp(applied, value);
    }
    await apply(paths, [join(objects, "gateway.yaml")]);
    await acceptGatewayClass(paths);
}

/** A Contour with one fixed Gateway leaves the class alone, so that nobody else would say that it is served. */
async function acceptGatewayClass(paths: Paths): Promise<void> {
    const message = "served by the sandbox's Contour, as the Gateway synergychat/app-gateway";
    const lastTransitionTime = new Date().toISOString();
    const accepted = { type: "Accepted", status: "True", reason: "Accepted", message, lastTransitionTime };
    const patch = JSON.stringify({ status: { conditions: [accepted] } });
    const target = ["gatewayclass", "contour", "--subresource=status", "--type=merge"];
    await kubectl(paths, ["patch", ...target, "--patch", patch], 30);
}

const objects = join(import.meta.dirname, "objects");

function applyObjects(paths: Paths): Promise<void> {
    return apply(
        paths,
        ["dns.yaml", "ingress.yaml", "rights.yaml", "storage.yaml"].map((name) => join(objects, name)),
    );
}

async function apply(paths: Paths, files: readonly string[]): Promise<void> {
    const how = ["--server-side", "--force-conflicts", "--field-manager=sandbox"];
    await kubectl(paths, ["apply", ...how, ...files.flatMap((file) => ["--filename", file])], 60);
}

/** With a cache of its own: the usual one is in ~/.kube, which is not ours to write to. */
function kubectl(paths: Paths, args: readonly string[], seconds: number): Promise<string> {
    const all = ["--kubeconfig", paths.kubeconfig, "--cache-dir", paths.kubectlCache, ...args];
    const env = { ...process.env, ...pastProxy(paths, process.env) };
    return run(join(paths.bin, "kubectl"), all, { seconds, env });
}
