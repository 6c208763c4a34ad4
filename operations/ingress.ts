/** The ingress as a person outside the cluster meets it. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Environment, output } from "./process";

const attempts = 60;
const pause = 1000; // ms

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
