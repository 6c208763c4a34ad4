// The order in which a cluster comes up.
import { readdirSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { makeCertificates, nodeName, writeKubeconfigs } from "./certificates.ts";
import { componentsOf, start, writeConfigs } from "./components.ts";
import { attempt, eventually, lastLines, run } from "./exec.ts";
import { answers, provideImages } from "./images.ts";
import { cgroupFolders, connect, holderOf, processesOn, startHolder } from "./namespace.ts";
import { networkOf } from "./network.ts";
import type { Paths } from "./paths.ts";
import { Problem } from "./problem.ts";
import { say } from "./progress.ts";
import { readIfThere } from "./stamps.ts";

export async function startCluster(paths: Paths, registriesOnly: boolean): Promise<void> {
    await mkdir(paths.logs, { recursive: true });
    await Promise.all([makeCertificates(paths).then(() => writeKubeconfigs(paths)), writeConfigs(paths)]);
    await Promise.all((await cgroupFolders(paths)).map((folder) => mkdir(folder, { recursive: true })));
    const holder = await startHolder(paths);
    await connect(paths, holder);
    say("node: its namespaces and network are there");

    await start(paths, holder, "etcd", "containerd", "kube-apiserver");
    const images = loadImages(paths, holder, registriesOnly);
    // Looked at when its turn comes: until then a failure must not end the process past every message.
    images.catch(() => undefined);
    await wait(paths, "kube-apiserver", 60, () => isHealthy(paths));
    say("etcd, kube-apiserver, containerd: running");

    await Promise.all([
        start(paths, holder, "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
        applyObjects(paths),
    ]);
    await start(paths, holder, "volumes", "contour", "envoy");
    say("kube-controller-manager, kube-scheduler, kubelet, kube-proxy, volumes, contour, envoy: running");
    await images;
    say("images: loaded");

    await wait(paths, "kubelet", 60, () => isNodeReady(paths));
    await kubectl(
        paths,
        ["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s"],
        70,
    );
    await wait(paths, "envoy", 30, () => servesIngress(paths));
    await requireAll(paths);
}

async function loadImages(paths: Paths, holder: number, registriesOnly: boolean): Promise<void> {
    await wait(paths, "containerd", 30, () => answers(holder));
    await provideImages(paths, holder, registriesOnly);
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

async function failure(paths: Paths, component: string, what: string): Promise<Problem> {
    const log = join(paths.logs, `${component}.log`);
    const content = (await readIfThere(log)) ?? "";
    return new Problem(`${component} ${what}. The end of ${log}:\n${lastLines(content)}`);
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
    return Object.values(componentsOf(paths)).map(({ name, program }) => ({
        name,
        pid: running.find((one) => one.program === program)?.pid,
    }));
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

export async function isNodeReady(paths: Paths): Promise<boolean> {
    const path = `jsonpath={.status.conditions[?(@.type=="Ready")].status}`;
    const args = [
        "--kubeconfig",
        paths.kubeconfig,
        "get",
        "node",
        nodeName,
        "-o",
        path,
        "--request-timeout=5s",
    ];
    const { code, stdout } = await attempt(join(paths.bin, "kubectl"), args, { seconds: 10 });
    return code === 0 && stdout === "True";
}

/** On the port for its statistics, which Contour tells it to open: so it says that Contour is there as well. */
async function servesIngress(paths: Paths): Promise<boolean> {
    const url = `http://${networkOf(paths).nodeAddress}:8002/ready`;
    return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
        (response) => response.ok,
        () => false,
    );
}

async function applyObjects(paths: Paths): Promise<void> {
    const own = join(import.meta.dirname, "node", "objects");
    const first = ["--filename", join(paths.objects, "contour.yaml")];
    const names = readdirSync(own).filter((name) => name !== "gateway.yaml");
    const rest = names.flatMap((name) => ["--filename", join(own, name)]);
    const apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=sandbox"];
    await kubectl(paths, [...apply, ...first, ...rest], 60);
    await kubectl(paths, ["wait", "--for=condition=established", "crd", "--all", "--timeout=30s"], 40);
    await kubectl(paths, [...apply, "--filename", join(own, "gateway.yaml")], 30);
}

function kubectl(paths: Paths, args: readonly string[], seconds: number): Promise<string> {
    return run(join(paths.bin, "kubectl"), ["--kubeconfig", paths.kubeconfig, ...args], { seconds });
}
