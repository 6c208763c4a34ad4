/** Whether the cluster's network enforces network policies. No API tells, so a connection is tried. */
import { selectorLabels } from "../model/labels.ts";
import { containerPort, workloadName } from "../model/names.ts";
import { type Client, isProgramMissing } from "./client.ts";
import { type Pod, isReady } from "./objects.ts";

/** Connects to an address and a port, at most two seconds. An image that is based on Alpine has nc, and one on Debian has bash. */
const connect = `
if command -v nc >/dev/null; then
    nc -w 2 "$0" "$1" </dev/null
else
    timeout 2 bash -c ': < "/dev/tcp/$0/$1"' "$0" "$1"
fi`;

/** The exit status of a shell that does not find a program. */
const programMissing = 127;

/**
 * Tries a connection that the stack's policies deny: from a pod of the web to one of the crawler.
 *
 * @returns undefined if it cannot be tried: one of the two is not ready, or the web's image has neither program.
 */
export async function enforcesPolicies(client: Client, namespace: string): Promise<boolean | undefined> {
    const pods = (await client.listIfAllowed<Pod>(`/api/v1/namespaces/${namespace}/pods`)) ?? [];
    const [web, crawler] = (["web", "crawler"] as const).map((part) =>
        pods.find((pod) => pod.metadata.labels?.app === selectorLabels(part).app && isReady(pod)),
    );
    const { podIP } = crawler?.status ?? {};
    if (!web || !podIP) {
        return undefined;
    }
    const command = ["sh", "-c", connect, podIP, String(containerPort)];
    try {
        const from = { pod: web.metadata.name, container: workloadName("web") };
        const { status, stdout, stderr } = client.exec(namespace, from, command);
        const isMissing = status === programMissing || isProgramMissing(stdout + stderr);
        return isMissing ? undefined : status !== 0;
    } catch {
        return undefined; // Not allowed, or the pod has just ended.
    }
}
