// The cluster's own authority and one identity for each of its parts.
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./exec.ts";
import { networkOf } from "./network.ts";
import type { Paths } from "./paths.ts";
import { readIfThere, writeWhole } from "./stamps.ts";

interface Identity {
    file: string;
    subject: string;
    names?: string;
}

function clientsOf({ node, worker }: Paths): readonly Identity[] {
    const onEachNode = [
        { file: "kubelet", subject: `/O=system:nodes/CN=system:node:${node}` },
        { file: "kube-proxy", subject: "/CN=system:kube-proxy" },
    ];
    const controlPlane = [
        { file: "admin", subject: "/O=system:masters/CN=admin" },
        { file: "kube-controller-manager", subject: "/CN=system:kube-controller-manager" },
        { file: "kube-scheduler", subject: "/CN=system:kube-scheduler" },
        { file: "volumes", subject: "/CN=sandbox-volumes" },
        { file: "contour", subject: "/CN=sandbox-contour" },
    ];
    return worker === 0 ? [...controlPlane, ...onEachNode] : onEachNode;
}

const ellipticKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
const tenYears = ["-days", "3650"];

/** Made once for a cluster: whole or not at all. */
export async function makeCertificates(paths: Paths): Promise<void> {
    if (existsSync(paths.pki)) {
        return;
    }
    const part = `${paths.pki}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o700 });
    const openssl = (...args: string[]): Promise<string> => run("openssl", args, { cwd: part });
    const authority = ["-subj", "/CN=synergychat-sandbox", "-keyout", "ca.key", "-out", "ca.crt"];
    await openssl("req", "-x509", ...ellipticKey, ...tenYears, ...authority);
    await openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "accounts.key");
    await openssl("pkey", "-in", "accounts.key", "-pubout", "-out", "accounts.pub");
    await Promise.all(
        [serverOf(paths), ...clientsOf(paths)].map((identity) => sign(identity, part, openssl)),
    );
    await rename(part, paths.pki);
}

/** As `makeCertificates`, by the authority of the cluster. */
export async function makeWorkerCertificates(first: Paths, worker: Paths): Promise<void> {
    if (existsSync(worker.pki)) {
        return;
    }
    const part = `${worker.pki}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true, mode: 0o700 });
    await Promise.all(["ca.crt", "ca.key"].map((file) => copyFile(join(first.pki, file), join(part, file))));
    const openssl = (...args: string[]): Promise<string> => run("openssl", args, { cwd: part });
    await Promise.all(clientsOf(worker).map((identity) => sign(identity, part, openssl)));
    await rename(part, worker.pki);
}

function serverOf(paths: Paths): Identity {
    const { nodeAddress, firstService } = networkOf(paths);
    const ips = ["127.0.0.1", nodeAddress, firstService].map((ip) => `IP:${ip}`);
    const names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    const all = [...ips, ...names.map((name) => `DNS:${name}`)];
    return {
        file: "kube-apiserver",
        subject: "/CN=kube-apiserver",
        names: `subjectAltName=${all.join(",")}\n`,
    };
}

type Openssl = (...args: string[]) => Promise<string>;

async function sign({ file, subject, names }: Identity, folder: string, openssl: Openssl): Promise<void> {
    await writeFile(join(folder, `${file}.ext`), names ?? "extendedKeyUsage=clientAuth\n");
    const request = ["-subj", subject, "-keyout", `${file}.key`, "-out", `${file}.csr`];
    await openssl("req", ...ellipticKey, ...request);
    const authority = [
        "-CA",
        "ca.crt",
        "-CAkey",
        "ca.key",
        "-set_serial",
        `0x${crypto.randomUUID().replaceAll("-", "")}`,
    ];
    const certificate = ["-in", `${file}.csr`, "-out", `${file}.crt`, "-extfile", `${file}.ext`];
    await openssl("x509", "-req", ...authority, ...tenYears, ...certificate);
    await chmod(join(folder, `${file}.key`), 0o600);
}

/** One for each part of the node, and the person's own, with minikube's context name: no config differs. */
export async function writeKubeconfigs(paths: Paths): Promise<void> {
    for (const { file } of clientsOf(paths)) {
        await writeWhole(kubeconfigOf(paths, file), await kubeconfig(paths, file));
    }
    if (paths.worker > 0) {
        return;
    }
    const own = await kubeconfig(paths, "admin");
    if (!holds((await readIfThere(paths.kubeconfig)) ?? "", own)) {
        await writeWhole(paths.kubeconfig, own);
    }
}

/** Whether a person's kubeconfig leads to this very cluster. What they set in it since, as its namespace, is theirs. */
export function holds(theirs: string, own: string): boolean {
    const { clusters, users } = JSON.parse(own) as {
        clusters: { cluster: Record<string, unknown> }[];
        users: { user: Record<string, unknown> }[];
    };
    const entries = [...clusters.map(({ cluster }) => cluster), ...users.map(({ user }) => user)];
    return entries.flatMap((entry) => Object.values(entry)).every((value) => theirs.includes(String(value)));
}

export function kubeconfigOf(paths: Paths, part: string): string {
    return join(paths.config, `${part}.kubeconfig`);
}

async function kubeconfig(paths: Paths, part: string): Promise<string> {
    const encoded = async (file: string): Promise<string> =>
        (await readFile(join(paths.pki, file))).toString("base64");
    const name = "minikube";
    return JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [
            {
                name,
                cluster: {
                    server: `https://${networkOf(paths).server}:6443`,
                    "certificate-authority-data": await encoded("ca.crt"),
                    // Nothing leaves this machine.
                    "disable-compression": true,
                },
            },
        ],
        users: [
            {
                name,
                user: {
                    "client-certificate-data": await encoded(`${part}.crt`),
                    "client-key-data": await encoded(`${part}.key`),
                },
            },
        ],
        contexts: [{ name, context: { cluster: name, user: name } }],
        "current-context": name,
    });
}
