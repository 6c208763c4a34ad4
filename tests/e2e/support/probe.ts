/** Pods that only try connections, with the labels of others. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./cluster.ts";

/** Says whether a connection is open within three seconds. */
const attempt = `
    const [host, port] = process.argv.slice(1);
    const socket = require("node:net").connect({ host, port: Number(port), timeout: 3_000 });
    const say = (what) => { console.log(what); process.exit(); };
    socket.on("connect", () => say("open"));
    socket.on("timeout", () => say("closed"));
    socket.on("error", () => say("closed"));
`;

/** Starts the pod `probe-NAME`, and waits until it runs. */
export async function startProbe(namespace: string, name: string, labels: object): Promise<void> {
    const manifest = readFileSync(join(import.meta.dirname, "probe.yaml"), "utf8");
    const file = join(process.env.TMPDIR ?? "/tmp", `${namespace}-probe.yaml`);
    writeFileSync(file, manifest.replace("NAME", `probe-${name}`).replace("LABELS", JSON.stringify(labels)));
    const where = ["--namespace", namespace];
    await kubectl("apply", "--filename", file, ...where);
    const runs = "--for=jsonpath={.status.phase}=Running";
    await kubectl("wait", runs, `pod/probe-${name}`, ...where, "--timeout=120s");
}

/** Whether the pod `probe-NAME` reaches an address: `open` or `closed`. */
export async function outcome(
    namespace: string,
    name: string,
    address: string,
    port: number,
): Promise<string> {
    const program = ["node", "-e", attempt, address, String(port)];
    return (await kubectl("exec", `probe-${name}`, "--namespace", namespace, "--", ...program)).trim();
}
