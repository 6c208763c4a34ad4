/** Pods that only try connections, with the labels of others. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectl } from "./cluster.ts";

export type Address = readonly [host: string, port: number];

/** Says of each connection whether it is open within three seconds. */
const attempts = `
    const attempt = ([host, port]) => new Promise((resolve) => {
        const socket = require("node:net").connect({ host, port, timeout: 3_000 });
        const say = (what) => { resolve(what); socket.destroy(); };
        socket.on("connect", () => say("open"));
        socket.on("timeout", () => say("closed"));
        socket.on("error", () => say("closed"));
    });
    Promise.all(JSON.parse(process.argv[1]).map(attempt)).then((all) => console.log(JSON.stringify(all)));
`;

/** Starts a pod `probe-NAME` for each name with its labels, and waits until they run. */
export async function startProbes(
    namespace: string,
    labels: Readonly<Record<string, object>>,
): Promise<void> {
    const manifest = readFileSync(join(import.meta.dirname, "probe.yaml"), "utf8");
    const pods = Object.entries(labels).map(([name, its]) =>
        manifest.replace("NAME", `probe-${name}`).replace("LABELS", JSON.stringify(its)),
    );
    const file = join(process.env.TMPDIR ?? "/tmp", `${namespace}-probes.yaml`);
    writeFileSync(file, pods.join("---\n"));
    const where = ["--namespace", namespace];
    await kubectl("apply", "--filename", file, ...where);
    const runs = "--for=jsonpath={.status.phase}=Running";
    const names = Object.keys(labels).map((name) => `pod/probe-${name}`);
    await kubectl("wait", runs, ...names, ...where, "--timeout=120s");
}

/** Which addresses the pod `probe-NAME` reaches: `open` or `closed` for each. */
export async function outcomes(
    namespace: string,
    name: string,
    addresses: readonly Address[],
): Promise<readonly string[]> {
    const program = ["node", "-e", attempts, JSON.stringify(addresses)];
    const printed = await kubectl("exec", `probe-${name}`, "--namespace", namespace, "--", ...program);
    return JSON.parse(printed) as readonly string[];
}
