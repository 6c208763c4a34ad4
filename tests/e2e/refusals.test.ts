/** What must not happen does not: the stack says why, and the cluster is as it was. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { messages, say } from "./support/app";
import { get, kubectl } from "./support/cluster";
import { operation } from "./support/operation";
import { TestStack } from "./support/stack";

describe("a stack that is up", () => {
    const stack = new TestStack("refusals", { crawlerContainers: 1 });
    const namespace = stack.name;

    before(async () => {
        await stack.create();
        await stack.up();
        await say(stack, "one", "two");
    });
    after(() => stack.remove());

    /** Tries a config; takes it back. The message must match, and nothing may have changed. */
    async function refuses(
        config: Record<string, unknown>,
        message: RegExp,
        commands: readonly (readonly string[])[] = [["preview"]],
    ): Promise<void> {
        const before = await versions();
        stack.edit(config);
        for (const command of commands) {
            const { status, text } = await stack.pulumi(...command);
            assert.notEqual(status, 0, text);
            assert.match(text, message);
            assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        }
        stack.edit(Object.fromEntries(Object.keys(config).map((key) => [key, stack.original(key)])));
        assert.deepEqual(await versions(), before);
    }

    /** Every object that the stack could have touched, with its generation or data. */
    async function versions(): Promise<string[]> {
        const json = await kubectl(
            "get",
            "all,configmap,pvc,ingress",
            "--namespace",
            namespace,
            "--output=json",
        );
        return JSON.parse(json)
            .items.filter(({ kind }: { kind: string }) => kind !== "Pod")
            .map(
                ({ kind, metadata }: any) =>
                    `${kind} ${metadata.name} ${metadata.uid} ${metadata.generation ?? ""}`,
            )
            .sort();
    }

    it("refuses a config that is wrong, all problems at once", async () => {
        await refuses(
            { storageMode: "persistant", webReplicas: 0, crawlerContainer: 3 },
            /3 problems in the stack's config[\s\S]*crawlerContainer is not a key[\s\S]*storageMode is "persistant"[\s\S]*webReplicas is "0"/,
        );
    });

    it("refuses classes that the cluster does not have, and names those that it has", async () => {
        await refuses(
            { ingressClass: "traefik" },
            /ingressClass is "traefik": the cluster has no such ingress class. It has: \w+/,
        );
        await refuses({ exposure: "gateway", gatewayClass: "nope" }, /gatewayClass is "nope"/);
    });

    it("refuses to shrink its claim, or to grow it where the class forbids it", async () => {
        await refuses(
            { storageSize: "500Mi" },
            /claim synergychat-api-pvc has 1Gi, and a claim cannot shrink/,
        );
        await refuses({ storageSize: "2Gi" }, /its class standard does not let it grow/);
    });

    it("refuses a namespace that is somebody else's", async () => {
        await refuses({ namespace: "kube-public" }, /it must be a namespace of the stack's own/);
        await kubectl("create", "namespace", "e2e-somebodys");
        try {
            await refuses(
                { namespace: "e2e-somebodys" },
                /Namespace e2e-somebodys exists and is not this stack's/,
            );
        } finally {
            await kubectl("delete", "namespace", "e2e-somebodys");
        }
    });

    it("refuses an existing claim that does not exist", async () => {
        await refuses(
            { existingClaim: "nobodys" },
            /existingClaim is "nobodys": namespace e2e-refusals has no such claim/,
        );
    });

    for (const [change, config] of [
        ["a switch to ephemeral storage", { storageMode: "ephemeral" }],
        ["another storage class", { storageClass: "standard-wait" }],
        ["another namespace", { namespace: "e2e-refusals-2" }],
    ] as const) {
        it(`refuses ${change} while its claim holds messages`, async () => {
            await refuses(
                config,
                /Claim synergychat-api-pvc in namespace e2e-refusals would be deleted, with 2 messages/,
                [["preview"], ["up", "--yes", "--skip-preview"]],
            );
            assert.deepEqual(await messages(stack), ["one", "two"]);
        });
    }

    it("refuses another cluster, since all would be deleted in this one", async () => {
        const folder = mkdtempSync(join(tmpdir(), "synergychat-kubeconfig-"));
        const file = join(folder, "kubeconfig");
        writeFileSync(file, await kubectl("config", "view", "--raw", "--flatten", "--minify"));
        await kubectl("config", "rename-context", "minikube", "elsewhere", "--kubeconfig", file);
        await refuses(
            { "kubernetes:context": "elsewhere", "kubernetes:kubeconfig": file },
            /kubernetes:context is "elsewhere", but this stack is up in the cluster of context "minikube"/,
            [["preview"], ["up", "--yes", "--skip-preview"]],
        );
        rmSync(folder, { recursive: true });
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("refuses to go on while a switch of the storage is half done", async () => {
        const selector = (mark: string | null) =>
            JSON.stringify({ spec: { selector: { "synergychat/out-of-service": mark } } });
        const patch = [
            "patch",
            "service",
            "api-service",
            "--namespace",
            namespace,
            "--type=merge",
            "--patch",
        ];
        await kubectl(...patch, selector("true"));
        const halfDone = /A switch of the storage was interrupted: the api is out of its Service/;
        await refuses({}, halfDone, [["up", "--yes", "--skip-preview"]]);
        const { status, text } = await operation("up", stack);
        assert.equal(status, 1, text);
        assert.match(text, halfDone);
        await kubectl(...patch, selector(null));
        assert.deepEqual(await messages(stack), ["one", "two"]);
    });

    it("counts a claim as full when the api does not answer", async () => {
        await kubectl("scale", "deployment/synergychat-api", "--replicas=0", "--namespace", namespace);
        await kubectl(
            "wait",
            "--for=delete",
            "pod",
            "--selector=app=synergychat-api",
            "--namespace",
            namespace,
            "--timeout=60s",
        );
        await refuses({ storageMode: "ephemeral" }, /would be deleted, with messages that cannot be counted/);
        await kubectl("scale", "deployment/synergychat-api", "--replicas=1", "--namespace", namespace);
        await kubectl(
            "rollout",
            "status",
            "deployment/synergychat-api",
            "--namespace",
            namespace,
            "--timeout=60s",
        );
    });

    it("deletes the claim that was named by its UID, and that one alone", async () => {
        const { uid } = (await get(namespace, "pvc", "synergychat-api-pvc")).metadata;
        await refuses(
            { storageMode: "ephemeral", discardClaim: uid.replace(/^.{8}/, "00000000") },
            /would be deleted/,
        );
        stack.edit({ storageMode: "ephemeral", discardClaim: uid });
        await stack.up();
        assert.equal(await get(namespace, "pvc", "synergychat-api-pvc"), undefined);
        // Spent: the next claim is another one.
        stack.edit({ storageMode: "persistent" });
        await stack.up();
        await say(stack, "three");
        stack.edit({ storageMode: "ephemeral" });
        const { status, text } = await stack.pulumi("preview");
        assert.notEqual(status, 0);
        assert.match(text, /would be deleted, with 1 message/);
        stack.edit({ storageMode: "persistent" });
    });

    for (const [what, config] of [
        ["service/crawler-service", {}],
        ["ingress/app-ingress", {}],
        // With a change of its own, Pulumi would update the object instead of calling it unchanged.
        ["deployment/synergychat-web", { webReplicas: 2 }],
    ] as const) {
        const [kind, name] = what.split("/") as [string, string];

        it(`refuses to go on without a refresh if somebody deleted ${what}`, async () => {
            await kubectl("delete", what, "--namespace", namespace);
            const named = new RegExp(`${kind} ${name} in namespace ${namespace}[^]*pulumi up --refresh`, "i");
            await refuses(config, named, [["preview"], ["up", "--yes"], ["up", "--yes", "--skip-preview"]]);
            // Pulumi previews before it updates: both must see what the refresh has found.
            await stack.must("up", "--yes", "--refresh");
            assert.ok(await get(namespace, kind, name));
            await stack.must("preview", "--expect-no-changes");
        });
    }

    it("refuses to go on without a refresh if somebody deleted everything", async () => {
        await kubectl("delete", "namespace", namespace);
        for (const command of [["preview"], ["up", "--yes", "--skip-preview"]]) {
            const { status, text } = await stack.pulumi(...command);
            assert.notEqual(status, 0, text);
            assert.match(text, /none of the \d+ objects of this stack's state[^]*pulumi up --refresh/);
            assert.doesNotMatch(text, /^\s+at /m, "a stack trace");
        }
        assert.equal(await get("default", "namespace", namespace), undefined);
        await stack.must("up", "--yes", "--refresh");
        assert.deepEqual(await messages(stack), []);
        await say(stack, "three");
    });

    it("cannot be destroyed with protectData, until that is taken back", async () => {
        stack.edit({ protectData: true });
        await stack.up();
        const before = await versions();
        const { status, text } = await stack.pulumi("destroy", "--yes");
        assert.notEqual(status, 0);
        assert.match(text, /protect/);
        assert.deepEqual(await versions(), before);
        assert.deepEqual(await messages(stack), ["three"]);
        stack.edit({ protectData: false });
        await stack.up();
    });
});

describe("a stack without a cluster", () => {
    const stack = new TestStack("nowhere");

    before(() => stack.create());
    after(() => stack.remove());

    it("says so when no context is named, and when there is none of that name", async () => {
        stack.edit({ "kubernetes:context": undefined });
        assert.match((await stack.pulumi("preview")).text, /kubernetes:context is not set/);
        stack.edit({ "kubernetes:context": "elsewhere" });
        assert.match(
            (await stack.pulumi("preview")).text,
            /your kubeconfig has no such context. It has: .*minikube/,
        );
    });
});
