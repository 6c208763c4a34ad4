/** The snapshot, of a cluster that answers as it is told. */
import { strict as assert } from "node:assert";
import type { Answer, Client } from "../../../kubernetes/client.ts";
import { type SnapshotQuery, differences, takeSnapshot } from "../../../kubernetes/snapshot.ts";
import type { LiveObject } from "../../../kubernetes/objects.ts";
import { stackKinds } from "../../../model/kinds.ts";
import { fakeClient } from "../support/client.ts";
import { claim, object } from "../support/snapshots.ts";

const emptyList: Answer = { kind: "found", body: { kind: "List", items: [] } };
const notFound: Answer = { kind: "not found", message: "no" };
const forbidden: Answer = { kind: "forbidden", message: "you may not" };
const found = (body: object): Answer => ({ kind: "found", body });
const list = (...items: LiveObject[]): Answer => found({ kind: `${items[0]?.kind ?? ""}List`, items });

/** Whether a path is that of a list. */
const isList = (path: string): boolean =>
    ["pods", "persistentvolumes", ...stackKinds.map(({ resource }) => resource)].some((resource) =>
        path.endsWith(`/${resource}`),
    ) || path.endsWith("classes");

const claimsPath = "/api/v1/namespaces/synergychat/persistentvolumeclaims";
const deploymentPath = "/apis/apps/v1/namespaces/synergychat/deployments/synergychat-api";
const reviewPath = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

const template = { spec: { containers: [{ name: "synergychat-api", image: "api:1" }] } };
const deployment = { ...object("Deployment", "synergychat-api"), spec: { template } };

const declared = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "synergychat-api", namespace: "synergychat" },
    spec: { template },
};

const query: SnapshotQuery = {
    namespace: "synergychat",
    tlsSecret: "",
    targetSecret: "",
    recorded: [
        {
            ...{ ...declared, urn: "", __fieldManager: "pulumi-kubernetes-1a2b" },
            metadata: { ...declared.metadata, uid: "1" },
        },
    ],
    declared: () => Promise.resolve([declared]),
};

/** A cluster whose lists are empty and which has no objects, except for these answers by path. */
function cluster(answers: Readonly<Record<string, Answer>> = {}): Client {
    return fakeClient((path) => answers[path] ?? (isList(path) ? emptyList : notFound));
}

describe("differences", () => {
    it("are the paths of all fields that differ", () => {
        const one = { a: { b: 1, c: [{ d: 1 }, 2] }, e: "x" };
        const other = { a: { b: 2, c: [{ d: 1, f: true }, 3] }, g: null };
        assert.deepEqual(differences(one, other, "template"), [
            "template.a.b",
            "template.a.c[0].f",
            "template.a.c[1]",
            "template.e",
            "template.g",
        ]);
    });

    it("include lists of other lengths, and values of other types", () => {
        assert.deepEqual(differences([1], [1, 2], "t"), ["t[1]"]);
        assert.deepEqual(differences({ a: 1 }, "a", "t"), ["t"]);
        assert.deepEqual(differences(undefined, { a: 1 }, "t"), ["t"]);
    });

    it("do not exist between equal values, in whatever order their fields are", () => {
        assert.deepEqual(differences({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }, "t"), []);
    });
});

