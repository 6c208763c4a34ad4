/** Ingresses: whether the cluster accepts one, and the addresses that it publishes. */
import {
    type AddressStatus,
    type ExposureKind,
    kindOf,
    listPath,
    objectPath,
    stackKinds,
} from "../model/kinds.ts";
import { stackLabels } from "../model/labels.ts";
import { UserError } from "../system/errors.ts";
import type { Client } from "./client.ts";
import type { LiveObject } from "./objects.ts";
import { poll } from "./poll.ts";

const controllerSeconds = 180; // for an ingress controller that starts

/**
 * Waits until the API server accepts an Ingress.
 *
 * The admission webhook of ingress-nginx runs in the controller, and until it answers, some seconds after the controller's
 * pod is Running, the API server refuses every Ingress. After a restart of the cluster, the controller's Deployment still
 * has its Available condition from before. So the API server itself is asked, by a dry run. Any other refusal is left to
 * `pulumi up`, which reports it.
 *
 * `instance` is the stack's: its value of the label app.kubernetes.io/instance. `info` is called once if the wait takes time.
 */
export async function waitUntilIngressesAreAccepted(
    client: Client,
    instance: string,
    info: (text: string) => void,
): Promise<void> {
    let refusal: string | undefined;
    const isAccepted = await poll(
        async () => {
            refusal = await webhookRefusal(client, instance);
            return refusal === undefined;
        },
        {
            seconds: controllerSeconds,
            onWait: () => {
                info(`Waiting for the ingress controller, at most ${controllerSeconds} s ...`);
            },
            inVain: () => false,
        },
    );
    if (!isAccepted) {
        throw new UserError(
            `The ingress controller does not answer after ${controllerSeconds} s, so the cluster refuses every Ingress: ${refusal}\n` +
                "Nothing was deployed.\n" +
                `  See its pods:        kubectl --context ${client.target.context} get pods --all-namespaces --selector app.kubernetes.io/name=ingress-nginx\n` +
                "  Use no Ingress:      pulumi config set exposure none",
        );
    }
}

/**
 * What the API server says if it cannot reach an admission webhook for an Ingress. Undefined also if it does not tell.
 *
 * The Ingress of this dry run is in namespace default, because the stack's own may not exist yet. Its labels are those of
 * the stack's Ingress, so that a webhook that selects by them is asked too.
 */
export async function webhookRefusal(client: Client, instance: string): Promise<string | undefined> {
    const name = "synergychat-probe";
    const backend = { service: { name, port: { number: 80 } } };
    const probe = {
        apiVersion: "networking.k8s.io/v1",
        kind: "Ingress",
        metadata: { name, labels: stackLabels(instance) },
        spec: {
            rules: [
                { host: `${name}.invalid`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } },
            ],
        },
    };
    const path = listPath(kindOf("Ingress"), "default");
    const answer = await client.post(`${path}?dryRun=All`, probe);
    return answer.kind === "failed" && answer.message.includes("failed calling webhook")
        ? answer.message
        : undefined;
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
    const row = stackKinds.find(({ feature, addresses }) => feature === exposure && addresses !== undefined);
    const [name] = row?.names ?? [];
    if (!row?.addresses || name === undefined) {
        return undefined;
    }
    const found = await client.find<LiveObject & { status?: AddressStatus }>(
        objectPath(row.kind, name, namespace),
    );
    return { kind: row.kind, name, addresses: found && row.addresses(found.status ?? {}) };
}

/** Waits until the controller publishes an address, and returns all. None if it publishes none within the limit. */
export function waitForAddresses(
    client: Client,
    namespace: string,
    exposure: ExposureKind,
    seconds: number,
): Promise<readonly string[]> {
    const addresses = async () => {
        const object = await findExposureObject(client, namespace, exposure);
        const found = object?.addresses ?? [];
        return (found.length > 0 || !object?.addresses) && found;
    };
    return poll(addresses, { seconds, inVain: () => [] });
}
