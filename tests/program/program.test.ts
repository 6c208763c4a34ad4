import { strict as assert } from "node:assert";
import { isDeepStrictEqual } from "node:util";
import type { KeyName } from "../../config/keys.ts";
import { managerAnnotation } from "../../model/labels.ts";
import { type KubernetesObject, type Run, runDeploy } from "./support/program.ts";

const secured = {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
};

function pods(run: Run): { name: string; spec: KubernetesObject; metadata: KubernetesObject }[] {
    return run.objects
        .filter(({ type }) => type.endsWith(":Deployment"))
        .map(({ inputs }) => ({ name: inputs.metadata.name as string, ...inputs.spec.template }));
}

function container(run: Run, deployment: string, index = 0): KubernetesObject {
    return run.find("Deployment", deployment).inputs.spec.template.spec.containers[index];
}

describe("deploy", () => {
    let persistent: Run;
    let ephemeral: Run;

    before(async () => {
        persistent = await runDeploy();
        ephemeral = await runDeploy({ storageMode: "ephemeral" });
    });

    it("replaces the api's pod for other images, pull settings and storage only", async () => {
        const changes: Record<KeyName, string> = {
            storageMode: "persistent",
            storageSize: "2Gi",
            storageClass: "fast",
            accessMode: "ReadWriteOncePod",
            existingClaim: "mine",
            retainData: "true",
            protectData: "true",
            discardClaim: "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e",
            guard: "true",
            apiCommand: "/bin/other",
            apiMemory: "512Mi",
            backupSchedule: "0 3 * * *",
            backupsKept: "3",
            backupSuspend: "true",
            backupTarget: "s3:https://s3.example.org/bucket/chat",
            backupTargetSecret: "target",
            namespace: "elsewhere",
            webReplicas: "2",
            crawlerContainers: "1",
            crawlerPods: "2",
            crawlerKeywords: "tea",
            webHost: "web.internal",
            apiHost: "api.internal",
            apiUrl: "http://localhost:8080",
            exposure: "none",
            ingressClass: "nginx",
            ingressAnnotations: '{"a": "b"}',
            gatewayClass: "eg",
            tlsSecret: "chat-tls",
            networkPolicies: "false",
            images: '{"web": "a", "crawler": "b", "api": "c"}',
            imagePullPolicy: "Always",
            imagePullSecrets: "registry",
            tolerationSeconds: "30",
            hostUsers: "false",
        };
        const replacing: string[] = [];
        for (const [key, value] of Object.entries(changes)) {
            const sizes = ["storageSize", "storageClass", "accessMode"].includes(key)
                ? "persistent"
                : "ephemeral";
            const needed = key === "backupTarget" && { backupSchedule: "@daily" };
            const run = await runDeploy({ storageMode: sizes, ...needed, [key]: value });
            const before = sizes === "persistent" ? persistent : ephemeral;
            const template = (of: Run) => of.find("Deployment", "synergychat-api").inputs.spec.template;
            if (!isDeepStrictEqual(template(run), template(before))) {
                replacing.push(key);
            }
        }
        assert.deepEqual(replacing, [
            "storageMode",
            "guard",
            "apiMemory",
            "images",
            "imagePullPolicy",
            "imagePullSecrets",
            "tolerationSeconds",
            "hostUsers",
        ]);
    });

    it("gives the pods user IDs of their own if the config says so, and says nothing of them otherwise", async () => {
        const backups = { backupSchedule: "@daily" };
        const hostUsers = (run: Run) => pods(run).map(({ spec }) => spec.hostUsers as unknown);
        assert.deepEqual(
            new Set(hostUsers(await runDeploy({ ...backups, hostUsers: "false" }))),
            new Set([false]),
        );
        assert.deepEqual(new Set(hostUsers(await runDeploy(backups))), new Set([undefined]));
    });

    it("lets the pods of the app leave a node that does not answer as soon as the config says", async () => {
        const run = await runDeploy({ tolerationSeconds: "30" });
        for (const part of ["web", "api", "crawler"]) {
            const { tolerations } = run.find("Deployment", `synergychat-${part}`).inputs.spec.template.spec;
            assert.deepEqual(
                tolerations.map(({ key, effect, tolerationSeconds }: any) => [
                    key,
                    effect,
                    tolerationSeconds,
                ]),
                [
                    ["node.kubernetes.io/not-ready", "NoExecute", 30],
                    ["node.kubernetes.io/unreachable", "NoExecute", 30],
                ],
            );
        }
    });

    it("gives the api and the backups the memory that the config says, and the guard twice as much", async () => {
        const run = await runDeploy({ guard: "true", backupSchedule: "@daily", apiMemory: "1Gi" });
        const limits = (spec: any) =>
            [...spec.containers, ...(spec.initContainers ?? [])].map((one) => one.resources.limits.memory);
        const { spec } = run.find("CronJob", "synergychat-api-backup").inputs;
        assert.deepEqual(limits(run.find("Deployment", "synergychat-api").inputs.spec.template.spec), [
            "2048Mi", // the guard's
            "1024Mi",
        ]);
        assert.deepEqual(limits(spec.jobTemplate.spec.template.spec), ["1024Mi", "1024Mi", "1024Mi"]);
        assert.deepEqual(limits(run.find("Deployment", "synergychat-web").inputs.spec.template.spec), [
            "128Mi",
        ]);
    });

    it("makes the chapter's objects under the chapter's names, and what makes them safe", () => {
        const names = persistent.objects.map(
            ({ type, inputs }) => `${type.split(":").at(-1) ?? ""} ${inputs.metadata.name as string}`,
        );
        assert.deepEqual(names.sort(), [
            "ConfigMap synergychat-api-configmap",
            "ConfigMap synergychat-crawler-configmap",
            "ConfigMap synergychat-web-configmap",
            "Deployment synergychat-api",
            "Deployment synergychat-crawler",
            "Deployment synergychat-web",
            "Ingress app-ingress",
            "Namespace synergychat",
            "NetworkPolicy synergychat",
            "NetworkPolicy synergychat-api",
            "NetworkPolicy synergychat-crawler",
            "NetworkPolicy synergychat-web",
            "PersistentVolumeClaim synergychat-api-pvc",
            "PodDisruptionBudget synergychat-web",
            "Service api-service",
            "Service crawler-service",
            "Service web-service",
        ]);
    });

    it("makes one claim less with ephemeral storage", () => {
        const kinds = (run: Run) => run.objects.map(({ type }) => type);
        assert.deepEqual(
            kinds(persistent)
                .filter((type) => !type.endsWith(":PersistentVolumeClaim"))
                .sort(),
            kinds(ephemeral).sort(),
        );
    });

    describe("every object", () => {
        for (const mode of ["persistent", "ephemeral"] as const) {
            it(`goes to the context's cluster by the one provider (${mode})`, () => {
                const run = mode === "persistent" ? persistent : ephemeral;
                for (const { name, provider } of run.objects) {
                    assert.match(provider, /pulumi:providers:kubernetes::cluster::/, name);
                }
                const provider = run.resources.find(({ type }) => type === "pulumi:providers:kubernetes");
                assert.deepEqual(provider?.inputs, {
                    context: "minikube",
                    clusterIdentifier: "minikube",
                    enableConfigMapMutable: "true",
                    upsertExistingObjects: "true",
                    enablePatchForce: "true",
                    kubeconfig: "",
                });
            });
        }

        it("is in the stack's namespace, whatever that is called", async () => {
            const run = await runDeploy({ namespace: "chat-2" });
            for (const { type, inputs } of run.objects) {
                const { namespace, name } = inputs.metadata as { namespace?: string; name: string };
                assert.equal(type.endsWith(":Namespace") ? name : namespace, "chat-2");
            }
        });

        it("carries the common labels", () => {
            for (const { name, inputs } of persistent.objects) {
                const labels = inputs.metadata.labels as Record<string, string>;
                assert.equal(labels["app.kubernetes.io/part-of"], "synergychat", name);
                assert.equal(labels["app.kubernetes.io/instance"], "synergychat-dev", name);
                assert.equal(labels["app.kubernetes.io/managed-by"], "pulumi", name);
            }
        });
    });

    describe("the namespace", () => {
        it("enforces the restricted pod security standard", () => {
            const { labels } = persistent.find("Namespace", "synergychat").inputs.metadata;
            for (const mode of ["enforce", "audit", "warn"]) {
                assert.equal(labels[`pod-security.kubernetes.io/${mode}`], "restricted");
            }
        });
    });

    describe("every pod", () => {
        it("meets the restricted standard, as the same user whose group owns its volumes", () => {
            for (const { name, spec } of pods(persistent)) {
                assert.deepEqual(
                    spec.securityContext,
                    {
                        runAsNonRoot: true,
                        runAsUser: 65532,
                        runAsGroup: 65532,
                        fsGroup: 65532,
                        fsGroupChangePolicy: "OnRootMismatch",
                        seccompProfile: { type: "RuntimeDefault" },
                    },
                    name,
                );
                for (const { securityContext } of spec.containers) {
                    assert.deepEqual(securityContext, secured, name);
                }
            }
        });

        it("asks a service mesh for no proxy if a Job starts it, which would never end with one", async () => {
            const { inputs } = (await runDeploy({ backupSchedule: "0 3 * * *" })).find(
                "CronJob",
                "synergychat-api-backup",
            );
            const { metadata } = inputs.spec.jobTemplate.spec.template;
            assert.equal(metadata.labels["sidecar.istio.io/inject"], "false");
            assert.equal(metadata.annotations["linkerd.io/inject"], "disabled");
        });

        it("holds no service account token", () => {
            for (const { name, spec } of pods(persistent)) {
                assert.equal(spec.automountServiceAccountToken, false, name);
            }
        });

        it("has requests, limits and all three probes in every container", () => {
            for (const { spec } of pods(persistent)) {
                for (const {
                    name,
                    resources,
                    startupProbe,
                    readinessProbe,
                    livenessProbe,
                } of spec.containers) {
                    for (const kind of ["requests", "limits"]) {
                        assert.match(resources[kind].cpu, /^\d+m$/, name);
                        assert.match(resources[kind].memory, /^\d+Mi$/, name);
                        assert.match(resources[kind]["ephemeral-storage"], /^\d+[MG]i$/, name);
                    }
                    for (const probe of [startupProbe, readinessProbe]) {
                        assert.match(probe.httpGet.path, /^\//, name);
                    }
                    // What makes a pod unready for a moment must not restart it.
                    assert.notDeepEqual(livenessProbe.httpGet?.path, readinessProbe.httpGet.path, name);
                }
            }
        });

        it("is selected by a strict subset of its labels, which never changes", () => {
            for (const { inputs } of persistent.objects.filter(({ type }) => type.endsWith(":Deployment"))) {
                const { matchLabels } = inputs.spec.selector;
                const { labels } = inputs.spec.template.metadata;
                assert.deepEqual(matchLabels, { app: inputs.metadata.name });
                assert.equal(labels.app, inputs.metadata.name);
                assert.ok(Object.keys(labels).length > Object.keys(matchLabels).length);
            }
        });

        it("rolls when a value that it reads changes, and only then", async () => {
            const changed = await runDeploy({ apiHost: "other.internal", webReplicas: "5" });
            const checksums = (run: Run) =>
                Object.fromEntries(
                    pods(run).map(({ name, metadata }) => [
                        name,
                        metadata.annotations["checksum/config"] as string,
                    ]),
                );
            const [before, after] = [checksums(persistent), checksums(changed)];
            assert.match(before["synergychat-web"] ?? "", /^[0-9a-f]{64}$/);
            assert.notEqual(after["synergychat-web"], before["synergychat-web"]);
            assert.equal(after["synergychat-api"], before["synergychat-api"]);
            assert.equal(after["synergychat-crawler"], before["synergychat-crawler"]);
        });

        it("runs the images that the config names", async () => {
            const run = await runDeploy({
                images: '{"web": "example.org/web:2"}',
                imagePullPolicy: "Always",
            });
            assert.equal(container(run, "synergychat-web").image, "example.org/web:2");
            assert.equal(container(run, "synergychat-api").image, "bootdotdev/synergychat-api:latest");
            for (const { spec } of pods(run)) {
                for (const { imagePullPolicy } of spec.containers) {
                    assert.equal(imagePullPolicy, "Always");
                }
            }
        });
    });

    it("gives every pod the pull secrets, and none if there are none", async () => {
        const secrets = (run: Run) => pods(run).map(({ spec }) => spec.imagePullSecrets as unknown);
        assert.deepEqual(secrets(persistent), [undefined, undefined, undefined]);
        const expected = [{ name: "one" }, { name: "two" }];
        assert.deepEqual(secrets(await runDeploy({ imagePullSecrets: '["one","two"]' })), [
            expected,
            expected,
            expected,
        ]);
    });

    describe("every service", () => {
        it("offers port 80 and reaches the named port of its own pods' first container", () => {
            for (const part of ["web", "api", "crawler"]) {
                const { spec } = persistent.find("Service", `${part}-service`).inputs;
                assert.deepEqual(spec, {
                    selector: { app: `synergychat-${part}` },
                    ports: [{ name: "http", port: 80, targetPort: "http" }],
                });
                assert.deepEqual(container(persistent, `synergychat-${part}`).ports, [
                    { name: "http", containerPort: 8080 },
                ]);
            }
        });
    });

    describe("the api", () => {
        it("is one pod, never beside an older one, in both modes", () => {
            for (const run of [persistent, ephemeral]) {
                const { spec } = run.find("Deployment", "synergychat-api").inputs;
                assert.equal(spec.replicas, 1);
                assert.deepEqual(spec.strategy, { type: "Recreate" });
            }
        });

        it("is ready while it can read its messages, and alive by /healthz", () => {
            const api = container(persistent, "synergychat-api");
            assert.equal(api.readinessProbe.httpGet.path, "/messages");
            assert.equal(api.livenessProbe.httpGet.path, "/healthz");
        });

        it("keeps its file on the claim with persistent storage", () => {
            const { spec } = persistent.find("Deployment", "synergychat-api").inputs.spec.template;
            assert.equal(
                persistent.find("ConfigMap", "synergychat-api-configmap").inputs.data.API_DB_FILEPATH,
                "/persist/db.json",
            );
            assert.deepEqual(spec.volumes, [
                {
                    name: "synergychat-api-volume",
                    persistentVolumeClaim: { claimName: "synergychat-api-pvc" },
                },
            ]);
            assert.deepEqual(spec.containers[0].volumeMounts, [
                { name: "synergychat-api-volume", mountPath: "/persist" },
            ]);
        });

        it("keeps its file on a volume of the pod with ephemeral storage", () => {
            const { spec } = ephemeral.find("Deployment", "synergychat-api").inputs.spec.template;
            assert.equal(
                ephemeral.find("ConfigMap", "synergychat-api-configmap").inputs.data.API_DB_FILEPATH,
                "/var/lib/synergychat/api/db.json",
            );
            assert.deepEqual(spec.volumes, [{ name: "synergychat-api-volume", emptyDir: {} }]);
            assert.deepEqual(spec.containers[0].volumeMounts, [
                { name: "synergychat-api-volume", mountPath: "/var/lib/synergychat/api" },
            ]);
        });

        it("reads the whole ConfigMap, which tells where the crawler is", () => {
            const { data } = persistent.find("ConfigMap", "synergychat-api-configmap").inputs;
            assert.equal(data.API_PORT, "8080");
            assert.equal(data.CRAWLER_BASE_URL, "http://crawler-service");
            assert.deepEqual(container(persistent, "synergychat-api").envFrom, [
                { configMapRef: { name: "synergychat-api-configmap" } },
            ]);
        });

        it("goes before a claim that must be replaced", () => {
            const withClaim = persistent.find("Deployment", "synergychat-api");
            assert.deepEqual(withClaim.replaceWith, [
                "kubernetes:core/v1:PersistentVolumeClaim::api-storage-claim",
            ]);
            assert.equal(withClaim.deleteBeforeReplace, true);
            assert.deepEqual(ephemeral.find("Deployment", "synergychat-api").replaceWith, []);
        });
    });

    describe("the claim", () => {
        it("asks for what the chapter asks for, of the cluster's default class", () => {
            assert.deepEqual(persistent.find("PersistentVolumeClaim", "synergychat-api-pvc").inputs.spec, {
                accessModes: ["ReadWriteOnce"],
                resources: { requests: { storage: "1Gi" } },
            });
        });

        it("says of itself what was asked for, for the next run's preflight", async () => {
            const annotations = (run: Run) =>
                run.find("PersistentVolumeClaim", "synergychat-api-pvc").inputs.metadata.annotations;
            const always = { ...managerAnnotation, "pulumi.com/waitFor": "jsonpath={.status.phase}" };
            assert.deepEqual(annotations(persistent), {
                ...always,
                "synergychat/storage-class": "",
                "synergychat/retain-data": "false",
            });
            assert.deepEqual(annotations(await runDeploy({ storageClass: "fast", retainData: "true" })), {
                ...always,
                "synergychat/storage-class": "fast",
                "synergychat/retain-data": "true",
            });
        });

        it("takes size, class and access mode from the config", async () => {
            const accessMode = "ReadWriteOncePod";
            const run = await runDeploy({ storageSize: "3Gi", storageClass: "fast", accessMode });
            assert.deepEqual(
                run.find("PersistentVolumeClaim", "synergychat-api-pvc").inputs.spec.accessModes,
                [accessMode],
            );
            const { spec } = run.find("PersistentVolumeClaim", "synergychat-api-pvc").inputs;
            assert.equal(spec.resources.requests.storage, "3Gi");
            assert.equal(spec.storageClassName, "fast");
        });

        it("is somebody else's with existingClaim: mounted, not made", async () => {
            const run = await runDeploy({ existingClaim: "mine" });
            assert.ok(!run.objects.some(({ type }) => type.endsWith(":PersistentVolumeClaim")));
            assert.deepEqual(run.find("Deployment", "synergychat-api").inputs.spec.template.spec.volumes, [
                { name: "synergychat-api-volume", persistentVolumeClaim: { claimName: "mine" } },
            ]);
            assert.equal(run.outputs.claimName, "mine");
        });

        it("stays declared, unmounted, with retainData on a switch to ephemeral", async () => {
            const run = await runDeploy({ storageMode: "ephemeral", retainData: "true" });
            assert.equal(run.find("PersistentVolumeClaim", "synergychat-api-pvc").retainOnDelete, true);
            assert.deepEqual(run.find("Deployment", "synergychat-api").inputs.spec.template.spec.volumes, [
                { name: "synergychat-api-volume", emptyDir: {} },
            ]);
            assert.equal(run.outputs.claimName, null);
        });

        for (const [key, option] of [
            ["retainData", "retainOnDelete"],
            ["protectData", "protect"],
        ] as const) {
            it(`is guarded by ${key}, and so is the namespace, and nothing else`, async () => {
                const guarded = (run: Run) =>
                    run.objects
                        .filter((resource) => resource[option])
                        .map(({ inputs }) => inputs.kind as string);
                assert.deepEqual(guarded(persistent), []);
                assert.deepEqual(guarded(await runDeploy({ [key]: "true" })).sort(), [
                    "Namespace",
                    "PersistentVolumeClaim",
                ]);
            });
        }

        it("of somebody else's keeps the namespace that it lies in, in both modes", async () => {
            for (const storageMode of ["persistent", "ephemeral"]) {
                const run = await runDeploy({ storageMode, existingClaim: "mine" });
                assert.equal(run.find("Namespace", "synergychat").retainOnDelete, true);
            }
        });
    });

    describe("the web", () => {
        it("has three pods, and tells the browser the api's outside address", () => {
            assert.equal(persistent.find("Deployment", "synergychat-web").inputs.spec.replicas, 3);
            assert.deepEqual(persistent.find("ConfigMap", "synergychat-web-configmap").inputs.data, {
                WEB_PORT: "8080",
                API_URL: "http://synchatapi.internal",
            });
            assert.equal(container(persistent, "synergychat-web").readinessProbe.httpGet.path, "/");
        });

        it("tells the browser another address of the api if apiUrl says so, and leaves the hosts alone", async () => {
            const run = await runDeploy({ apiUrl: "https://localhost:8443" });
            const { data } = run.find("ConfigMap", "synergychat-web-configmap").inputs;
            assert.equal(data.API_URL, "https://localhost:8443");
            assert.equal(run.outputs.apiUrl, "https://localhost:8443");
            const { rules } = run.find("Ingress", "app-ingress").inputs.spec;
            assert.equal(rules[1].host, "synchatapi.internal");
        });
    });

    describe("the crawler", () => {
        it("shares one cache among its containers", () => {
            const { spec } = persistent.find("Deployment", "synergychat-crawler").inputs.spec.template;
            assert.deepEqual(spec.volumes, [{ name: "cache-volume", emptyDir: {} }]);
            for (const { volumeMounts } of spec.containers) {
                assert.deepEqual(volumeMounts, [{ name: "cache-volume", mountPath: "/cache" }]);
            }
        });

        it("gives its first container the ConfigMap whole, and the others their own port", () => {
            const from = (name: string, key = name) => ({
                name,
                valueFrom: { configMapKeyRef: { name: "synergychat-crawler-configmap", key } },
            });
            const common = [from("CRAWLER_KEYWORDS"), from("CRAWLER_DB_PATH")];
            assert.deepEqual(container(persistent, "synergychat-crawler", 0).envFrom, [
                { configMapRef: { name: "synergychat-crawler-configmap" } },
            ]);
            assert.deepEqual(container(persistent, "synergychat-crawler", 1).env, [
                from("CRAWLER_PORT", "CRAWLER_PORT_2"),
                ...common,
            ]);
            assert.deepEqual(container(persistent, "synergychat-crawler", 2).env, [
                from("CRAWLER_PORT", "CRAWLER_PORT_3"),
                ...common,
            ]);
        });

        for (const count of [1, 3, 20]) {
            it(`runs ${count} containers, each on a port of its own`, async () => {
                const run = await runDeploy({ crawlerContainers: String(count), crawlerPods: "2" });
                const { spec } = run.find("Deployment", "synergychat-crawler").inputs;
                const { containers } = spec.template.spec as { containers: KubernetesObject[] };
                const { data } = run.find("ConfigMap", "synergychat-crawler-configmap").inputs;
                assert.equal(spec.replicas, 2);
                assert.equal(containers.length, count);
                containers.forEach(({ name, ports, readinessProbe }, index) => {
                    const key = index === 0 ? "CRAWLER_PORT" : `CRAWLER_PORT_${index + 1}`;
                    assert.equal(name, `synergychat-crawler-${index + 1}`);
                    assert.equal(ports[0].containerPort, 8080 + index);
                    assert.equal(data[key], String(8080 + index));
                    assert.equal(readinessProbe.httpGet.port, ports[0].name);
                });
                assert.equal(Object.keys(data).filter((key) => key.startsWith("CRAWLER_PORT")).length, count);
            });
        }

        it("counts the config's words", async () => {
            const { data } = (await runDeploy({ crawlerKeywords: "night, day" })).find(
                "ConfigMap",
                "synergychat-crawler-configmap",
            ).inputs;
            assert.equal(data.CRAWLER_KEYWORDS, "night,day");
            assert.equal(data.CRAWLER_DB_PATH, "/cache/db");
        });
    });

    describe("the exposure", () => {
        const backend = (name: string) => ({ service: { name, port: { name: "http" } } });

        it("is an Ingress of the cluster's default class: each host to its Service", () => {
            const { spec } = persistent.find("Ingress", "app-ingress").inputs;
            const path = { path: "/", pathType: "Prefix" };
            assert.deepEqual(spec, {
                rules: [
                    {
                        host: "synchat.internal",
                        http: { paths: [{ ...path, backend: backend("web-service") }] },
                    },
                    {
                        host: "synchatapi.internal",
                        http: { paths: [{ ...path, backend: backend("api-service") }] },
                    },
                ],
            });
        });

        it("takes an ingress class, annotations and other hosts", async () => {
            const run = await runDeploy({
                ingressClass: "nginx",
                ingressAnnotations: '{"alb.ingress.kubernetes.io/scheme": "internet-facing"}',
                webHost: "chat.example.org",
                apiHost: "api.example.org",
            });
            const { metadata, spec } = run.find("Ingress", "app-ingress").inputs;
            assert.equal(metadata.annotations["alb.ingress.kubernetes.io/scheme"], "internet-facing");
            assert.equal(spec.ingressClassName, "nginx");
            assert.deepEqual(
                spec.rules.map(({ host }: { host: string }) => host),
                ["chat.example.org", "api.example.org"],
            );
            assert.equal(
                run.find("ConfigMap", "synergychat-web-configmap").inputs.data.API_URL,
                "http://api.example.org",
            );
        });

        it("is a Gateway with a route for each host", async () => {
            const run = await runDeploy({ exposure: "gateway", gatewayClass: "eg" });
            assert.ok(!run.objects.some(({ type }) => type.endsWith(":Ingress")));
            assert.equal(run.find("Gateway", "app-gateway").inputs.spec.gatewayClassName, "eg");
            for (const [part, host] of [
                ["web", "synchat.internal"],
                ["api", "synchatapi.internal"],
            ]) {
                assert.deepEqual(run.find("HTTPRoute", `${part}-httproute`).inputs.spec, {
                    parentRefs: [{ name: "app-gateway" }],
                    hostnames: [host],
                    rules: [{ backendRefs: [{ name: `${part}-service`, port: 80 }] }],
                });
            }
        });

        it("serves both hosts by https with a secret, by Ingress", async () => {
            const run = await runDeploy({ tlsSecret: "chat-tls" });
            assert.deepEqual(run.find("Ingress", "app-ingress").inputs.spec.tls, [
                { secretName: "chat-tls", hosts: ["synchat.internal", "synchatapi.internal"] },
            ]);
            const page = run.find("ConfigMap", "synergychat-web-configmap").inputs.data;
            assert.equal(page.API_URL, "https://synchatapi.internal");
            assert.equal(run.outputs.webUrl, "https://synchat.internal");
        });

        it("serves both hosts by https with a secret, by Gateway, and redirects http", async () => {
            const run = await runDeploy({
                tlsSecret: "chat-tls",
                exposure: "gateway",
                gatewayClass: "eg",
                ingressAnnotations: '{"cert-manager.io/cluster-issuer": "letsencrypt"}',
            });
            const { metadata, spec } = run.find("Gateway", "app-gateway").inputs;
            assert.deepEqual(metadata.annotations, {
                ...managerAnnotation,
                "cert-manager.io/cluster-issuer": "letsencrypt",
            });
            assert.deepEqual(
                spec.listeners.map(({ protocol, port, hostname, tls }: KubernetesObject) => [
                    ...[protocol, port, hostname, tls?.certificateRefs[0].name],
                ]),
                [
                    ["HTTP", 80, "synchat.internal", undefined],
                    ["HTTPS", 443, "synchat.internal", "chat-tls"],
                    ["HTTP", 80, "synchatapi.internal", undefined],
                    ["HTTPS", 443, "synchatapi.internal", "chat-tls"],
                ],
            );
            for (const part of ["web", "api"]) {
                const { parentRefs } = run.find("HTTPRoute", `${part}-httproute`).inputs.spec;
                assert.deepEqual(parentRefs, [{ name: "app-gateway", sectionName: part }]);
            }
            const redirect = run.find("HTTPRoute", "https-httproute").inputs.spec;
            assert.deepEqual(redirect.parentRefs, [
                { name: "app-gateway", sectionName: "web-http" },
                { name: "app-gateway", sectionName: "api-http" },
            ]);
            assert.deepEqual(redirect.hostnames, ["synchat.internal", "synchatapi.internal"]);
            assert.deepEqual(redirect.rules[0].filters[0].requestRedirect, {
                scheme: "https",
                statusCode: 301,
            });
        });

        it("is left out with none", async () => {
            const run = await runDeploy({ exposure: "none" });
            assert.ok(!run.objects.some(({ type }) => /:(Ingress|Gateway|HTTPRoute)$/.test(type)));
        });
    });

    describe("the outputs", () => {
        it("tell addresses, namespace, storage and what to type next", () => {
            assert.deepEqual(persistent.outputs, {
                webUrl: "http://synchat.internal",
                apiUrl: "http://synchatapi.internal",
                namespaceName: "synergychat",
                storageMode: "persistent",
                claimName: "synergychat-api-pvc",
                retainsData: false,
                nextCommands: [
                    "kubectl config use-context minikube",
                    "kubectl config set-context --current --namespace=synergychat",
                    "kubectl get pods",
                    "kubectl logs deployment/synergychat-api",
                ],
            });
            assert.equal(ephemeral.outputs.storageMode, "ephemeral");
            assert.equal(ephemeral.outputs.claimName, null);
        });
    });
});
