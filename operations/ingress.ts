/** The ingress: whether the cluster accepts one, and how a person outside the cluster meets it. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Environment, UserError, attempt, output } from "./process";

const attempts = 60;
const pause = 1000; // ms

/**
 * Waits until the API server accepts an Ingress. The admission webhook of ingress-nginx runs in the controller, and the API
 * server refuses every Ingress until it answers: some seconds after the controller's pod is Running. After a restart of
 * the cluster, the Deployment still has its Available condition from before. So the API server is asked itself, by a
 * request that changes nothing. Any other refusal is left to `pulumi up`, which reports it.
 *
 * @param limit in ms.
 * @throws UserError if a webhook still does not answer when the limit has passed.
 */
export async function untilIngressesAreAccepted(
    context: string,
    env: Environment,
    limit = 180_000,
): Promise<void> {
    const began = Date.now();
    const inSeconds = (ms: number) => `${Math.round(ms / 1000)} s`;
    let refused = webhookFailure(context, env);
    if (refused !== undefined) {
        console.log(`Waiting until the ingress controller answers, for at most ${inSeconds(limit)} ...`);
    }
    while (refused !== undefined) {
        if (Date.now() - began >= limit) {
            throw new UserError(
                `The ingress controller does not answer after ${inSeconds(limit)}, so the cluster refuses every Ingress:\n` +
                    `${refused}\n` +
                    "Nothing was deployed. Look at the controller's pods, then run this again:\n" +
                    `kubectl --context ${context} get pods --all-namespaces --selector app.kubernetes.io/name=ingress-nginx\n` +
                    "To do without an Ingress: pulumi config set exposure none",
            );
        }
        await sleep(pause);
        refused = webhookFailure(context, env);
        if (refused === undefined) {
            console.log(`The ingress controller answers after ${inSeconds(Date.now() - began)}.`);
        }
    }
}

/** What the API server says if it cannot reach an admission webhook for an Ingress. */
function webhookFailure(context: string, env: Environment): string | undefined {
    const { status, stderr } = attempt(
        "kubectl",
        [
            ...["--context", context, "--namespace", "default", "create", "ingress", "synergychat-probe"],
            ...["--rule=synergychat-probe.invalid/*=none:80", "--dry-run=server", "--request-timeout=60s"],
        ],
        env,
    );
    return status !== 0 && stderr.includes("failed calling webhook") ? stderr.trim() : undefined;
}

/**
 * The address that the ingress controller publishes for the app.
 *
 * @returns undefined where there is no ingress, or no address a minute after it was made.
 */
export async function ingressAddress(
    context: string,
    namespace: string,
    env: Environment,
): Promise<string | undefined> {
    const path = "{.status.loadBalancer.ingress[0]['ip','hostname']}";
    const args = [
        "--context",
        context,
        "--namespace",
        namespace,
        "get",
        "ingress",
        "app-ingress",
        `--output=jsonpath=${path}`,
    ];
    for (let attempt = 0; attempt < attempts; attempt++) {
        const address = output("kubectl", args, env);
        if (address !== "") {
            return address;
        }
        await sleep(pause);
    }
    return undefined;
}

/** Whether a URL answers with 200 at that address, within a minute. Its host name needs no entry anywhere. */
export async function answers(url: string, address: string, tries = attempts): Promise<boolean> {
    for (let attempt = 0; attempt < tries; attempt++) {
        if ((await statusOf(url, address)) === 200) {
            return true;
        }
        await sleep(pause);
    }
    return false;
}

function statusOf(url: string, address: string): Promise<number | undefined> {
    const { hostname, pathname } = new URL(url);
    return new Promise((resolve) => {
        const asked = request(
            { host: address, path: pathname, headers: { Host: hostname }, timeout: 5000 },
            (response) => {
                response.resume();
                resolve(response.statusCode);
            },
        );
        asked.on("error", () => {
            resolve(undefined);
        });
        asked.on("timeout", () => asked.destroy());
        asked.end();
    });
}
