/** `npm run down`: what speaks against it, what blocks it, and what a killed command left. */
import { strict as assert } from "node:assert";
import { protectionRefusals, unrecorded } from "../../../cli/commands/down/plan.ts";
import { claimBlocker } from "../../../cli/commands/down/proof.ts";
import type { Claim, LiveObject, Pod, Volume } from "../../../kubernetes/objects.ts";
import { ownerLabels, retainAnnotation } from "../../../model/labels.ts";
import { volumeBlocker } from "../../../preflight/volumes.ts";
import { type StateResource, guardedTypes } from "../../../pulumi/state.ts";

const plain = { retainData: false, protectData: false };
const state = (guards: Partial<StateResource> = {}): StateResource[] => [
    { type: guardedTypes.namespace, id: "chat", ...guards },
    { type: guardedTypes.claim, id: "chat/synergychat-api-pvc", ...guards },
];
const claim = (metadata: object = {}): Claim => ({
    metadata: { name: "synergychat-api-pvc", namespace: "chat", uid: "1", ...metadata },
});
const retained = (retain: string) => claim({ annotations: { [retainAnnotation]: retain } });
const pod = (name: string, claimName?: string, metadata: object = {}): Pod => ({
    metadata: { name, namespace: "chat", uid: name, ...metadata },
    spec: { volumes: claimName ? [{ persistentVolumeClaim: { claimName } }] : [] },
    status: { phase: "Running" },
});
const volume = (spec: object, status: object, metadata: object = {}): Volume => ({
    metadata: {
        name: "pvc-1",
        uid: "1",
        annotations: { "pv.kubernetes.io/provisioned-by": "k8s.io/minikube-hostpath" },
        ...metadata,
    },
    spec: { persistentVolumeReclaimPolicy: "Delete", ...spec },
    status,
});

describe("protectionRefusals", () => {
    const codes = (...args: Parameters<typeof protectionRefusals>) =>
        protectionRefusals(...args).map(({ code }) => code);

    it("lets a destroy begin if config and state agree", () => {
        assert.deepEqual(codes(plain, state(), [retained("false")]), []);
        const retain = { ...plain, retainData: true };
        assert.deepEqual(codes(retain, state({ retainOnDelete: true }), [retained("true")]), []);
    });

    it("lets a destroy begin if there is no state yet", () => {
        assert.deepEqual(codes(plain, [], []), []);
        assert.deepEqual(codes({ retainData: true, protectData: true }, [], []), []);
    });

    it("refuses by protectData in the config while a killed up recorded neither claim nor namespace", () => {
        const recorded = [{ type: "pulumi:pulumi:Stack" }];
        const found = codes({ ...plain, protectData: true }, recorded, []);
        assert.deepEqual(found, ["data-protected"]);
        assert.deepEqual(codes(plain, recorded, []), []);
    });

    for (const [key, config, recorded] of [
        ["retainData", { ...plain, retainData: true }, {}],
        ["retainData", plain, { retainOnDelete: true }],
    ] as const) {
        it(`refuses while ${key} is ${config[key]} in the config and not in the state`, () => {
            const [finding, ...more] = protectionRefusals(config, state(recorded), []);
            assert.deepEqual(more, []);
            assert.equal(finding?.code, "config-not-applied");
            assert.ok(finding.reason.startsWith(`${key} is ${config[key]} `));
            assert.equal(finding.fixes[0]?.run[0], "npm run up");
        });
    }

    it("goes by the claim if the namespace stays for another reason", () => {
        const recorded = [
            { type: guardedTypes.namespace, id: "chat", retainOnDelete: true },
            { type: guardedTypes.claim, id: "chat/synergychat-api-pvc", retainOnDelete: false },
        ];
        assert.deepEqual(codes(plain, recorded, []), []);
    });

    it("goes by the outputs if the namespace stays for an existing claim, and no claim is recorded", () => {
        const outputs = { namespaceName: "chat", retainsData: false } as object;
        const recorded = [
            { type: "pulumi:pulumi:Stack", outputs },
            { type: guardedTypes.namespace, id: "chat", retainOnDelete: true },
        ];
        assert.deepEqual(codes(plain, recorded, []), []);
        assert.deepEqual(codes({ ...plain, retainData: true }, recorded, []), ["config-not-applied"]);
    });

    it("does not go by a claim that a user has declared", () => {
        const users = { type: guardedTypes.claim, id: "chat/redis" };
        const retain = { ...plain, retainData: true };
        assert.deepEqual(codes(retain, [users, ...state({ retainOnDelete: true })], []), []);
        assert.deepEqual(codes(plain, [{ ...users, protect: true }, ...state()], []), []);
    });

    it("goes by the annotation of a claim that an earlier destroy kept", () => {
        assert.equal(codes(plain, [], [retained("true")])[0], "config-not-applied");
        assert.deepEqual(codes({ ...plain, retainData: true }, [], [retained("true")]), []);
    });

    for (const [where, protectData, protect] of [
        ["the config and in the state", true, true],
        ["the config alone", true, false],
        ["the state alone", false, true],
    ] as const) {
        it(`refuses by protectData in ${where}, with the way to destroy anyway`, () => {
            const [finding, ...more] = protectionRefusals({ ...plain, protectData }, state({ protect }), []);
            assert.deepEqual(more, []);
            assert.equal(finding?.code, "data-protected");
            const ways = [
                "pulumi config set protectData false",
                "pulumi state unprotect --all --yes",
                "npm run down",
            ];
            assert.deepEqual(finding.fixes[0]?.run, ways);
        });
    }
});