describe("takeSnapshot", () => {
    it("finds nothing in an empty cluster", async () => {
        const snapshot = await takeSnapshot(cluster(), query);
        assert.deepEqual(snapshot, {
            name: "synergychat",
            namespace: undefined,
            objects: [],
            claims: [],
            pods: [],
            earlierVolumes: [],
            tiedClasses: [],
            nodes: undefined,
            api: undefined,
            apiPodChanges: [],
            apiImage: undefined,
            hostObjects: [],
            tlsSecret: undefined,
            version: undefined,
            rejections: [],
            targetSecret: undefined,
            storageClasses: [],
            ingressClasses: [],
            gatewayClasses: [],
            permissions: undefined,
        });
    });

    it("has every claim of the namespace, whoever owns it", async () => {
        const both = [claim(), claim({ name: "mine", labels: {} })];
        const { claims, objects } = await takeSnapshot(cluster({ [claimsPath]: list(...both) }), query);
        assert.deepEqual([claims, objects], [both, both]);
    });

    it("takes forbidden claims for unknown", async () => {
        const snapshot = await takeSnapshot(cluster({ [claimsPath]: forbidden }), query);
        assert.equal(snapshot.claims, undefined);
    });

    it("does not rely on an incomplete list of permissions", async () => {
        const review = found({ status: { incomplete: true, resourceRules: [] } });
        const snapshot = await takeSnapshot(cluster({ [reviewPath]: review }), query);
        assert.equal(snapshot.permissions, undefined);
    });

    it("finds the volumes of the namespace whose claims are gone", async () => {
        const volume = (name: string, namespace: string, uid?: string) => ({
            ...object("PersistentVolume", name),
            spec: { claimRef: { namespace, name: "synergychat-api-pvc", uid } },
        });
        const answers = {
            [claimsPath]: list(claim({ uid: "now" })),
            "/api/v1/persistentvolumes": list(
                volume("mounted", "synergychat", "now"),
                volume("earlier", "synergychat", "before"),
                volume("waits", "synergychat"),
                volume("foreign", "elsewhere", "before"),
            ),
        };
        const names = async (more: Record<string, Answer> = {}) => {
            const { earlierVolumes } = await takeSnapshot(cluster({ ...answers, ...more }), query);
            return earlierVolumes.map(({ metadata }) => metadata.name);
        };
        assert.deepEqual(await names(), ["earlier"]);
        assert.deepEqual(await names({ "/api/v1/persistentvolumes": forbidden }), []);
        const review = found({ status: { incomplete: false, resourceRules: [] } });
        assert.deepEqual(await names({ [claimsPath]: forbidden, [reviewPath]: review }), []);
    });

    it("finds the storage classes whose volumes are tied to nodes", async () => {
        const volume = (storageClassName: string, nodeAffinity?: object) => ({
            ...object("PersistentVolume", storageClassName),
            spec: { storageClassName, ...(nodeAffinity && { nodeAffinity }) },
        });
        const volumes = list(volume("anywhere"), volume("local", { required: {} }));
        const { tiedClasses } = await takeSnapshot(cluster({ "/api/v1/persistentvolumes": volumes }), query);
        assert.deepEqual(tiedClasses, ["local"]);
    });

    it("fails if the cluster does not answer", async () => {
        const failed: Answer = { kind: "failed", status: 0, message: "connection refused" };
        await assert.rejects(takeSnapshot(cluster({ [claimsPath]: failed }), query), /connection refused/);
    });

    it("lists what serves host names in all namespaces, of every kind that can", async () => {
        const [ingress, route] = [object("Ingress", "a"), object("HTTPRoute", "b")];
        const answers = {
            "/apis/networking.k8s.io/v1/ingresses": list(ingress),
            "/apis/gateway.networking.k8s.io/v1/httproutes": list(route),
        };
        assert.deepEqual((await takeSnapshot(cluster(answers), query)).hostObjects, [ingress, route]);
    });

    it("tells a secret that is absent from one that the user may not read", async () => {
        const path = "/api/v1/namespaces/synergychat/secrets/chat-tls";
        const body = { type: "kubernetes.io/tls", metadata: { name: "chat-tls", uid: "1" } };
        for (const [answer, expected] of [
            [{ kind: "found", body }, body],
            [forbidden, "forbidden"],
            [notFound, undefined],
        ] as const) {
            const { tlsSecret } = await takeSnapshot(cluster({ [path]: answer }), {
                ...query,
                tlsSecret: "chat-tls",
            });
            assert.deepEqual(tlsSecret, expected);
        }
    });

    describe("changes of the api's pod", () => {
        /** The changes if the API server, by a dry run, answers with this template. */
        async function changes(answer: Answer): Promise<readonly string[] | undefined> {
            const patched: string[] = [];
            const client = fakeClient((path, method, body) => {
                if (method === "PATCH") {
                    patched.push(path);
                    assert.deepEqual(body, declared);
                    return answer;
                }
                const managedFields = [{ manager: "kubectl-set" }, { manager: "pulumi-kubernetes-1a2b" }];
                const live = { ...deployment, metadata: { ...deployment.metadata, managedFields } };
                if (path === "/api/v1/namespaces/synergychat") {
                    return found(object("Namespace", "synergychat"));
                }
                if (path === deploymentPath.replace(/\/[^/]*$/, "")) {
                    return list(live);
                }
                if (path === deploymentPath) {
                    return found(live);
                }
                return isList(path) ? emptyList : notFound;
            });
            const { apiPodChanges, apiImage } = await takeSnapshot(client, query);
            assert.equal(apiImage !== undefined, answer.kind === "found");
            assert.deepEqual(patched, [
                `${deploymentPath}?dryRun=All&force=true&fieldManager=pulumi-kubernetes-1a2b`,
            ]);
            return apiPodChanges;
        }

        it("are what a dry run of the program's Deployment changes in the template", async () => {
            assert.deepEqual(await changes(found(deployment)), []);
            const limited = {
                ...deployment,
                spec: {
                    replicas: 2,
                    template: {
                        spec: { containers: [{ name: "synergychat-api", image: "api:2", resources: {} }] },
                    },
                },
            };
            assert.deepEqual(await changes(found(limited)), [
                "template.spec.containers[0].image",
                "template.spec.containers[0].resources",
            ]);
        });

        it("are unknown if the dry run is refused", async () => {
            assert.equal(await changes(forbidden), undefined);
        });
    });
});
