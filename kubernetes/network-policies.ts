/** Whether the cluster's network enforces network policies. No API tells, so a connection is tried. */
import { selectorLabels } from "../model/labels.ts";
import { containerPort, workloadName } from "../model/names.ts";
import { type Client, isProgramMissing } from "./client.ts";
import { type Pod, isReady } from "./objects.ts";

const seconds = 2; // for a connection inside the cluster

/**
 * Tries a connection that the stack's policies deny: from a pod of the web to one of the crawler.
 *
 * @returns undefined if it cannot be tried: one of the two is not ready, or the web's image has no wget.
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
    const host = podIP.includes(":") ? `[${podIP}]` : podIP;
    const url = `http://${host}:${String(containerPort)}/healthz`;
    const wget = ["wget", "-q", "-T", String(seconds), "-O", "/dev/null", url];
    try {
        const from = { pod: web.metadata.name, container: workloadName("web") };
        const { status, stdout, stderr } = client.exec(namespace, from, wget);
        return isProgramMissing(stdout + stderr) ? undefined : status !== 0;
    } catch {
        return undefined; // Not allowed, or the pod has just ended.
    }
}
