/**
 * A stack with every feature: the guard restarts the api and repairs its file, the policies allow the connections that the pods
 * need, and an image that cannot be guarded is named.
 */
import { strict as assert } from "node:assert";
import { setTimeout as sleep } from "node:timers/promises";
import { post, read } from "../../pods/tests/support/chat.ts";
import { History } from "../../pods/tests/support/set-full.ts";
import { address, askUntilReady, messages, say } from "./support/app.ts";
import { deleteApiPod, get, kubectl, list, tryKubectl, until } from "./support/cluster.ts";
import { codesIn } from "./support/findings.ts";
import { operation } from "./support/operation.ts";
import { apiPod } from "./support/pods.ts";
import { outcomes, startProbes } from "./support/probe.ts";
import { TestStack } from "./support/stack.ts";
import { verify } from "./support/verify.ts";

describe("a stack with guard, backups and network policies", () => {
    const stack = new TestStack("guard", { guard: true, backupSchedule: "0 3 1 1 *", crawlerContainers: 2 });
    const where = ["--namespace", stack.name];
    let everything: string[];

    before(async () => {
        await stack.create();
        await stack.up();
        // The first backup asks the api, which crashes below.
        const first = "job/synergychat-api-backup-first";
        await kubectl("wait", "--for=condition=Complete", first, ...where, "--timeout=120s");
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    function inApi(script: string): Promise<string> {
        const container = ["deployment/synergychat-api", ...where, "-c", "synergychat-api"];
        return kubectl("exec", ...container, "--", "sh", "-c", script);
    }

    /** Waits until the api's pod has a number of Events of this reason. */
    async function eventsOf(reason: string, count = 1): Promise<any[]> {
        let events: any[] = [];
        await until(`${count} Events ${reason}`, async () => {
            events = await list(stack.name, "event", `--field-selector=reason=${reason}`);
            return events.length >= count;
        });
        return events;
    }

    it("restarts a crashed api within its container, and tells it as an Event", async () => {
        const before = await apiPod(stack);
        await assert.rejects(say(stack, "oh heck"));
        const [{ involvedObject }] = await eventsOf("ApiRestarted");
        assert.equal(involvedObject.name, before.metadata.name);
        assert.deepEqual(await messages(stack), ["one", "two"]);
        const after = await apiPod(stack);
        assert.equal(after.metadata.uid, before.metadata.uid);
        assert.deepEqual(
            after.status.containerStatuses.map(({ restartCount }: any) => restartCount),
            [0, 0],
        );
    });

    it("repairs a file that is empty or cut, with every message", async () => {
        await inApi(': > "$API_DB_FILEPATH"');
        await eventsOf("ApiFileRepaired");
        assert.deepEqual(await messages(stack), ["one", "two"]);
        await inApi(
            'head -c 40 "$API_DB_FILEPATH" > /run/synergychat/cut && cat /run/synergychat/cut > "$API_DB_FILEPATH"',
        );
        await eventsOf("ApiFileRepaired", 2);
        await say(stack, "three");
        assert.deepEqual(await messages(stack), ["one", "two", "three"]);
        const torn = await inApi('ls "$(dirname "$API_DB_FILEPATH")"/.guard/torn-*');
        assert.equal(torn.trim().split("\n").length, 2);
    });

    it("takes a shorter file that somebody puts in its place, and tells it as an Event", async () => {
        const shorter = JSON.stringify(["one", "two"].map((Text) => ({ AuthorUsername: "ada", Text })));
        await inApi(
            `printf %s '${shorter}' > "$API_DB_FILEPATH.part" && mv "$API_DB_FILEPATH.part" "$API_DB_FILEPATH"`,
        );
        await eventsOf("ApiFileShorter");
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("puts back a message that another write has overwritten", async () => {
        await say(stack, "three");
        await inApi(
            'sed "s/three/four/" "$API_DB_FILEPATH" > /run/synergychat/late && cat /run/synergychat/late > "$API_DB_FILEPATH"',
        );
        await eventsOf("ApiMessagesPutBack");
        assert.deepEqual(await messages(stack), ["one", "two", "three", "four"]);
    });

    it("passes every check of npm run verify, with what the guard did", async () => {
        assert.equal((await askUntilReady(stack, stack.webHost, "/")).status, 200);
        const { status, checks } = await verify(stack);
        assert.equal(status, 0, JSON.stringify(checks));
        const check = (name: string) => checks.find(({ heading }) => heading === name);
        assert.equal(check("Network policies")?.result, "ok");
        const guard = check("Guard")?.seen ?? "";
        assert.match(guard, /restarts 1, repairs 2, shorter files 1, messages put back 1/);
    });

    it("has nothing to do when nothing has changed", async () => {
        await stack.run("preview", "--refresh", "--expect-no-changes");
    });

    it("lets the guard create Events in its namespace, and nothing else", async () => {
        const account = `--as=system:serviceaccount:${stack.name}:synergychat-api`;
        const may = async (verb: string, resource: string, namespace = stack.name) =>
            (
                await tryKubectl("auth", "can-i", verb, resource, account, "--namespace", namespace)
            ).stdout.trim();
        assert.equal(await may("create", "events"), "yes");
        assert.equal(await may("get", "pods"), "no");
        assert.equal(await may("list", "secrets"), "no");
        assert.equal(await may("create", "events", "default"), "no");
        const { spec } = await apiPod(stack);
        const hasToken = (container: any) =>
            container.volumeMounts.some(({ mountPath }: any) => mountPath.startsWith("/var/run/secrets"));
        const withToken = spec.containers.filter(hasToken).map(({ name }: any) => name);
        assert.deepEqual(withToken, ["synergychat-guard"]);
    });

    it("loses none of the messages of 16 people while the api crashes again and again, and its pod is deleted", async () => {
        const place = { address: await address(stack), host: stack.apiHost };
        const history = new History();
        let isOver = false;
        const people = Array.from({ length: 16 }, async (_, person) => {
            for (let count = 1; !isOver; count++) {
                await history.write(`${person}-${count}`, (text) => post(place, text));
                await sleep(100);
            }
        });
        const isBack = async () => {
            const before = history.verdict().acknowledged;
            for (let attempt = 0; history.verdict().acknowledged < before + 16; attempt++) {
                assert.ok(attempt < 1200, "the api does not come back");
                await history.read(() => read(place));
                await sleep(100);
            }
        };
        try {
            await isBack();
            for (let crash = 0; crash < 5; crash++) {
                await assert.rejects(say(stack, "oh heck"));
                await isBack();
                await sleep(1500); // an api that ends at once, again and again, is left to Kubernetes
            }
            const restarts = (await apiPod(stack)).status.containerStatuses.map(
                (one: any) => one.restartCount,
            );
            assert.deepEqual(restarts, [0, 0]);
            await deleteApiPod(stack.name);
            await isBack();
        } finally {
            isOver = true;
            await Promise.all(people);
        }
        await history.read(() => read(place));
        const { acknowledged, unknown, silence, lost, stale, duplicated, contradicted, reordered } =
            history.verdict();
        console.log(
            `      acknowledged ${acknowledged}, unknown ${unknown}, longest silence ${Math.round(silence)} ms`,
        );
        assert.deepEqual(
            { lost, stale, duplicated, contradicted, reordered },
            { lost: [], stale: [], duplicated: [], contradicted: [], reordered: 0 },
        );
    });

    it("lets through the connections that the app needs, and nothing else", async () => {
        await startProbes(stack.name, await labelsOfSenders());
        await findAddresses();
        assert.deepEqual(await tried(flows), flows);
    });

    const parts = ["web", "api", "crawler"] as const;
    type Sender = (typeof parts)[number] | "backups" | "stranger";
    type Flow = readonly [from: Sender, to: string, port: number, expected: string];
    const addresses = new Map<string, string>();

    /** The pod of a Deployment: a probe has the other labels too. */
    async function podOf(part: string): Promise<any> {
        const selector = `--selector=app=synergychat-${part},pod-template-hash`;
        return (await list(stack.name, "pod", selector))[0];
    }

    /** The labels of each part's pod, without the one that makes it the Deployment's. */
    async function labelsOfSenders(): Promise<Record<Sender, object>> {
        const ofPart = async (part: string) =>
            ({ ...(await podOf(part)).metadata.labels, "pod-template-hash": undefined }) as object;
        const { spec } = await get(stack.name, "cronjob", "synergychat-api-backup");
        return {
            web: await ofPart("web"),
            api: await ofPart("api"),
            crawler: await ofPart("crawler"),
            backups: spec.jobTemplate.spec.template.metadata.labels as object,
            stranger: {},
        };
    }

    async function findAddresses(): Promise<void> {
        for (const part of parts) {
            addresses.set(part, (await podOf(part)).status.podIP as string);
        }
        addresses.set("stranger", (await get(stack.name, "pod", "probe-stranger")).status.podIP as string);
        const { spec } = await get("default", "service", "kubernetes");
        addresses.set("API server", spec.clusterIP as string);
        addresses.set("DNS", (await get("kube-system", "service", "kube-dns")).spec.clusterIP as string);
    }

    /** The flows with what is seen of them instead of what is expected. */
    async function tried(all: readonly Flow[]): Promise<readonly Flow[]> {
        const seen: Flow[] = [];
        for (const sender of new Set(all.map(([from]) => from))) {
            const own = all.filter(([from]) => from === sender);
            const to = own.map(([, name, port]) => [addresses.get(name) ?? assert.fail(name), port] as const);
            const found = await outcomes(stack.name, sender, to);
            seen.push(
                ...own.map(([from, name, port], index): Flow => [from, name, port, found[index] ?? ""]),
            );
        }
        return seen;
    }

    /** The api's own port is not the guard's, which is the way in. */
    const flows: readonly Flow[] = [
        ["stranger", "web", 8080, "open"],
        ["stranger", "api", 8081, "open"],
        ["stranger", "api", 8080, "closed"],
        ["stranger", "crawler", 8080, "closed"],
        ["stranger", "crawler", 8081, "closed"],
        ["stranger", "DNS", 53, "open"],
        ["web", "api", 8081, "closed"],
        ["web", "crawler", 8080, "closed"],
        ["web", "DNS", 53, "closed"],
        ["web", "API server", 443, "closed"],
        ["api", "crawler", 8080, "open"],
        ["api", "crawler", 8081, "closed"],
        ["api", "web", 8080, "closed"],
        ["api", "DNS", 53, "open"],
        ["api", "API server", 443, "open"],
        ["crawler", "api", 8081, "closed"],
        ["crawler", "web", 8080, "closed"],
        ["crawler", "DNS", 53, "open"],
        ["crawler", "API server", 443, "closed"],
        ["backups", "api", 8081, "open"],
        ["backups", "crawler", 8080, "closed"],
        ["backups", "DNS", 53, "open"],
        ["backups", "API server", 443, "closed"],
    ];

    it("says that an image without a shell cannot be guarded", async () => {
        everything = await messages(stack);
        stack.edit({ images: { api: "bootdotdev/synergychat-api:without-shell" } });
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.deepEqual(codesIn(text), ["image-without-shell"]);
    });

    it("leaves the chapter's pod, and every connection open, when guard and network policies are switched off", async () => {
        stack.edit({ images: undefined, guard: undefined, networkPolicies: false });
        await stack.up();
        assert.deepEqual(await messages(stack), everything);
        const { spec } = await podOf("api");
        assert.equal(spec.containers.length, 1);
        assert.equal(await get(stack.name, "serviceaccount", "synergychat-api"), undefined);
        assert.deepEqual(await list(stack.name, "networkpolicy"), []);
        await findAddresses();
        const open = flows.map(([from, to, port]): Flow => [from, to, to === "api" ? 8080 : port, "open"]);
        assert.deepEqual(await tried(open), open);
        // The next pod is made without the account, too.
        await deleteApiPod(stack.name);
        assert.deepEqual(await messages(stack), everything);
    });
});
