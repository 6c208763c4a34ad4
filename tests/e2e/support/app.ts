/** The app as its users meet it: by its two host names, through the ingress. */
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { list } from "./cluster.ts";
import type { TestStack } from "./stack.ts";

export interface Response {
    readonly status: number;
    readonly body: string;
}

/** The addresses that were published: one ingress controller serves all stacks, and keeps its address. */
const addresses = new Map<string, string>();

/** The address at which the stack's hosts are served. */
export async function address({ name }: TestStack): Promise<string> {
    const found = addresses.get(name) ?? (await publishedAddress(name));
    addresses.set(name, found);
    return found;
}

/** The ingress controller may take a moment to publish it. */
async function publishedAddress(namespace: string): Promise<string> {
    for (let attempt = 0; attempt < 60; attempt++) {
        const [ingress] = await list(namespace, "ingress");
        const published = ingress?.status?.loadBalancer?.ingress?.[0];
        if (published) {
            return published.ip ?? published.hostname;
        }
        await sleep(500);
    }
    throw new Error(`the ingress of ${namespace} has no address`);
}

/** One request to a host of the stack. */
export async function ask(
    stack: TestStack,
    host: string,
    path: string,
    message?: unknown,
): Promise<Response> {
    const to = await address(stack);
    const body = message === undefined ? undefined : JSON.stringify(message);
    const method = body === undefined ? "GET" : "POST";
    return new Promise((resolve, reject) => {
        const headers = { Host: host, ...(body && { "Content-Type": "application/json" }) };
        const asked = request({ host: to, path, method, headers, timeout: 10_000 }, (response) => {
            let text = "";
            response.setEncoding("utf8");
            response.on("data", (chunk: string) => (text += chunk));
            response.on("end", () => {
                resolve({ status: response.statusCode ?? 0, body: text });
            });
            response.on("error", reject);
        });
        asked.on("error", reject);
        asked.on("timeout", () => asked.destroy(new Error(`${host} did not answer in time`)));
        asked.end(body);
    });
}

/** Asks until the answer is 200: an ingress controller hears of new pods a moment after they are ready. */
export async function askUntilReady(stack: TestStack, host: string, path: string): Promise<Response> {
    for (let attempt = 0; ; attempt++) {
        const response = await ask(stack, host, path);
        if (response.status === 200 || attempt === 60) {
            return response;
        }
        await sleep(500);
    }
}

/** Writes messages one after the other, as one user. */
export async function say(stack: TestStack, ...texts: readonly string[]): Promise<void> {
    await askUntilReady(stack, stack.apiHost, "/messages");
    for (const text of texts) {
        const { status, body } = await ask(stack, stack.apiHost, "/messages", {
            AuthorUsername: "ada",
            Text: text,
        });
        if (status !== 201) {
            throw new Error(`POST /messages answered ${status}: ${body}`);
        }
    }
}

/** The texts of all messages that the api has, in order. */
export async function messages(stack: TestStack): Promise<string[]> {
    const { status, body } = await askUntilReady(stack, stack.apiHost, "/messages");
    if (status !== 200) {
        throw new Error(`GET /messages answered ${status}: ${body}`);
    }
    return (JSON.parse(body) as { Text: string }[]).map(({ Text }) => Text);
}
