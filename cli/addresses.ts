/** The app's addresses as a browser on this machine meets them. */
import * as http from "node:http";
import * as https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

/** This machine's own address: with minikube's docker driver on macOS and WSL, `minikube tunnel` brings the app there. */
export const loopback = "127.0.0.1";

const attemptLimit = 4000; // ms

/**
 * The first of the addresses at which a URL answers with 200. All are tried side by side, with one deadline.
 *
 * @param addresses IP addresses or host names. The URL's own host name needs no entry anywhere.
 * @returns undefined if it answers at none of them before the deadline.
 */
export async function firstAnswering(
    url: string,
    addresses: readonly string[],
    seconds: number,
): Promise<string | undefined> {
    const deadline = performance.now() + seconds * 1000;
    do {
        try {
            return await Promise.any(addresses.map((address) => requireAnswer(url, address)));
        } catch {
            await sleep(Math.min(1000, Math.max(0, deadline - performance.now())));
        }
    } while (performance.now() < deadline);
    return undefined;
}

async function requireAnswer(url: string, address: string): Promise<string> {
    if ((await statusOf(url, address)) !== 200) {
        throw new Error(`${url} does not answer at ${address}`);
    }
    return address;
}

/** HTTP status of a URL at an address. Undefined if nothing answers. */
function statusOf(url: string, address: string): Promise<number | undefined> {
    const { protocol, hostname, host, port, pathname } = new URL(url);
    const options = {
        host: address,
        ...(port && { port }),
        path: pathname,
        headers: { Host: host },
        // Whether the app answers is asked, not whether its certificate is valid.
        ...(protocol === "https:" && { servername: hostname, rejectUnauthorized: false }),
        signal: AbortSignal.timeout(attemptLimit),
    };
    return new Promise((resolve) => {
        const asked = (protocol === "https:" ? https : http).request(options, (response) => {
            response.resume();
            resolve(response.statusCode);
        });
        asked.on("error", () => {
            resolve(undefined);
        });
        asked.end();
    });
}
