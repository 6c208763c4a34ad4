import { strict as assert } from "node:assert";
import { type RawConfig, type Settings, checkConfig, readSettings } from "../../../config/settings.ts";
import type { Finding } from "../../../model/finding.ts";
import { isUserError } from "../../../system/errors.ts";
import { type Config, assertFinding, commandsOf, settings, single } from "../support/snapshots.ts";

const context = { "kubernetes:context": "minikube" };

/** The findings of a config. Fails if there is none. */
function refusals(config: Config, raw: RawConfig = context, project = "synergychat"): readonly Finding[] {
    const own = Object.entries(config).map(([key, value]) => [`${project}:${key}`, value] as const);
    const checked = checkConfig({ ...raw, ...Object.fromEntries(own) }, project);
    assert.equal(checked.settings, undefined);
    return checked.findings;
}

describe("the settings", () => {
    it("have the documented defaults", () => {
        assert.deepEqual(settings(), {
            context: "minikube",
            kubeconfig: undefined,
            namespace: "synergychat",
            storageMode: "persistent",
            storageSize: "1Gi",
            storageClass: "",
            accessMode: "ReadWriteOnce",
            existingClaim: "",
            storage: { mode: "persistent", claim: { size: "1Gi" } },
            retainData: false,
            retainNamespace: false,
            protectData: false,
            discardClaim: "",
            webReplicas: 3,
            crawlerContainers: 3,
            crawlerPods: 1,
            crawlerKeywords: ["love", "hate", "joy", "sadness", "anger", "disgust", "fear", "surprise"],
            webHost: "synchat.internal",
            apiHost: "synchatapi.internal",
            apiUrl: "http://synchatapi.internal",
            webUrl: "http://synchat.internal",
            tlsSecret: "",
            exposure: { kind: "ingress", annotations: {} },
            ingressClass: "",
            ingressAnnotations: {},
            gatewayClass: "",
            guard: undefined,
            apiCommand: ["/bin/api"],
            apiMemory: 256,
            backups: undefined,
            backupSchedule: "",
            backupsKept: 7,
            backupSuspend: false,
            backupTarget: "",
            backupTargetSecret: "synergychat-backup-target",
            images: {
                web: "bootdotdev/synergychat-web:latest",
                api: "bootdotdev/synergychat-api:latest",
                crawler: "bootdotdev/synergychat-crawler:latest",
                tools: "node:24-alpine",
                restic: "restic/restic:0.19.1",
            },
            networkPolicies: true,
            imagePullPolicy: "IfNotPresent",
            imagePullSecrets: [],
            tolerationSeconds: "",
            hostUsers: true,
        });
    });

    const combinations: readonly (readonly [Config, Partial<Settings>])[] = [
        [{ storageMode: "ephemeral" }, { storage: { mode: "ephemeral" } }],
        [{ storageMode: " ephemeral " }, { storage: { mode: "ephemeral" } }],
        [
            { storageMode: "ephemeral", storageSize: "5Gi", storageClass: "fast" },
            { storage: { mode: "ephemeral" } },
        ],
        [
            { storageSize: "500Mi", storageClass: "fast.ssd" },
            { storage: { mode: "persistent", claim: { size: "500Mi", storageClass: "fast.ssd" } } },
        ],
        [
            { accessMode: "ReadWriteOncePod", backupSchedule: "0 3 * * *" },
            { storage: { mode: "persistent", claim: { size: "1Gi", accessMode: "ReadWriteOncePod" } } },
        ],
        [
            { existingClaim: "mine" },
            { storage: { mode: "persistent", existingClaim: "mine" }, retainNamespace: true },
        ],
        [
            { existingClaim: "mine", storageMode: "ephemeral" },
            { storage: { mode: "ephemeral" }, retainNamespace: true },
        ],
        [
            { existingClaim: "mine", storageMode: "ephemeral", retainData: "true" },
            { storage: { mode: "ephemeral" }, retainData: true, retainNamespace: true },
        ],
        [
            { storageMode: "ephemeral", retainData: "true" },
            {
                storage: { mode: "ephemeral", keep: { size: "1Gi" } },
                retainData: true,
                retainNamespace: true,
            },
        ],
        [{ protectData: "true" }, { protectData: true, retainNamespace: false }],
        [{ exposure: "none" }, { exposure: { kind: "none" } }],
        [
            { ingressClass: "nginx" },
            { exposure: { kind: "ingress", annotations: {}, ingressClass: "nginx" } },
        ],
        [
            { exposure: "gateway", gatewayClass: "eg", ingressAnnotations: '{"a": "b"}' },
            { exposure: { kind: "gateway", annotations: { a: "b" }, gatewayClass: "eg" } },
        ],
        [
            { tlsSecret: "chat-tls" },
            {
                exposure: { kind: "ingress", annotations: {}, tlsSecret: "chat-tls" },
                webUrl: "https://synchat.internal",
                apiUrl: "https://synchatapi.internal",
            },
        ],
        [
            { tlsSecret: "chat-tls", exposure: "none" },
            { exposure: { kind: "none" }, webUrl: "http://synchat.internal" },
        ],
        [
            { tlsSecret: "chat-tls", apiUrl: "https://chat.example.org:8443" },
            { apiUrl: "https://chat.example.org:8443" },
        ],
        [{ apiHost: "api.example.org" }, { apiUrl: "http://api.example.org" }],
        [
            { apiUrl: "http://localhost:8080" },
            { apiUrl: "http://localhost:8080", apiHost: "synchatapi.internal" },
        ],
        [{ guard: "true" }, { guard: { command: ["/bin/api"] } }],
        [{ apiCommand: "/bin/other" }, { guard: undefined }],
        [{ backupSuspend: "true" }, { backups: undefined }],
        [
            {
                storageMode: "ephemeral",
                storageSize: "5Gi",
                storageClass: "fast",
                backupSchedule: "@daily",
                backupsKept: "3",
            },
            {
                backups: {
                    schedule: "@daily",
                    maxAge: 2 * 24 * 3600,
                    kept: 3,
                    suspend: false,
                    claim: { size: "5Gi", storageClass: "fast" },
                    target: undefined,
                },
            },
        ],
        [
            { backupSchedule: "@daily", backupTarget: "s3:https://s3.example.org/bucket/chat" },
            {
                backups: {
                    schedule: "@daily",
                    maxAge: 2 * 24 * 3600,
                    kept: 7,
                    suspend: false,
                    claim: { size: "1Gi" },
                    target: {
                        repository: "s3:https://s3.example.org/bucket/chat",
                        secretName: "synergychat-backup-target",
                        image: "restic/restic:0.19.1",
                    },
                },
            },
        ],
        [{ imagePullSecrets: "registry" }, { imagePullSecrets: ["registry"] }],
    ];
    for (const [config, expected] of combinations) {
        it(`follow from ${JSON.stringify(config)}`, () => {
            const read = settings(config);
            assert.deepEqual(read, { ...read, ...expected });
        });
    }

    it("come from the project's own namespace of keys, whatever the project is called", () => {
        assert.equal(readSettings({ ...context, "mine:webReplicas": "7" }, "mine").webReplicas, 7);
    });

    it("have the kubeconfig of the stack", () => {
        const raw = { ...context, "kubernetes:kubeconfig": "a" };
        assert.equal(readSettings(raw, "synergychat").kubeconfig, "a");
    });
});