describe("claimBlocker", () => {
    const terminating = { deletionTimestamp: "now", finalizers: ["kubernetes.io/pvc-protection"] };

    it("names the pods that mount the claim", () => {
        const found = claimBlocker(claim(terminating), [pod("debug", "synergychat-api-pvc"), pod("other")]);
        assert.equal(found.code, "claim-mounted");
        assert.deepEqual(
            found.fixes.flatMap(({ run }) => run),
            ["kubectl delete pod debug --namespace chat"],
        );
    });

    it("names the Deployment if it owns the pod: deleting the pod alone brings a new one", () => {
        const ownerReferences = [{ kind: "ReplicaSet", name: "reader-5d9" }];
        const pods = ["x", "y"].map((id) =>
            pod(`reader-5d9-${id}`, "synergychat-api-pvc", { ownerReferences }),
        );
        assert.deepEqual(
            claimBlocker(claim(terminating), pods).fixes.map(({ run }) => run),
            [["kubectl scale deployment reader --replicas 0 --namespace chat"]],
        );
    });

    it("names the finalizer if no pod mounts the claim", () => {
        const finalizers = ["kubernetes.io/pvc-protection", "snapshot.example/source"];
        const found = claimBlocker(claim({ ...terminating, finalizers }), []);
        assert.equal(found.code, "claim-held-by-finalizer");
        assert.match(found.reason, /snapshot\.example\/source/);
    });
});

describe("volumeBlocker", () => {
    const blocker = (one: Volume) => volumeBlocker(one, "second");

    it("names minikube's provisioner, with a command that spares the folder if a volume uses it again", () => {
        const found = blocker(volume({ hostPath: { path: "/tmp/x" } }, { phase: "Released" }));
        assert.equal(found.code, "volume-ignored-by-minikube");
        const [first, second = ""] = found.fixes[0]?.run ?? [];
        assert.equal(first, "kubectl --context second delete pv pvc-1");
        assert.match(second, /^test "\$\(kubectl --context second get pv .*"\/tmp\/x".*\)" = List && /);
        assert.match(second, / && minikube ssh --profile second -- sudo rm -rf '\/tmp\/x'$/);
    });

    it("names the reclaim policy before anything else", () => {
        const found = blocker(volume({ persistentVolumeReclaimPolicy: "Retain" }, { phase: "Released" }));
        assert.equal(found.code, "volume-not-deleted");
        assert.match(found.reason, /reclaim policy is Retain/);
        assert.equal(found.fixes.at(-1)?.run[0], "kubectl delete pv pvc-1");
    });

    it("passes on what the provisioner says, or names the finalizer", () => {
        const failed = blocker(volume({}, { phase: "Failed", message: "disk is busy" }));
        assert.equal(failed.code, "volume-not-deleted");
        assert.match(failed.reason, /disk is busy/);
        const held = blocker(volume({}, { phase: "Bound" }, { finalizers: ["a/b"] }));
        assert.match(held.reason, /a\/b/);
    });
});

describe("unrecorded", () => {
    const labels = ownerLabels("synergychat-dev");
    const object = (kind: string, name: string, metadata: object = {}) => ({
        kind,
        metadata: { name, namespace: "chat", uid: name, labels, ...metadata },
    });
    const namespace = { kind: "Namespace", metadata: { name: "chat", uid: "chat", labels } };
    const gateway = object("Gateway", "app-gateway");
    const data = object("PersistentVolumeClaim", "synergychat-api-pvc");
    const names = (objects: readonly LiveObject[], keepData: boolean, recorded: StateResource[] = []) =>
        unrecorded({ objects, namespace }, ["synergychat-dev"], keepData, recorded).map(
            ({ metadata }) => metadata.name,
        );

    it("returns what no state has, of every kind, the namespace last", () => {
        assert.deepEqual(names([gateway, data], false), ["app-gateway", "synergychat-api-pvc", "chat"]);
    });

    it("leaves out what the state has, and what the stack does not own", () => {
        const recorded = [{ type: "any", id: "chat/app-gateway", inputs: { kind: "Gateway" } }];
        assert.deepEqual(names([gateway], true, recorded), []);
        assert.deepEqual(names([object("Gateway", "app-gateway", { labels: {} })], true), []);
    });

    it("leaves out Jobs, which end by themselves", () => {
        assert.deepEqual(names([object("Job", "synergychat-api-backup-29")], true), []);
    });

    it("leaves out data that is retained, and all data if data is kept", () => {
        const kept = object("PersistentVolumeClaim", "kept", { annotations: { [retainAnnotation]: "true" } });
        assert.deepEqual(names([kept, gateway], false), ["app-gateway", "chat"]);
        assert.deepEqual(names([data, gateway], true), ["app-gateway"]);
    });
});
