/** The rule of every key: what it accepts, the value that this becomes, and what it refuses. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type KeyName, type Values, defaultText, keys } from "../../../config/keys.ts";

const uid = "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e";
const digest = `bootdotdev/synergychat-api@sha256:${"0".repeat(64)}`;
const images = {
    web: "bootdotdev/synergychat-web:latest",
    api: "bootdotdev/synergychat-api:latest",
    crawler: "bootdotdev/synergychat-crawler:latest",
    tools: "node:24-alpine",
    restic: "restic/restic:0.19.1",
};

/** The default of each key comes first. */
const accepted: { readonly [K in KeyName]: readonly (readonly [text: string, value: Values[K]])[] } = {
    storageMode: [
        ["persistent", "persistent"],
        ["ephemeral", "ephemeral"],
    ],
    storageSize: [
        ["1Gi", "1Gi"],
        ["500Mi", "500Mi"],
        ["1Mi", "1Mi"],
        ["1.5Gi", "1.5Gi"],
        ["2G", "2G"],
    ],
    storageClass: [
        ["", ""],
        ["fast.ssd", "fast.ssd"],
    ],
    accessMode: [
        ["ReadWriteOnce", "ReadWriteOnce"],
        ["ReadWriteOncePod", "ReadWriteOncePod"],
    ],
    existingClaim: [
        ["", ""],
        ["mine", "mine"],
    ],
    retainData: [
        ["false", false],
        ["true", true],
    ],
    protectData: [
        ["false", false],
        ["true", true],
    ],
    discardClaim: [
        ["", ""],
        [uid, uid],
    ],
    guard: [
        ["false", false],
        ["true", true],
    ],
    apiCommand: [
        ["/bin/api", ["/bin/api"]],
        ["node  /srv/api.mjs --port=8080", ["node", "/srv/api.mjs", "--port=8080"]],
        ['["sh", "-c", "exec /bin/api"]', ["sh", "-c", "exec /bin/api"]],
    ],
    apiMemory: [
        ["256Mi", 256],
        ["2Gi", 2048],
    ],
    backupSchedule: [
        ["", ""],
        ["0 3 * * *", "0 3 * * *"],
        ["*/15 8-18 * * MON-FRI", "*/15 8-18 * * MON-FRI"],
        ["@daily", "@daily"],
    ],
    backupsKept: [
        ["7", 7],
        ["1", 1],
        ["1000", 1000],
    ],
    backupSuspend: [
        ["false", false],
        ["true", true],
    ],
    backupTarget: [
        ["", ""],
        ["s3:https://s3.example.org/bucket", "s3:https://s3.example.org/bucket"],
        ["s3:http://s3.chat.svc:9000/bucket/a/b", "s3:http://s3.chat.svc:9000/bucket/a/b"],
    ],
    backupTargetSecret: [
        ["synergychat-backup-target", "synergychat-backup-target"],
        ["chat-target", "chat-target"],
    ],
    namespace: [
        ["synergychat", "synergychat"],
        ["chat-2", "chat-2"],
        ["a".repeat(63), "a".repeat(63)],
    ],
    webReplicas: [
        ["3", 3],
        ["1", 1],
        ["50", 50],
        ["unmanaged", "unmanaged"],
    ],
    crawlerContainers: [
        ["3", 3],
        ["1", 1],
        ["20", 20],
    ],
    crawlerPods: [
        ["1", 1],
        ["50", 50],
    ],
    crawlerKeywords: [
        [
            '["love","hate","joy","sadness","anger","disgust","fear","surprise"]',
            ["love", "hate", "joy", "sadness", "anger", "disgust", "fear", "surprise"],
        ],
        ['["love","science fiction"]', ["love", "science fiction"]],
        ["love, hate", ["love", "hate"]],
        ["love", ["love"]],
    ],
    webHost: [
        ["synchat.internal", "synchat.internal"],
        ["localhost", "localhost"],
        ["SynChat.Internal", "synchat.internal"],
    ],
    apiHost: [
        ["synchatapi.internal", "synchatapi.internal"],
        ["api.example.org", "api.example.org"],
    ],
    apiUrl: [
        ["", ""],
        ["http://localhost:8080", "http://localhost:8080"],
        ["https://api.example.org", "https://api.example.org"],
        ["http://api.example.org:80", "http://api.example.org"],
        ["HTTPS://Api.Example.org:443/", "https://api.example.org"],
    ],
    exposure: [
        ["ingress", "ingress"],
        ["gateway", "gateway"],
        ["none", "none"],
    ],
    ingressAnnotations: [
        ["{}", {}],
        [
            '{"alb.ingress.kubernetes.io/scheme": "internal"}',
            { "alb.ingress.kubernetes.io/scheme": "internal" },
        ],
    ],
    ingressClass: [
        ["", ""],
        ["nginx", "nginx"],
    ],
    tlsSecret: [
        ["", ""],
        ["chat-tls", "chat-tls"],
    ],
    gatewayClass: [
        ["", ""],
        ["eg", "eg"],
    ],
    networkPolicies: [
        ["true", true],
        ["false", false],
    ],
    images: [
        ["{}", images],
        [
            '{"api": "registry.example.org:5000/team/api:1.2.3"}',
            { ...images, api: "registry.example.org:5000/team/api:1.2.3" },
        ],
        [JSON.stringify({ api: digest }), { ...images, api: digest }],
    ],
    imagePullPolicy: [
        ["IfNotPresent", "IfNotPresent"],
        ["Always", "Always"],
        ["Never", "Never"],
    ],
    tolerationSeconds: [
        ["", ""],
        ["0", 0],
        ["9999", 9999],
    ],
    hostUsers: [
        ["true", true],
        ["false", false],
    ],
    imagePullSecrets: [
        ["[]", []],
        ["", []],
        ["registry", ["registry"]],
        ['["registry","other.one"]', ["registry", "other.one"]],
        ["registry, other", ["registry", "other"]],
    ],
};