describe("a config is refused", () => {
    it("if a value breaks the rule of its key: with the value, the rule and the way back", () => {
        const finding = single(refusals({ webReplicas: "51" }));
        assertFinding(finding, {
            code: "invalid-value",
            severity: "error",
            subject: { key: "webReplicas", value: "51" },
        });
        assert.match(finding.reason, /"51".*from 1 to 50/);
        assert.deepEqual(commandsOf(finding), [
            "pulumi config rm webReplicas",
            "pulumi config set webReplicas VALUE",
        ]);
    });

    it("without the password that a wrong value has in it", () => {
        const finding = single(refusals({ backupTarget: "s3:https://ann:secret@s3.example.org/bucket" }));
        assert.equal(finding.code, "invalid-value");
        assert.ok(
            finding.reason.includes("s3.example.org") && !finding.reason.includes("secret"),
            finding.reason,
        );
    });

    it("if a value or a key is the name of what every JavaScript object has", () => {
        assert.equal(single(refusals({ guard: "constructor" })).code, "invalid-value");
        assert.equal(single(refusals({ images: '{"toString": "chat:2"}' })).code, "invalid-value");
        const others = { ...context, "other:toString": "1" };
        assert.deepEqual(checkConfig(others, "synergychat").findings, []);
    });

    it("if a key does not exist, and the nearest one is named", () => {
        const finding = single(refusals({ storagemode: "ephemeral" }));
        assertFinding(finding, {
            code: "unknown-key",
            severity: "error",
            subject: { key: "synergychat:storagemode" },
        });
        assert.match(finding.reason, /\bstorageMode\b/);
        assert.deepEqual(commandsOf(finding), ["pulumi config rm synergychat:storagemode"]);
    });

    it("if a part of a key is set without --path, and the right command is named", () => {
        const finding = single(refusals({ "images.api": "chat:2" }));
        assert.equal(finding.code, "unknown-key");
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set --path 'images.api' VALUE",
            "pulumi config rm synergychat:images.api",
        ]);
    });

    it("if a key is like no other, without a guess", () => {
        const { code, reason } = single(refusals({ zzzzzz: "1" }));
        assert.equal(code, "unknown-key");
        assert.doesNotMatch(reason, /\?/);
    });

    it("if a key is one of Kubernetes that nothing reads", () => {
        const finding = single(refusals({}, { ...context, "kubernetes:contxt": "minikube" }));
        assertFinding(finding, {
            code: "unknown-key",
            severity: "error",
            subject: { key: "kubernetes:contxt" },
        });
        assert.match(finding.reason, /kubernetes:context\?/);
    });

    it("if a key belongs to the project's former name: Pulumi reads none of it", () => {
        const finding = single(refusals({}, { ...context, "synergychat:webReplicas": "7" }, "chat"));
        assertFinding(finding, {
            code: "key-of-other-project",
            severity: "error",
            subject: { key: "synergychat:webReplicas" },
        });
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set webReplicas VALUE",
            "pulumi config rm synergychat:webReplicas",
        ]);
    });

    it("but not for keys of other programs", () => {
        assert.deepEqual(
            checkConfig({ ...context, "aws:region": "x", "pulumi:tags": "{}" }, "chat").findings,
            [],
        );
    });

    it("if page and api have one host name", () => {
        const finding = single(refusals({ webHost: "synchatapi.internal" }));
        assertFinding(finding, {
            code: "same-hosts",
            severity: "error",
            subject: { key: "apiHost", value: "synchatapi.internal" },
        });
    });

    it("if a class, a size or an access mode stands beside an existing claim", () => {
        const found = refusals({
            existingClaim: "mine",
            storageClass: "fast",
            storageSize: "2Gi",
            accessMode: "ReadWriteOncePod",
        });
        assert.deepEqual(
            found.map(({ code, reason }) => [code, reason.split(". ")[0]]),
            [
                ["key-beside-existing-claim", 'storageClass is "fast"'],
                ["key-beside-existing-claim", 'storageSize is "2Gi"'],
                ["key-beside-existing-claim", 'accessMode is "ReadWriteOncePod"'],
            ],
        );
    });

    it("if exposure gateway has no class", () => {
        const finding = single(refusals({ exposure: "gateway" }));
        assertFinding(finding, {
            code: "gateway-class-missing",
            severity: "error",
            subject: { key: "gatewayClass", value: "" },
        });
        assert.ok(commandsOf(finding).includes("kubectl get gatewayclasses"));
    });

    it("if a page that is served by https would call the api by http", () => {
        const config = { tlsSecret: "chat-tls", apiUrl: "http://synchatapi.internal" };
        assertFinding(single(refusals(config)), {
            code: "insecure-api-url",
            severity: "error",
            subject: { key: "apiUrl", value: "http://synchatapi.internal" },
        });
    });

    it("if it names no cluster", () => {
        for (const raw of [{}, { "kubernetes:context": "" }]) {
            assertFinding(single(refusals({}, raw)), {
                code: "context-missing",
                severity: "error",
                subject: { key: "kubernetes:context" },
            });
        }
    });

    it("with all problems at once, each one once", () => {
        const found = refusals({ storageMode: "x", webReplicas: "0", nonsense: "1", webHost: "?" }, {});
        assert.deepEqual(
            found.map(({ code, reason }) => [code, reason.split(" ")[0]]),
            [
                ["unknown-key", "synergychat:nonsense"],
                ["invalid-value", "storageMode"],
                ["invalid-value", "webReplicas"],
                ["invalid-value", "webHost"],
                ["context-missing", "kubernetes:context"],
            ],
        );
    });

    it("without a stack trace", () => {
        assert.throws(
            () => settings({ webReplicas: "0" }),
            (error) => isUserError(error) && error.message.includes("[invalid-value]"),
        );
    });
});
