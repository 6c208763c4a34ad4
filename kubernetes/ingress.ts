/** Ingresses: whether the cluster accepts one, and the addresses that it publishes. */
import { type ExposureKind, kindOf, listPath, objectPath } from "../model/kinds.ts";
import { stackLabels } from "../model/labels.ts";
import { gatewayName, ingressName } from "../model/names.ts";
import type { Client } from "./client.ts";
import { poll } from "./poll.ts";

const controllerSeconds = 180; // for an ingress controller that starts

/**
 * Waits until the API server accepts an Ingress, for a time. Any other problem is left to `pulumi up`, which reports it.
 *
 * The admission webhook of ingress-nginx runs in the controller, and until it answers, some seconds after the controller's
 * pod is Running, the API server refuses every Ingress. After a restart of the cluster, the controller's Deployment still
 * has its Available condition from before. So the API server itself is asked, by a dry run in namespace default, because the
 * stack's own may not exist yet.
 *
 * @param instance the stack's. Labels with it make a webhook that selects by them answer too.
 * @param info is called once if the wait takes time.
 */
export async function waitForIngressController(
    client: Client,
    instance: string,
    info: (text: string) => void,
): Promise<void> {
    const name = "synergychat-probe";
    const probe = {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name, labels: stackLabels(instance) },
        spec: { defaultBackend: { service: { name, port: { number: 80 } } } },
    };
    const isReady = async () => {
        const answer = await client.post(`${listPath(kindOf("Ingress"), "default")}?dryRun=All`, probe);
        return answer.kind !== "failed" || !answer.message.includes("failed calling webhook");
    };
    const onWait = () => {
        info(`Waiting for the ingress controller, at most ${controllerSeconds} s ...`);
    };
    await poll(isReady, { seconds: controllerSeconds, onWait, inVain: () => false });
}

/** The object whose status publishes the app's addresses: an Ingress or a Gateway. Undefined: the app is not exposed. */
export interface ExposureObject {
    readonly kind: string;
    readonly name: string;
    /** Undefined if the cluster has no such object. */
    readonly addresses: readonly string[] | undefined;
}

/** The exposure's object in a namespace. */
export async function findExposureObject(
    client: Client,
    namespace: string,
    exposure: ExposureKind,
): Promise<ExposureObject | undefined> {
    if (exposure === "none") {
        return undefined;
    }
    const [kind, name] = exposure === "ingress" ? ["Ingress", ingressName] : ["Gateway", gatewayName];
    const found = await client.find<Exposing>(objectPath(kind, name, namespace));
    const { loadBalancer, addresses = [] } = found?.status ?? {};
    const published = (loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
    return { kind, name, addresses: found && [...published, ...addresses.map(({ value }) => value)] };
}

/** An Ingress has the one field, and a Gateway the other. */
interface Exposing {
    readonly status?: {
        readonly loadBalancer?: {
            readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
        };
        readonly addresses?: readonly { readonly value: string }[];
    };
}
