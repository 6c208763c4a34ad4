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
 * Waits until the controller of the exposure is ready: until the API server accepts an Ingress, or until the gateway class is
 * accepted. Any other problem is left to `pulumi up`, which reports it.
 *
 * The admission webhook of ingress-nginx runs in the controller, and until it answers, some seconds after the controller's
 * pod is Running, the API server refuses every Ingress. After a restart of the cluster, the controller's Deployment still
 * has its Available condition from before. So the API server itself is asked, by a dry run.
 *
 * `instance` is the stack's: its value of the label app.kubernetes.io/instance. `info` is called once if the wait takes time.
 */
export async function waitForController(
    client: Client,
    exposure: { readonly kind: ExposureKind; readonly gatewayClass?: string },
    instance: string,
    info: (text: string) => void,
): Promise<void> {
    let refusal: string | undefined;
    const ask = {
        ingress: () => webhookRefusal(client, instance),
        gateway: () => unacceptedClass(client, exposure.gatewayClass ?? ""),
        none: () => Promise.resolve(undefined),
    }[exposure.kind];
    const isReady = async () => {
        refusal = await ask();
        return refusal === undefined;
    };
    const onWait = () => {
        info(`Waiting for the ${exposure.kind} controller, at most ${controllerSeconds} s ...`);
    };
    if (!(await poll(isReady, { seconds: controllerSeconds, onWait, inVain: () => false }))) {
        throw new UserError(
            `The ${exposure.kind} controller is not ready after ${controllerSeconds} s: ${refusal}\n` +
                "Nothing was deployed.\n" +
                `  See what does not run:  kubectl --context ${client.target.context} get pods --all-namespaces\n` +
                "  Do without it:          pulumi config set exposure none",
        );
    }
}

/** What a gateway class says if its controller has not accepted it. Undefined also if there is no such class. */
async function unacceptedClass(client: Client, name: string): Promise<string | undefined> {
    const path = `/apis/gateway.networking.k8s.io/v1/gatewayclasses/${name}`;
    const found = await client.findIfAllowed<GatewayClass>(path);
    const accepted = (found?.status?.conditions ?? []).find(({ type }) => type === "Accepted");
    return !found || accepted?.status === "True"
        ? undefined
        : `gateway class ${name} is not accepted. ${accepted?.message ?? ""}`.trim();
}

interface GatewayClass {
    readonly status?: {
        readonly conditions?: readonly {
            readonly type: string;
            readonly status: string;
            readonly message?: string;
        }[];
    };
}

/**
 * What the API server says if it cannot reach an admission webhook for an Ingress. Undefined also if it does not tell.
 *
 * The Ingress of this dry run is in namespace default, because the stack's own may not exist yet. Its labels are those of
 * the stack's Ingress, so that a webhook that selects by them is asked too.
 */
async function webhookRefusal(client: Client, instance: string): Promise<string | undefined> {
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
