/**
 * The course chapter from first line to last, in its order, as one stack that is edited again and again. Two people write on
 * the page, and reload it after the api's pod was deleted.
 */
import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { address, ask, askUntilReady, messages, say } from "./support/app.ts";
import { chat, openBrowser, provideChromium, shown, shownAfterReload } from "./support/browser.ts";
import { apiRolledOut, deleteApiPod, get, kubectl, list, tryKubectl } from "./support/cluster.ts";
import { crash } from "./support/pods.ts";
import { TestStack } from "./support/stack.ts";

describe("the chapter", () => {
    const stack = new TestStack("chapter", { storageMode: "ephemeral", webReplicas: 3 });
    const namespace = stack.name;
    const [hello, here] = ["hello, who is there?", "me, over here"] as const;
    const conversation = [`ada: ${hello}`, `grace: ${here}`];
    let browser: Browser | undefined;
    let ada: Page;
    let grace: Page;

    before(provideChromium);
    before(() => stack.create());
    after(async () => {
        await browser?.close();
        await stack.remove();
    });

    /** A page of a person's own: another browser context shares nothing with the first. */
    async function open(by: Browser): Promise<Page> {
        const context = await by.newContext();
        const page = await context.newPage();
        await page.goto(`http://${stack.webHost}`);
        return page;
    }

    async function converse(): Promise<void> {
        await chat(ada, "ada", hello);
        await chat(grace, "grace", here);
    }

    async function bothSee(expected: readonly string[]): Promise<void> {
        for (const page of [ada, grace]) {
            assert.deepEqual(await shownAfterReload(page), expected);
        }
    }

    describe("Storage in Kubernetes: ephemeral", () => {
        it("comes up from nothing", async () => {
            const text = await stack.up();
            assert.match(text, /kubectl config set-context --current --namespace=e2e-chapter/);
        });

        it("answers at its two addresses, and the page knows the api's", async () => {
            const page = await askUntilReady(stack, stack.webHost, "/");
            assert.equal(page.status, 200);
            assert.match(page.body, /<html/i);
            const script = await ask(stack, stack.webHost, "/app.js");
            assert.ok(script.body.includes(`http://${stack.apiHost}`), script.body);
            assert.deepEqual(await messages(stack), []);
        });

        it("shows an empty page to whoever comes first, and no error", async () => {
            browser = await openBrowser([stack.webHost, stack.apiHost], await address(stack));
            [ada, grace] = [await open(browser), await open(browser)];
            assert.deepEqual(await shown(ada), []);
            assert.equal(await ada.locator("#error").isHidden(), true);
        });

        it("logs that the filesystem will be used", async () => {
            const log = await kubectl("logs", "deployment/synergychat-api", "--namespace", namespace);
            assert.match(log, /API_DB_FILEPATH found! Using filesystem database/);
        });

        it("keeps messages across a crash of the container", async () => {
            await say(stack, "first", "second");
            await crash(stack);
            assert.deepEqual(await messages(stack), ["first", "second"]);
        });

        it("shows to each what both wrote, after a reload too", async () => {
            await converse();
            await bothSee(["ada: first", "ada: second", ...conversation]);
        });

        it("loses them when the pod is deleted: as the chapter shows", async () => {
            await deleteApiPod(namespace);
            assert.deepEqual(await messages(stack), []);
            await bothSee([]);
        });

        it("says so on the page when the api cannot be reached", async () => {
            const url = `http://${stack.apiHost}/messages`;
            await ada.route(url, (route) => route.abort());
            await ada.reload();
            await ada.locator("#error[role=alert]:not([hidden])").waitFor();
            assert.match(await ada.locator("#error").innerText(), /cannot reach its api/);
            await ada.unroute(url);
        });
    });

    describe("Ephemeral volumes: the crawler", () => {
        it("shows 3/3 ready", async () => {
            const table = await kubectl("get", "pods", "--namespace", namespace);
            assert.match(table, /^synergychat-crawler-\S+\s+3\/3\s+Running/m);
            assert.match(table, /^synergychat-api-\S+\s+1\/1\s+Running/m);
            assert.equal(table.match(/^synergychat-web-\S+\s+1\/1\s+Running/gm)?.length, 3);
        });

        it("serves each container on its own port, the first alone behind the service", async () => {
            const [pod] = await list(namespace, "pod", "--selector=app=synergychat-crawler");
            for (const port of [8080, 8081, 8082]) {
                const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name as string}:${port}/proxy/healthz`;
                await kubectl("get", `--raw=${path}`);
            }
            const slices = await list(
                namespace,
                "endpointslice",
                "--selector=kubernetes.io/service-name=crawler-service",
            );
            assert.deepEqual(
                slices.flatMap(({ ports }) => ports.map(({ port }: { port: number }) => port)),
                [8080],
            );
        });

        it("shares /cache among the containers: what one writes, the others read", async () => {
            const [pod] = await list(namespace, "pod", "--selector=app=synergychat-crawler");
            const run = (number: number, script: string) =>
                kubectl(
                    ...["exec", pod.metadata.name as string, "--namespace", namespace],
                    ...["--container", `synergychat-crawler-${number}`, "--", "sh", "-c", script],
                );
            await run(1, "echo written by 1 > /cache/shared");
            for (const number of [2, 3]) {
                assert.equal(await run(number, "cat /cache/shared"), "written by 1\n");
                assert.equal(await run(number, 'echo "$CRAWLER_DB_PATH"'), "/cache/db\n");
            }
            await run(3, "rm /cache/shared");
            await assert.rejects(run(1, "cat /cache/shared"), /No such file/);
        });

        it("runs every container without a clash of ports", async () => {
            const [pod] = await list(namespace, "pod", "--selector=app=synergychat-crawler");
            for (const { name, ready, restartCount } of pod.status.containerStatuses) {
                assert.deepEqual({ ready, restartCount }, { ready: true, restartCount: 0 }, name as string);
            }
        });
    });

    describe("in production", () => {
        it("has nothing to do a second time, and no drift", async () => {
            await stack.up("--expect-no-changes");
            await stack.run("refresh", "--yes", "--skip-preview", "--expect-no-changes");
        });

        it("refuses a pod that does not meet the restricted standard", async () => {
            const { status, stderr } = await tryKubectl(
                "run",
                "intruder",
                "--image=registry.k8s.io/pause:3.10",
                "--namespace",
                namespace,
            );
            assert.notEqual(status, 0);
            assert.match(stderr, /violates PodSecurity "restricted/);
        });

        it("rolls the pods that read a changed ConfigMap, and keeps the map", async () => {
            const pods = async (part: string) =>
                (await list(namespace, "pod", `--selector=app=synergychat-${part}`)).map(
                    ({ metadata }) => metadata.uid as string,
                );
            const map = (await get(namespace, "configmap", "synergychat-crawler-configmap")).metadata.uid;
            const [crawler, api] = [await pods("crawler"), await pods("api")];
            stack.edit({ crawlerKeywords: ["night", "day"] });
            await stack.up();
            assert.notDeepEqual(await pods("crawler"), crawler);
            assert.deepEqual(await pods("api"), api);
            const changed = await get(namespace, "configmap", "synergychat-crawler-configmap");
            assert.equal(changed.metadata.uid, map);
            assert.equal(changed.data.CRAWLER_KEYWORDS, "night,day");
        });

        it("puts back what somebody changed by hand, and makes a change of its own beside it", async () => {
            await kubectl("scale", "deployment/synergychat-web", "--replicas=2", "--namespace", namespace);
            await kubectl(
                "set",
                "image",
                "deployment/synergychat-web",
                "synergychat-web=broken:1",
                "--namespace",
                namespace,
            );
            stack.edit({ crawlerContainers: 4, crawlerPods: 2 });
            await stack.up();
            const { spec } = await get(namespace, "deployment", "synergychat-web");
            assert.equal(spec.replicas, 3);
            assert.equal(spec.template.spec.containers[0].image, "bootdotdev/synergychat-web:latest");
        });

        it("scales the crawler by containers and by pods", async () => {
            const { spec, status } = await get(namespace, "deployment", "synergychat-crawler");
            assert.equal(spec.template.spec.containers.length, 4);
            assert.equal(status.readyReplicas, 2);
        });
    });

    describe("Persistence: one key", () => {
        let volume: string;
        let folder: string | undefined;

        it("makes and binds the claim", async () => {
            stack.edit({ storageMode: "persistent", crawlerContainers: 1, crawlerPods: 1 });
            await stack.up();
            const claim = await get(namespace, "pvc", "synergychat-api-pvc");
            assert.equal(claim.status.phase, "Bound");
            assert.equal(claim.spec.resources.requests.storage, "1Gi");
            assert.deepEqual(claim.spec.accessModes, ["ReadWriteOnce"]);
            volume = claim.spec.volumeName;
            folder = (await get("", "pv", volume)).spec.hostPath?.path;
        });

        it("keeps messages when the pod is deleted", async () => {
            await askUntilReady(stack, stack.apiHost, "/messages");
            await Promise.all([ada.reload(), grace.reload()]);
            await converse();
            await deleteApiPod(namespace);
            assert.deepEqual(await messages(stack), [hello, here]);
            await bothSee(conversation);
        });

        it("keeps them when the pod template changes", async () => {
            await kubectl("rollout", "restart", "deployment/synergychat-api", "--namespace", namespace);
            await apiRolledOut(namespace);
            assert.deepEqual(await messages(stack), [hello, here]);
        });

        it("has nothing to do a second time, and no drift", async () => {
            await stack.up("--expect-no-changes");
        });

        it("goes back to ephemeral, and the claim and its volume are gone", async () => {
            const { uid } = (await get(namespace, "pvc", "synergychat-api-pvc")).metadata;
            stack.edit({ storageMode: "ephemeral", discardClaim: uid });
            await stack.up();
            assert.equal(await get(namespace, "pvc", "synergychat-api-pvc"), undefined);
            await goneVolume(volume, folder);
            assert.deepEqual(await messages(stack), []);
        });

        it("and to persistent again, empty", async () => {
            stack.edit({ storageMode: "persistent" });
            await stack.up();
            assert.deepEqual(await messages(stack), []);
            volume = (await get(namespace, "pvc", "synergychat-api-pvc")).spec.volumeName;
            folder = (await get("", "pv", volume)).spec.hostPath?.path;
            await say(stack, "last words");
        });

        it("leaves nothing after a destroy, on the disk neither", async () => {
            await stack.run("destroy", "--yes", "--skip-preview");
            const { stdout } = await tryKubectl("get", "namespace", namespace, "--ignore-not-found");
            assert.equal(stdout, "");
            await goneVolume(volume, folder);
        });
    });
});

/** A volume goes a moment after its claim: its provisioner deletes it then. */
async function goneVolume(volume: string, folder: string | undefined): Promise<void> {
    await kubectl("wait", "--for=delete", `pv/${volume}`, "--timeout=60s");
    if (folder !== undefined) {
        assert.ok(!existsSync(folder), `${folder} is still there`);
    }
}
