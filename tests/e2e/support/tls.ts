/** Tests of a stack whose hosts are served by https, with a certificate made as docs/production.md says. */
import { strict as assert } from "node:assert";
import { X509Certificate, createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chat, openBrowser, shown } from "./browser.ts";
import { get, kubectl } from "./cluster.ts";
import type { TestStack } from "./stack.ts";
import { verify } from "./verify.ts";
import { execute } from "./execute.ts";

interface Answer {
    readonly status: number | undefined;
    readonly location: string | undefined;
}

/**
 * @param stack without the secret `chat-tls`, which its config names once `prepare` has returned.
 * @param kind of the object that publishes the addresses.
 */
export function itServesHttps(
    stack: TestStack,
    { namespace, kind, name }: { readonly namespace: string; readonly kind: string; readonly name: string },
    prepare: () => Promise<void>,
): void {
    const folder = mkdtempSync(join(tmpdir(), "tls-"));
    const [ca, key, certificate] = ["rootCA.pem", "key.pem", "cert.pem"].map((file) =>
        join(folder, file),
    ) as [...[string, string, string]];
    const hosts = [stack.webHost, stack.apiHost];
    let address: string;

    after(() => {
        rmSync(folder, { recursive: true });
    });

    function ask(url: string): Promise<Answer> {
        const { protocol, hostname, pathname } = new URL(url);
        const options = { host: address, path: pathname, headers: { Host: hostname }, agent: false };
        const trust = { servername: hostname, ca: readFileSync(ca) };
        return new Promise((resolve, reject) => {
            const taken = (response: http.IncomingMessage) => {
                response.resume();
                resolve({ status: response.statusCode, location: response.headers.location });
            };
            const asked =
                protocol === "https:" ? https.get({ ...options, ...trust }, taken) : http.get(options, taken);
            asked.on("error", reject);
        });
    }

    /** Waits for an answer with a status, from a server that the local certificate authority vouches for. */
    async function answer(url: string, expected: number): Promise<Answer> {
        for (let attempt = 0; ; attempt++) {
            const failed = (error: unknown) => ({ status: undefined, location: String(error) });
            const found = await ask(url).catch(failed);
            if (found.status === expected || attempt === 120) {
                return found;
            }
            await sleep(500);
        }
    }

    it("comes up before there is a certificate, with a warning that has the command", async () => {
        await prepare();
        const text = await stack.up();
        assert.match(text, /tls-secret-missing/);
        assert.match(text, new RegExp(`kubectl create secret tls chat-tls --namespace ${namespace}`));
        const { webUrl, apiUrl } = await stack.outputs();
        assert.deepEqual(
            [webUrl, apiUrl],
            hosts.map((host) => `https://${host}`),
        );
    });

    it("serves both hosts by https once the secret is there", async () => {
        process.env.CAROOT = folder;
        const mkcert = ["run", "filippo.io/mkcert@v1.4.4", "-key-file", key, "-cert-file", certificate];
        const made = await execute("go", [...mkcert, ...hosts], 240_000);
        assert.equal(made.status, 0, made.stderr);
        const files = ["--cert", certificate, "--key", key];
        await kubectl("create", "secret", "tls", "chat-tls", "--namespace", namespace, ...files);
        const { status } = await get(namespace, kind, name);
        address = (status.loadBalancer?.ingress?.[0].ip ?? status.addresses?.[0].value) as string;
        const ok = { status: 200, location: undefined };
        assert.deepEqual(await answer(`https://${stack.webHost}/`, 200), ok);
        assert.deepEqual(await answer(`https://${stack.apiHost}/messages`, 200), ok);
    });

    it("redirects from http to https", async () => {
        for (const host of hosts) {
            const { location } = await answer(`http://${host}/messages`, 301);
            assert.equal(location, `https://${host}/messages`);
        }
    });

    it("is a page in the browser that chats by https only", async () => {
        const spki = new X509Certificate(readFileSync(certificate)).publicKey;
        // Chromium trusts this one key, as it would trust the certificate authority in a person's own browser.
        const trusted = createHash("sha256").update(spki.export({ type: "spki", format: "der" }));
        const flag = `--ignore-certificate-errors-spki-list=${trusted.digest("base64")}`;
        const browser = await openBrowser(hosts, address, [flag]);
        try {
            const page = await browser.newPage();
            const requested: string[] = [];
            page.on("request", (request) => requested.push(request.url()));
            await page.goto(`http://${stack.webHost}/`);
            assert.equal(page.url(), `https://${stack.webHost}/`);
            await chat(page, "ada", "nobody listens");
            await page.reload();
            assert.ok((await shown(page)).includes("ada: nobody listens"));
            const plain = requested.filter((url) => !url.startsWith("https:"));
            assert.deepEqual(plain, [`http://${stack.webHost}/`]);
            assert.ok(requested.some((url) => url.startsWith(`https://${stack.apiHost}/`)));
        } finally {
            await browser.close();
        }
    });

    it("passes every check by https, and the next preview has nothing to do", async () => {
        const report = await verify(stack);
        assert.equal(report.failed, 0, JSON.stringify(report));
        assert.ok(report.checks.some(({ tried }) => tried === `GET https://${stack.webHost}`));
        const { status, text } = await stack.pulumi("preview", "--expect-no-changes");
        assert.equal(status, 0, text);
        assert.doesNotMatch(text, /tls-secret/);
    });
}
