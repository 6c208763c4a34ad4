import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { readSettings, rules } from "../../config";

const context = { "kubernetes:context": "minikube" };

function read(config: Record<string, string> = {}) {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    return readSettings(
        { ...context, ...(Object.fromEntries(own) as Record<string, string>) },
        "synergychat",
    );
}

describe("config", () => {
    it("has the design's defaults", () => {
        assert.deepEqual(read(), {
            context: "minikube",
            kubeconfig: undefined,
            namespace: "synergychat",
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
            exposure: { kind: "ingress" },
            images: {
                web: "bootdotdev/synergychat-web:latest",
                api: "bootdotdev/synergychat-api:latest",
                crawler: "bootdotdev/synergychat-crawler:latest",
            },
            imagePullPolicy: "IfNotPresent",
        });
    });

    it("declares every key in Pulumi.yaml, with the same default and a description", () => {
        const { config } = parse(readFileSync("Pulumi.yaml", "utf8")) as {
            config: Record<string, { default: unknown; description: string }>;
        };
        assert.deepEqual(Object.keys(config).sort(), Object.keys(rules).sort());
        for (const [key, rule] of Object.entries(rules)) {
            const declared = config[key]?.default;
            assert.equal(
                typeof declared === "string" ? declared : JSON.stringify(declared),
                rule.default,
                key,
            );
            assert.match(config[key]?.description ?? "", /\w{3}/, key);
        }
    });

    it("names the cluster in Pulumi.dev.yaml, and nothing else", () => {
        assert.deepEqual(parse(readFileSync("Pulumi.dev.yaml", "utf8")), { config: context });
    });

    describe("takes", () => {
        const fine: [Record<string, string>, Partial<ReturnType<typeof read>>][] = [
            [{ storageMode: "ephemeral" }, { storage: { mode: "ephemeral" } }],
            [
                { storageMode: "ephemeral", storageSize: "5Gi", storageClass: "fast" },
                { storage: { mode: "ephemeral" } },
            ],
            [
                { storageSize: "500Mi", storageClass: "fast.ssd" },
                { storage: { mode: "persistent", claim: { size: "500Mi", storageClass: "fast.ssd" } } },
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
                { storageMode: "ephemeral", retainData: "true" },
                {
                    storage: { mode: "ephemeral", keep: { size: "1Gi" } },
                    retainData: true,
                    retainNamespace: true,
                },
            ],
            [{ protectData: "true" }, { protectData: true }],
            [
                { discardClaim: "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e" },
                { discardClaim: "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e" },
            ],
            [
                { webReplicas: "1", crawlerContainers: "20", crawlerPods: "50" },
                { crawlerContainers: 20, crawlerPods: 50 },
            ],
            [
                { crawlerKeywords: '["love","science fiction"]' },
                { crawlerKeywords: ["love", "science fiction"] },
            ],
            [{ crawlerKeywords: "love, hate" }, { crawlerKeywords: ["love", "hate"] }],
            [{ exposure: "none" }, { exposure: { kind: "none" } }],
            [{ ingressClass: "nginx" }, { exposure: { kind: "ingress", ingressClass: "nginx" } }],
            [
                { exposure: "gateway", gatewayClass: "eg" },
                { exposure: { kind: "gateway", gatewayClass: "eg" } },
            ],
            [{ imagePullPolicy: "Never" }, { imagePullPolicy: "Never" }],
            [{ storageMode: " ephemeral " }, { storage: { mode: "ephemeral" } }],
        ];
        for (const [config, expected] of fine) {
            it(JSON.stringify(config), () => {
                const settings = read(config);
                assert.deepEqual(settings, { ...settings, ...expected });
            });
        }

        it("one image, and keeps the others", () => {
            const { images } = read({ images: '{"api": "registry.example.org:5000/team/api:1.2.3"}' });
            assert.equal(images.api, "registry.example.org:5000/team/api:1.2.3");
            assert.equal(images.web, "bootdotdev/synergychat-web:latest");
        });

        it("a digest as an image", () => {
            const image = `bootdotdev/synergychat-api@sha256:${"0".repeat(64)}`;
            assert.equal(read({ images: JSON.stringify({ api: image }) }).images.api, image);
        });

        it("another project's name, as pulumi new gives one", () => {
            assert.equal(readSettings({ ...context, "mine:webReplicas": "7" }, "mine").webReplicas, 7);
        });

        it("a kubeconfig", () => {
            assert.equal(
                readSettings({ ...context, "kubernetes:kubeconfig": "a" }, "synergychat").kubeconfig,
                "a",
            );
        });
    });

    describe("refuses", () => {
        const wrong: [key: string, value: string, allowed: string][] = [
            ["storageMode", "persistant", "it must be persistent or ephemeral"],
            ["storageMode", "", "it must be persistent or ephemeral"],
            ["storageMode", "Ephemeral", "it must be persistent or ephemeral"],
            ["storageSize", "1GB", "it must be a Kubernetes quantity of at least 1Mi, such as 1Gi or 500Mi"],
            ["storageSize", "0", "it must be a Kubernetes quantity"],
            ["storageSize", "-1Gi", "it must be a Kubernetes quantity"],
            ["storageSize", "1 Gi", "it must be a Kubernetes quantity"],
            ["storageSize", "100", "it must be a Kubernetes quantity of at least 1Mi"],
            ["storageSize", "1e3Gi", "it must be a Kubernetes quantity"],
            ["storageSize", "", "it must be a Kubernetes quantity"],
            [
                "storageClass",
                "Fast",
                "it must be the name of a storage class, or empty for the cluster's default",
            ],
            ["storageClass", "fast_ssd", "it must be the name of a storage class"],
            [
                "existingClaim",
                "my claim",
                "it must be the name of a claim in the stack's namespace, or empty",
            ],
            ["existingClaim", "-mine", "it must be the name of a claim"],
            ["retainData", "yes", "it must be true or false"],
            ["retainData", "1", "it must be true or false"],
            ["protectData", "True", "it must be true or false"],
            ["protectData", "", "it must be true or false"],
            [
                "discardClaim",
                "synergychat-api-pvc",
                "it must be the UID of a claim (kubectl get pvc --output yaml), or empty",
            ],
            ["namespace", "SynergyChat", "it must be a namespace of the stack's own"],
            ["namespace", "default", "it must be a namespace of the stack's own"],
            ["namespace", "kube-system", "it must be a namespace of the stack's own"],
            ["namespace", "a.b", "it must be a namespace of the stack's own"],
            ["namespace", "a".repeat(64), "at most 63"],
            ["namespace", "", "it must be a namespace of the stack's own"],
            ["webReplicas", "0", "it must be a whole number from 1 to 50"],
            ["webReplicas", "51", "it must be a whole number from 1 to 50"],
            ["webReplicas", "2.5", "it must be a whole number from 1 to 50"],
            ["webReplicas", "three", "it must be a whole number from 1 to 50"],
            ["webReplicas", "-3", "it must be a whole number from 1 to 50"],
            ["webReplicas", "1e1", "it must be a whole number from 1 to 50"],
            ["crawlerContainers", "0", "it must be a whole number from 1 to 20"],
            ["crawlerContainers", "21", "it must be a whole number from 1 to 20"],
            ["crawlerPods", "0", "it must be a whole number from 1 to 50"],
            ["crawlerPods", "99999999", "it must be a whole number from 1 to 50"],
            ["crawlerKeywords", "[]", "it must be a list of 1 to 100 different words without commas"],
            ["crawlerKeywords", '["a,b"]', "it must be a list of 1 to 100 different words without commas"],
            ["crawlerKeywords", '["love","love"]', "it must be a list of 1 to 100 different words"],
            ["crawlerKeywords", "[1]", "it must be a list of 1 to 100 different words"],
            ["crawlerKeywords", '["love"', "it must be a list of 1 to 100 different words"],
            ["crawlerKeywords", "", "it must be a list of 1 to 100 different words"],
            ["crawlerKeywords", "love,,hate", "it must be a list of 1 to 100 different words"],
            ["webHost", "http://synchat.internal", "it must be a host name of lower-case letters"],
            ["webHost", "synchat.internal/", "it must be a host name"],
            ["webHost", "", "it must be a host name"],
            ["webHost", "10.0.0.1", "it must be a host name"],
            ["apiHost", "Api.internal", "it must be a host name"],
            ["apiHost", "a..b", "it must be a host name"],
            ["exposure", "loadbalancer", "it must be ingress or gateway or none"],
            [
                "ingressClass",
                "Nginx",
                "it must be the name of an ingress class, or empty for the cluster's default",
            ],
            ["gatewayClass", "a b", "it must be the name of a gateway class, or empty"],
            ["images", "latest", "it must be image references by service"],
            ["images", '["a"]', "it must be image references by service"],
            ["images", '{"db": "postgres"}', "the services web, api and crawler"],
            ["images", '{"api": ""}', "it must be image references by service"],
            ["images", '{"api": 3}', "it must be image references by service"],
            ["images", '{"api": "UPPER/case"}', "it must be image references by service"],
            ["imagePullPolicy", "ifnotpresent", "it must be IfNotPresent or Always or Never"],
        ];
        for (const [key, value, allowed] of wrong) {
            it(`${key} ${JSON.stringify(value)}`, () => {
                const message = refusal({ [key]: value });
                assert.ok(message.includes(`synergychat:${key} is ${JSON.stringify(value)}: `), message);
                assert.ok(message.includes(allowed), message);
                assert.ok(message.includes(`Run: pulumi config rm ${key}`), message);
                assert.match(message, /^1 problem in the stack's config, nothing was changed:\n/);
            });
        }

        it("a key that does not exist, and names the nearest", () => {
            const message = refusal({ storagemode: "ephemeral" });
            assert.match(
                message,
                /synergychat:storagemode is not a key of this stack\. Did you mean synergychat:storageMode\?/,
            );
            assert.match(message, /Run: pulumi config rm synergychat:storagemode/);
        });

        it("a key for Kubernetes that nothing reads", () => {
            const raw = { ...context, "kubernetes:contxt": "minikube" };
            assert.throws(
                () => readSettings(raw, "synergychat"),
                /kubernetes:contxt is not read by this stack: .*\n +Run: pulumi config rm kubernetes:contxt/,
            );
        });

        it("a key that is like no other, without a guess", () => {
            assert.doesNotMatch(refusal({ zzzzzz: "1" }), /Did you mean/);
        });

        it("page and api at one address", () => {
            assert.match(
                refusal({ webHost: "synchatapi.internal" }),
                /synergychat:webHost and synergychat:apiHost are both "synchatapi.internal": page and api need a name each/,
            );
        });

        it("a class or a size beside an existing claim", () => {
            const message = refusal({ existingClaim: "mine", storageClass: "fast", storageSize: "2Gi" });
            assert.match(message, /^2 problems/);
            assert.match(
                message,
                /synergychat:storageClass is "fast": it must not be set with existingClaim/,
            );
            assert.match(message, /synergychat:storageSize is "2Gi": it must not be set with existingClaim/);
        });

        it("a gateway without its class", () => {
            assert.match(
                refusal({ exposure: "gateway" }),
                /gatewayClass is not set.*\n.*kubectl get gatewayclasses/,
            );
        });

        it("a stack that names no cluster", () => {
            assert.throws(() => readSettings({}, "synergychat"), /kubernetes:context is not set/);
        });

        it("all problems at once", () => {
            const message = refusal({ storageMode: "x", webReplicas: "0", nonsense: "1", webHost: "?" });
            assert.match(message, /^4 problems in the stack's config/);
        });

        it("without a stack trace", () => {
            assert.throws(
                () => read({ webReplicas: "0" }),
                (error: unknown) => (error as { __pulumiRunError?: boolean }).__pulumiRunError === true,
            );
        });
    });
});

function refusal(config: Record<string, string>): string {
    try {
        read(config);
    } catch (error) {
        return (error as Error).message;
    }
    return assert.fail(`accepted ${JSON.stringify(config)}`);
}