const refused: Readonly<Record<KeyName, readonly string[]>> = {
    storageMode: ["persistant", "", "Ephemeral"],
    storageSize: ["1GB", "0", "0Gi", "-1Gi", "1 Gi", "100", "1e3Gi", "", "1023Ki"],
    storageClass: ["Fast", "fast_ssd"],
    accessMode: ["ReadWriteMany", "ReadOnlyMany", ""],
    existingClaim: ["my claim", "-mine"],
    retainData: ["yes", "1", "True", ""],
    protectData: ["True", ""],
    discardClaim: ["synergychat-api-pvc", uid.toUpperCase(), `${uid}0`],
    guard: ["on", ""],
    apiCommand: [
        "",
        "$API",
        "sh -c 'exec /bin/api'",
        'api "a b"',
        "api a\\ b",
        "api | tee log",
        "api $(date)",
        '["sh", 1]',
        '["api"',
        "[]",
        '[""]',
        '"api"',
    ],
    apiMemory: ["256", "256M", "32Mi", "65Gi", "1.5Gi", "Mi", ""],
    // The API server judges cron lines.
    backupSchedule: [],
    backupsKept: ["0", "1001", "all"],
    backupSuspend: ["yes"],
    backupTarget: [
        "s3:https://s3.example.org",
        "https://s3.example.org/bucket",
        "s3:https://key:secret@s3.example.org/bucket",
        "s3:s3.example.org/bucket",
        "/mnt/backups",
    ],
    backupTargetSecret: ["", "My_Secret"],
    namespace: ["SynergyChat", "default", "kube-system", "a.b", "a".repeat(64), ""],
    webReplicas: ["0", "51", "2.5", "three", "-3", "1e1", ""],
    crawlerContainers: ["0", "21"],
    crawlerPods: ["0", "51", "99999999"],
    crawlerKeywords: [
        "[]",
        '["a,b"]',
        '["love","love"]',
        "[1]",
        '["love"',
        "",
        "love,,hate",
        JSON.stringify(Array.from({ length: 101 }, (_, index) => `word${index}`)),
    ],
    webHost: ["http://synchat.internal", "synchat.internal/", "", "10.0.0.1"],
    apiHost: ["api_1.internal", "a..b", "10.0.0.1"],
    apiUrl: [
        "localhost:8080",
        "http://a.internal/api",
        "http://a.internal/?a",
        "http://a:b@c.internal",
        "ftp://a.internal",
        "http://",
    ],
    exposure: ["loadbalancer", ""],
    ingressAnnotations: ["scheme", "[]", '{"a": 1}'],
    ingressClass: ["Nginx"],
    gatewayClass: ["a b"],
    tlsSecret: ["a b", "Chat"],
    networkPolicies: ["off"],
    images: ["latest", '["a"]', '{"db": "postgres"}', '{"api": ""}', '{"api": 3}', '{"api": "UPPER/case"}'],
    imagePullPolicy: ["ifnotpresent", ""],
    tolerationSeconds: ["-1", "30s", "1.5", "10000"],
    hostUsers: ["no", "1"],
    imagePullSecrets: ["My Secret", '["a","a"]', "[1]", '["a"', "a,,b"],
};

for (const key of Object.keys(keys) as KeyName[]) {
    describe(`the rule of ${key}`, () => {
        for (const [text, value] of accepted[key]) {
            it(`accepts ${JSON.stringify(text.slice(0, 80))}`, () => {
                assert.deepEqual(keys[key].parse(text), value);
            });
        }

        for (const text of refused[key]) {
            it(`refuses ${JSON.stringify(text.slice(0, 80))}`, () => {
                assert.equal(keys[key].parse(text), undefined);
            });
        }

        it("has the default that people are told", () => {
            assert.equal(defaultText(key), accepted[key][0]?.[0]);
        });
    });
}

describe("Pulumi.dev.yaml", () => {
    it("names the cluster", () => {
        const { config } = parse(readFileSync("Pulumi.dev.yaml", "utf8"));
        assert.equal(config["kubernetes:context"], "minikube");
    });
});
