// The programs of the node: how each is configured and started.
import { existsSync, realpathSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { kubeconfigOf } from "./certificates.ts";
import { run } from "./exec.ts";
import { cgroupOf, processesOn, startInside } from "./namespace.ts";
import { networkOf } from "./network.ts";
import { cniFolder } from "./packages.ts";
import type { Paths } from "./paths.ts";
import { references } from "./pins.ts";
import { writeWhole } from "./stamps.ts";

export interface Component {
    name: string;
    program: string;
    args: readonly string[];
    /** Runs only if it is asked for. */
    optional?: boolean;
}

const xds = { address: "127.0.0.1", port: 8001 };
export const volumeProvisioner = "k8s.io/minikube-hostpath";

export function componentsOf(paths: Paths): Record<string, Component> {
    const { nodeAddress, services } = networkOf(paths);
    const { node } = paths;
    const key = (name: string): string => join(paths.pki, name);
    const config = (name: string): string => join(paths.config, name);
    const built = (name: string, ...args: string[]): Component => ({
        name,
        program: real(join(paths.bin, name)),
        args,
    });
    const etcd = "http://127.0.0.1:2379";
    const all = [
        built(
            "etcd",
            `--data-dir=${join(paths.state, "etcd")}`,
            `--listen-client-urls=${etcd}`,
            `--advertise-client-urls=${etcd}`,
            "--listen-peer-urls=http://127.0.0.1:2380",
            "--log-level=warn",
        ),
        { name: "containerd", program: real(containerd()), args: ["--config", config("containerd.toml")] },
        built(
            "kube-apiserver",
            `--etcd-servers=${etcd}`,
            `--advertise-address=${nodeAddress}`,
            "--secure-port=6443",
            `--client-ca-file=${key("ca.crt")}`,
            `--tls-cert-file=${key("kube-apiserver.crt")}`,
            `--tls-private-key-file=${key("kube-apiserver.key")}`,
            "--service-account-issuer=https://kubernetes.default.svc",
            `--service-account-key-file=${key("accounts.pub")}`,
            `--service-account-signing-key-file=${key("accounts.key")}`,
            `--service-cluster-ip-range=${services}`,
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            `--kubelet-client-certificate=${key("admin.crt")}`,
            `--kubelet-client-key=${key("admin.key")}`,
            // Nobody resolves the node's name.
            "--kubelet-preferred-address-types=InternalIP",
        ),
        built(
            "kube-controller-manager",
            `--kubeconfig=${kubeconfigOf(paths, "kube-controller-manager")}`,
            `--service-account-private-key-file=${key("accounts.key")}`,
            `--root-ca-file=${key("ca.crt")}`,
            "--use-service-account-credentials=true",
            "--leader-elect=false",
        ),
        built(
            "kube-scheduler",
            `--kubeconfig=${kubeconfigOf(paths, "kube-scheduler")}`,
            "--leader-elect=false",
        ),
        built(
            "kubelet",
            `--kubeconfig=${kubeconfigOf(paths, "kubelet")}`,
            `--config=${config("kubelet.json")}`,
            `--hostname-override=${node}`,
            `--node-ip=${nodeAddress}`,
        ),
        built("kube-proxy", `--config=${config("kube-proxy.json")}`),
        built(
            "volumes",
            `--kubeconfig=${kubeconfigOf(paths, "volumes")}`,
            `--provisioner=${volumeProvisioner}`,
            `--directory=${paths.volumes}`,
            `--node=${node}`,
        ),
        built(
            "contour",
            "serve",
            `--kubeconfig=${kubeconfigOf(paths, "contour")}`,
            `--config-path=${config("contour.json")}`,
            `--xds-address=${xds.address}`,
            `--xds-port=${xds.port}`,
            "--insecure",
            "--disable-leader-election",
            "--envoy-service-http-address=0.0.0.0",
            "--envoy-service-http-port=8080",
            "--envoy-service-https-address=0.0.0.0",
            "--envoy-service-https-port=8443",
            "--ingress-class-name=nginx",
            `--ingress-status-address=${nodeAddress}`,
        ),
        built(
            "envoy",
            `--config-path`,
            config("envoy.json"),
            "--service-node",
            node,
            "--service-cluster",
            node,
            // Its shared memory would be the machine's.
            "--disable-hot-restart",
            "--log-level",
            "warning",
        ),
        {
            ...built(
                "network-policies",
                `--kubeconfig=${kubeconfigOf(paths, "kube-proxy")}`,
                `--node=${node}`,
                `--services=${services}`,
            ),
            optional: true,
        },
    ];
    const onNode = paths.worker === 0 ? all : all.filter(({ name }) => onWorkers.includes(name));
    return Object.fromEntries(onNode.map((component) => [component.name, component]));
}

const onWorkers = ["containerd", "kubelet", "kube-proxy", "network-policies"];

/** As the kernel calls a program that runs: what is compared with that must not be a link. */
function real(path: string): string {
    return existsSync(path) ? realpathSync(path) : path;
}

function containerd(): string {
    const folders = (process.env.PATH ?? "").split(delimiter);
    const found = folders.map((folder) => join(folder, "containerd")).find((path) => existsSync(path));
    return found ?? "/usr/bin/containerd";
}

export const containerdSocket = "/run/containerd/containerd.sock";

/** Starts those that do not run. */
export async function start(paths: Paths, holder: number, ...names: string[]): Promise<void> {
    const running = await processesOn(holder);
    const components = componentsOf(paths);
    await Promise.all(
        names.map(async (name) => {
            const component = components[name];
            if (component && !running.some(({ program }) => program === component.program)) {
                const command = [component.program, ...component.args];
                await startInside(holder, command, join(paths.logs, `${name}.log`));
            }
        }),
    );
}

export async function writeConfigs(paths: Paths): Promise<void> {
    await mkdir(paths.volumes, { recursive: true });
    const write = (name: string, content: string): Promise<void> =>
        writeWhole(join(paths.config, name), content);
    await Promise.all([
        write("containerd.toml", await containerdConfig(paths)),
        write("cni/10-pods.conflist", JSON.stringify(cni(paths))),
        write("kubelet.json", JSON.stringify(kubelet(paths))),
        write("kube-proxy.json", JSON.stringify(proxy(paths))),
    ]);
    if (paths.worker === 0) {
        await writeIngressConfigs(paths);
    }
}

async function writeIngressConfigs(paths: Paths): Promise<void> {
    await writeWhole(join(paths.config, "contour.json"), JSON.stringify(contour));
    const bootstrap = [
        "bootstrap",
        join(paths.config, "envoy.json"),
        "--admin-address=/run/envoy-admin.sock",
    ];
    await run(join(paths.bin, "contour"), [
        ...bootstrap,
        `--xds-address=${xds.address}`,
        `--xds-port=${xds.port}`,
    ]);
}

/** An overlay on an overlay, as within a container, is refused by the kernel; copies always work. */
async function snapshotter(paths: Paths): Promise<string> {
    const type = await run("stat", ["--file-system", "--format=%T", paths.state]);
    return type.trim() === "overlayfs" ? "native" : "overlayfs";
}

// `restrict_oom_score_adj`: root without CAP_SYS_RESOURCE may not make a process less likely to be killed.
async function containerdConfig(paths: Paths): Promise<string> {
    return `version = 2
root = "${join(paths.state, "containerd")}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "${references.pause}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniFolder() ?? ""}"
    conf_dir = "${join(paths.config, "cni")}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${await snapshotter(paths)}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`;
}

/** A cable for each pod and no bridge: what passes a bridge meets kube-proxy's rules only with a kernel module. */
function cni(paths: Paths): object {
    const subnet = networkOf(paths).nodePods;
    return {
        cniVersion: "0.4.0",
        name: "pods",
        plugins: [
            {
                type: "ptp",
                ipMasq: false,
                ipam: {
                    type: "host-local",
                    // Forgotten with the node, as its pods are: addresses cannot leak from one run to the next.
                    dataDir: "/run/cni",
                    ranges: [[{ subnet }]],
                    routes: [{ dst: "0.0.0.0/0" }],
                },
            },
            { type: "portmap", capabilities: { portMappings: true } },
        ],
    };
}

function kubelet(paths: Paths): object {
    return {
        apiVersion: "kubelet.config.k8s.io/v1beta1",
        kind: "KubeletConfiguration",
        cgroupDriver: "cgroupfs",
        cgroupRoot: cgroupOf(paths),
        failSwapOn: false,
        resolvConf: "/dev/null",
        containerRuntimeEndpoint: `unix://${containerdSocket}`,
        authentication: {
            anonymous: { enabled: false },
            webhook: { enabled: true },
            x509: { clientCAFile: join(paths.pki, "ca.crt") },
        },
        authorization: { mode: "Webhook" },
        clusterDNS: [networkOf(paths).dns],
        clusterDomain: "cluster.local",
        // The disk is the machine's: that it is rather full is none of the pods' business.
        evictionHard: { "nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi" },
        // An image that is removed here cannot be pulled again.
        imageGCHighThresholdPercent: 100,
        imageMinimumGCAge: "24h",
        shutdownGracePeriod: "0s",
    };
}

function proxy(paths: Paths): object {
    return {
        apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
        kind: "KubeProxyConfiguration",
        clientConnection: { kubeconfig: kubeconfigOf(paths, "kube-proxy") },
        mode: "iptables",
        hostnameOverride: paths.node,
        clusterCIDR: networkOf(paths).pods,
        // The machine's limit is the machine's, and need not be ours to change.
        conntrack: { maxPerCore: 0 },
    };
}

/** The one Gateway that is served, if there is one of this name. */
const contour = { gateway: { gatewayRef: { namespace: "synergychat", name: "app-gateway" } } };
