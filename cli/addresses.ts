/** The app's addresses as a browser on this machine meets them. */
import * as dns from "node:dns";
import * as http from "node:http";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import { findExposureObject } from "../kubernetes/ingress.ts";
import { poll } from "../kubernetes/poll.ts";
import { parse } from "../pods/database.ts";
import type { LiveSession, Session } from "./session.ts";

/** This machine's own address: with minikube's docker driver on macOS and WSL, `minikube tunnel` brings the app there. */
export const loopback = "127.0.0.1";

const attemptLimit = 4000; // ms
const returnSeconds = 10;

/**
 * Where the app may answer: at the addresses that the controller has published, at those of minikube's node, which answer
 * up to a minute before they are published, and on this machine.
 */
export async function candidates(session: Session, namespace: string): Promise<readonly string[]> {
    const { client, cluster, settings } = session;
    const object = await findExposureObject(client, namespace, settings.exposure.kind);
    const node = cluster.nodeAddress?.() ?? loopback;
    return [...new Set([...(object?.addresses ?? []), node, loopback])];
}

/** Waits until the api answers this machine, if it can: an ingress controller hears of a new pod some seconds later. */
export async function waitForAnswer(session: LiveSession): Promise<void> {
    const { apiUrl, namespaceName } = session.outputs;
    if (session.settings.exposure.kind !== "none") {
        await firstAnswering(`${apiUrl}/messages`, await candidates(session, namespaceName), returnSeconds);
    }
}

/**
 * The first of the addresses, in their order, at which a URL of the app answers. All are tried at once, again and again.
 *
 * @param url the page, or `/messages` of the api. Its own host name needs no entry anywhere.
 * @param addresses IP addresses or host names, or what finds them anew for each attempt.
 * @returns undefined if it answers at none of them before the deadline.
 */
export function firstAnswering(
    url: string,
    addresses: readonly string[] | (() => Promise<readonly string[]>),
    seconds: number,
): Promise<string | undefined> {
    const answering = async () => {
        const tried = typeof addresses === "function" ? await addresses() : addresses;
        for (const [address, attempt] of tried.map((one) => [one, isApp(url, one)] as const)) {
            if (await attempt) {
                return address;
            }
        }
        return undefined;
    };
    return poll<string | undefined>(answering, { seconds, inVain: () => undefined });
}

/** The IP address of a load balancer that has published a name, which a hosts file cannot hold. An IP address is its own. */
export async function numberOf(address: string): Promise<string> {
    return (await dns.promises.lookup(address, { order: "ipv4first" })).address;
}

/**
 * The lines of a hosts file that lead hosts to other addresses than these, such as the course's own. Of several lines for a host,
 * the first one counts.
 */
export function otherLines(file: string, addresses: Readonly<Record<string, string>>): readonly string[] {
    const lines = file.split("\n").map((line) => line.replace(/#.*/, "").trim().split(/\s+/));
    const found = Object.entries(addresses).flatMap(([host, address]) => {
        const line = lines.find(([, ...names]) => names.some((name) => name.toLowerCase() === host));
        return line === undefined || line[0] === address ? [] : [line.join(" ")];
    });
    return [...new Set(found)];
}

/** Whether it is the app that answers. On this machine's own address, it can be any other web server. */
async function isApp(url: string, address: string): Promise<boolean> {
    const body = await bodyOf(url, address);
    return url.endsWith("/messages")
        ? parse(body ?? "") !== undefined
        : body !== undefined && (address !== loopback || body.includes("SynergyChat"));
}

/** What a URL serves at an address. Undefined if the status is not 200. */
async function bodyOf(url: string, address: string): Promise<string | undefined> {
    const options: https.RequestOptions = {
        agent: false, // which would use a connection to another address again
        lookup: (_host, how, done) => dns.lookup(address, how, done),
        // Whether the app answers is asked, not whether its certificate is valid.
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(attemptLimit),
    };
    try {
        const { get } = url.startsWith("https:") ? https : http;
        const response = await new Promise<http.IncomingMessage>((resolve, reject) =>
            get(url, options, resolve).on("error", reject),
        );
        const body = await text(response);
        return response.statusCode === 200 ? body : undefined;
    } catch {
        return undefined;
    }
}
