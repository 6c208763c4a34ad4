import { strict as assert } from "node:assert";
import { readFileSync, readdirSync } from "node:fs";
import { readSettings } from "../../config";
import { type ApiFacts, type Claim, type Facts, absentOf, pathOf } from "../../cluster/facts";
import type { Answer, Connection } from "../../cluster/kubectl";
import type { RecordedObject } from "../../state";
import { recordedAndAbsent } from "../../checks/absent";
import { judge } from "../../preflight";

const instance = "synergychat-dev";
const labels = { "app.kubernetes.io/instance": instance, "app.kubernetes.io/managed-by": "pulumi" };
const uid = "0b9f8c1e-5a8d-4c59-9d0c-0d0b6a1c2f3e";

function settings(config: Record<string, string> = {}) {
    const own = Object.entries(config).map(([key, value]) => [`synergychat:${key}`, value]);
    const all = { "kubernetes:context": "minikube", ...(Object.fromEntries(own) as Record<string, string>) };
    return readSettings(all, "synergychat");
}

function named(name: string, more: object = {}) {
    return { metadata: { name, uid: "1", labels, ...more } };
}

function claim(metadata: object = {}, spec: object = {}): Claim {
    return {
        kind: "PersistentVolumeClaim",
        metadata: {
            name: "synergychat-api-pvc",
            namespace: "synergychat",
            uid,
            labels,
            annotations: { "synergychat/storage-class": "", "synergychat/retain-data": "false" },
            ...metadata,
        },
        spec: {
            storageClassName: "standard",
            volumeName: "pvc-1",
            resources: { requests: { storage: "1Gi" } },
            ...spec,
        },
    };
}

const api: ApiFacts = {
    claim: "synergychat-api-pvc",
    messages: 3,
    image: "bootdotdev/synergychat-api:latest",
    imagePullPolicy: "IfNotPresent",
    outOfService: false,
};

/** A fresh minikube: nothing of the stack is there. */
const fresh: Facts = {
    namespace: undefined,
    objects: [],
    claims: [],
    recorded: undefined,
    left: [],
    ingresses: [],
    storageClasses: [
        { ...named("standard", { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } }) },
        { ...named("roomy"), allowVolumeExpansion: true },
    ],
    ingressClasses: [
        named("nginx", { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } }),
    ],
    gatewayClasses: undefined,
    rights: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    api: undefined,
};

/** The stack, up with persistent storage and three messages. */
const running: Facts = {
    ...fresh,
    namespace: named("synergychat"),
    objects: [{ kind: "Deployment", ...named("synergychat-api") }, claim()],
    claims: [claim()],
    recorded: "synergychat",
    api,
};

/** What the same cluster is to a config that names another namespace. */
function seenFrom(config: Record<string, string>, facts: Facts): Facts {
    return config.namespace === undefined
        ? facts
        : {
              ...fresh,
              left: [
                  {
                      namespace: facts.namespace ?? named("synergychat"),
                      claims: facts.claims,
                      api: facts.api,
                  },
              ],
          };
}

function problems(facts: Facts, config: Record<string, string> = {}): readonly string[] {
    return judge(settings(config), facts, instance).problems;
}

function onlyProblem(facts: Facts, config: Record<string, string> = {}): string {
    const found = problems(facts, config);
    assert.equal(found.length, 1, found.join("\n"));
    return found[0] ?? "";
}

describe("preflight", () => {
    it("lets a fresh cluster and an unchanged stack pass", () => {
        assert.deepEqual(judge(settings(), fresh, instance), { problems: [], warnings: [], notes: [] });
        assert.deepEqual(judge(settings(), running, instance), { problems: [], warnings: [], notes: [] });
    });

    describe("messages", () => {
        const changes: [what: string, config: Record<string, string>][] = [
            ["a switch to ephemeral", { storageMode: "ephemeral" }],
            ["another class", { storageClass: "roomy" }],
            ["another namespace", { namespace: "elsewhere" }],
            ["an existing claim instead", { existingClaim: "mine" }],
        ];
        for (const [what, config] of changes) {
            const facts = { ...running, objects: [...running.objects, { ...claim({ name: "mine" }) }] };

            it(`are not deleted by ${what}, and both ways on are told`, () => {
                const message = onlyProblem(seenFrom(config, facts), config);
                assert.match(
                    message,
                    /Claim synergychat-api-pvc in namespace synergychat would be deleted, with 3 messages/,
                );
                const [[key, value] = []] = Object.entries(config);
                assert.ok(message.includes(`: ${key ?? ""} is "${value ?? ""}" now.`), message);
                assert.ok(message.includes(`pulumi config set discardClaim ${uid}`), message);
                // A kept claim holds its name, so keeping it is no way to another class.
                assert.equal(message.includes("pulumi config set retainData true"), key !== "storageClass");
                const switched = key === "storageMode" || key === "storageClass";
                assert.equal(message.includes("npm run switch -- ephemeral"), switched, message);
            });

            it(`may go with ${what} when that very claim is discarded`, () => {
                const seen = seenFrom(config, facts);
                assert.deepEqual(problems(seen, { ...config, discardClaim: uid }), []);
                assert.equal(problems(seen, { ...config, discardClaim: uid.replace(/^0/, "1") }).length, 1);
            });

            it(`are no question with ${what} when the claim is retained`, () => {
                const annotations = { "synergychat/storage-class": "", "synergychat/retain-data": "true" };
                const retained = {
                    ...facts,
                    namespace: named("synergychat", { annotations }),
                    claims: [claim({ annotations })],
                };
                const found = problems(seenFrom(config, retained), config);
                assert.ok(!found.some((problem) => problem.includes("would be deleted")), found.join());
            });

            it(`are no question with ${what} when there are none`, () => {
                const empty = { ...facts, api: { ...api, messages: 0 } };
                assert.deepEqual(problems(seenFrom(config, empty), config), []);
            });

            it(`are no question with ${what} when no volume was ever bound`, () => {
                const unbound = { ...facts, claims: [claim({}, { volumeName: undefined })], api: undefined };
                assert.deepEqual(problems(seenFrom(config, unbound), config), []);
            });

            it(`count as there with ${what} when nobody can count them`, () => {
                for (const silent of [
                    { ...api, messages: undefined },
                    { ...api, claim: undefined },
                    undefined,
                ]) {
                    assert.match(
                        onlyProblem(seenFrom(config, { ...facts, api: silent }), config),
                        /messages that cannot be counted/,
                    );
                }
            });
        }

        it("stay with retainData on a switch to ephemeral, since the claim stays declared", () => {
            assert.deepEqual(problems(running, { storageMode: "ephemeral", retainData: "true" }), []);
        });

        it("go with their namespace when that is not retained, whatever the claim says of itself", () => {
            const annotations = { "synergychat/storage-class": "", "synergychat/retain-data": "true" };
            const place = {
                namespace: named("synergychat"),
                claims: [claim({ annotations })],
                api: undefined,
            };
            const config = { storageMode: "ephemeral", namespace: "elsewhere" };
            assert.match(
                onlyProblem({ ...fresh, left: [place] }, config),
                /Claim synergychat-api-pvc in namespace synergychat would be deleted, with messages that cannot be counted/,
            );
        });

        it("of somebody else's claim do not go with the namespace unasked", () => {
            const guest = claim({ name: "mine", labels: {} });
            const left = { namespace: named("synergychat"), claims: [guest], api: undefined };
            const config = { namespace: "elsewhere" };
            const message = onlyProblem({ ...fresh, left: [left] }, config);
            assert.match(
                message,
                /Claim mine is not the stack's, and would go with its namespace synergychat/,
            );
            assert.match(message, /To lose it: kubectl delete pvc mine --namespace synergychat/);
            const kept = named("synergychat", { annotations: { "synergychat/retain-data": "true" } });
            assert.deepEqual(problems({ ...fresh, left: [{ ...left, namespace: kept }] }, config), []);
        });

        it("that may not be looked for count as there", () => {
            const left = { namespace: named("synergychat"), claims: undefined, api: undefined };
            assert.match(
                onlyProblem({ ...fresh, left: [left] }, { namespace: "elsewhere" }),
                /namespace synergychat would be deleted, and you may not see which claims are in it/,
            );
        });

        it("on ephemeral storage are named before another namespace leaves them behind", () => {
            const ephemeral = { ...running, claims: [], api: { ...api, claim: undefined, messages: 1 } };
            const config = { storageMode: "ephemeral", namespace: "elsewhere" };
            const { problems: none, warnings } = judge(
                settings(config),
                seenFrom(config, ephemeral),
                instance,
            );
            assert.deepEqual(none, []);
            assert.match(
                warnings.join(),
                /The api's 1 message on ephemeral storage in namespace synergychat will be lost/,
            );
            assert.match(warnings.join(), /To keep them: pulumi config set namespace synergychat/);
        });

        it("on ephemeral storage are named before a switch to persistent leaves them behind", () => {
            const ephemeral = { ...running, claims: [], objects: [], api: { ...api, claim: undefined } };
            const { problems: none, warnings } = judge(settings(), ephemeral, instance);
            assert.deepEqual(none, []);
            assert.match(
                warnings.join(),
                /The api's 3 messages on ephemeral storage will be lost: .* starts empty/,
            );
            assert.match(warnings.join(), /To take them along: npm run switch -- persistent/);
            assert.deepEqual(judge(settings({ storageMode: "ephemeral" }), ephemeral, instance).warnings, []);
            const kept = { ...ephemeral, claims: [claim()] };
            assert.match(
                judge(settings(), kept, instance).warnings.join(),
                /will be lost: the switch to persistent storage goes on with what the kept claim holds/,
            );
            const silent = { ...ephemeral, api: { ...ephemeral.api, messages: undefined } };
            assert.match(
                judge(settings(), silent, instance).warnings.join(),
                /The api does not answer: whatever messages it has on ephemeral storage will be lost/,
            );
            assert.deepEqual(judge(settings(), silent, instance, true).warnings, []);
        });

        it("on ephemeral storage are named before another image or pull policy replaces the pod", () => {
            const ephemeral = { ...running, claims: [], objects: [], api: { ...api, claim: undefined } };
            const warnings = (config: Record<string, string>, facts: Facts = ephemeral) =>
                judge(settings({ storageMode: "ephemeral", ...config }), facts, instance).warnings.join();
            for (const config of [
                { images: '{"api": "example.org/api:2"}' },
                { imagePullPolicy: "Always" },
            ]) {
                assert.match(
                    warnings(config),
                    /The api's 3 messages on ephemeral storage will be lost: .*\nTo take them along: npm run switch -- persistent/,
                );
                assert.equal(warnings(config, { ...ephemeral, api: { ...ephemeral.api, messages: 0 } }), "");
            }
            assert.equal(warnings({ images: '{"web": "example.org/web:2"}' }), "");
        });

        it("in a claim that the api leaves, and that stays, are named with the way back", () => {
            const warnings = (config: Record<string, string>, facts: Facts = running) =>
                judge(settings(config), facts, instance).warnings.join();
            assert.match(
                warnings({ storageMode: "ephemeral", retainData: "true" }),
                /The api's 3 messages will stay in claim synergychat-api-pvc, .*\nTo go back to them: pulumi config set storageMode persistent/,
            );
            const mine = { ...claim({ name: "mine", labels: {} }) };
            const guest = { ...running, claims: [], objects: [mine], api: { ...api, claim: "mine" } };
            assert.match(
                warnings({}, guest),
                /will stay in claim mine, .*\nTo .* existingClaim mine\nFrom now on a destroy deletes it/,
            );
            assert.doesNotMatch(warnings({ retainData: "true" }, guest), /From now on a destroy/);
            assert.equal(warnings({ existingClaim: "mine" }, guest), "");
            assert.equal(warnings({}), "");
            const namespace = named("synergychat", {
                annotations: { "synergychat/retain-data": "true" },
            });
            const moved = { ...fresh, left: [{ namespace, claims: [mine], api: guest.api }] };
            assert.match(
                warnings({ namespace: "elsewhere" }, moved),
                /will stay in claim mine, .*\nTo go back to them: pulumi config set namespace synergychat/,
            );
        });

        it("on the way to another volume are in nobody's way but the switch's own", () => {
            const half = { ...running, api: { ...api, messages: undefined, outOfService: true } };
            assert.match(
                onlyProblem(half),
                /A switch of the storage was interrupted: .*\n +To go on, or back: npm run switch/,
            );
            assert.deepEqual(judge(settings(), half, instance, true).problems, []);
        });

        it("in a claim that leaves the stack, but stays, are named", () => {
            const annotations = { "synergychat/storage-class": "", "synergychat/retain-data": "true" };
            const kept = { ...running, claims: [claim({ annotations })] };
            const config = { storageMode: "ephemeral" };
            const { problems: none, warnings } = judge(settings(config), kept, instance);
            assert.deepEqual(none, []);
            assert.match(
                warnings.join(),
                /Claim synergychat-api-pvc stays .*, and is no longer the stack's: whoever destroys the stack deletes it/,
            );
            const mine = { ...claim({ name: "mine", labels: {} }) };
            const beside = { ...kept, objects: [mine] };
            assert.match(
                judge(settings({ existingClaim: "mine" }), beside, instance).warnings.join(),
                /Claim synergychat-api-pvc stays .*, and is no longer the stack's: only you delete it/,
            );
        });

        it("in another namespace, on the way to another volume, are gone back to first", () => {
            const half = { ...running, api: { ...api, messages: undefined, outOfService: true } };
            const config = { namespace: "elsewhere" };
            assert.match(
                onlyProblem(seenFrom(config, half), config),
                /A switch of the storage was interrupted: [\s\S]*Before that: pulumi config set namespace synergychat/,
            );
        });

        it("of a protected claim need the protection to go first", () => {
            assert.match(
                onlyProblem(running, { storageMode: "ephemeral", protectData: "true" }),
                /To lose it: pulumi config set protectData false, pulumi up, and then pulumi config set discardClaim/,
            );
        });

        it("are named when discardClaim would let a later change delete them", () => {
            const { problems: none, warnings } = judge(settings({ discardClaim: uid }), running, instance);
            assert.deepEqual(none, []);
            assert.match(warnings.join(), /discardClaim names claim synergychat-api-pvc, which stays/);
            assert.match(warnings.join(), /Run: pulumi config rm discardClaim/);
        });
    });

    describe("the claim", () => {
        it("cannot change its class while it is retained: it holds its name", () => {
            const retained = claim({
                annotations: { "synergychat/storage-class": "", "synergychat/retain-data": "true" },
            });
            const message = onlyProblem(
                { ...running, claims: [retained] },
                { storageClass: "roomy", retainData: "true" },
            );
            assert.match(
                message,
                /storageClass is "roomy": claim synergychat-api-pvc is kept \(retainData\) with the class ""/,
            );
        });

        it("cannot shrink", () => {
            const message = onlyProblem(running, { storageSize: "500Mi" });
            assert.match(
                message,
                /storageSize is "500Mi": claim synergychat-api-pvc has 1Gi, and a claim cannot shrink/,
            );
        });

        it("cannot grow where its class forbids it", () => {
            assert.match(
                onlyProblem(running, { storageSize: "2Gi" }),
                /its class standard does not let it grow/,
            );
        });

        it("grows where its class allows it", () => {
            const roomy = claim({}, { storageClassName: "roomy" });
            assert.deepEqual(problems({ ...running, claims: [roomy] }, { storageSize: "2Gi" }), []);
        });

        it("is on its way out with its messages, which nothing of the config says, so the preflight does", () => {
            const going = { ...running, claims: [claim({ deletionTimestamp: "2026-01-01T00:00:00Z" })] };
            const message = onlyProblem(going);
            assert.match(message, /Claim synergychat-api-pvc is being deleted: it goes, with what it holds/);
            assert.match(message, /To take its messages along: npm run switch -- ephemeral/);
            assert.match(
                onlyProblem(going, { retainData: "true" }),
                /along: pulumi config set retainData false, then/,
            );
            // The switch's own way out, and the claim that a killed up is replacing: no pod mounts that any more.
            assert.deepEqual(
                judge(settings({ storageMode: "ephemeral" }), going, instance, true).warnings,
                [],
            );
            assert.deepEqual(problems({ ...going, api: undefined }), []);
        });

        it("of the stack's own is no existing claim, and neither is one that is going", () => {
            assert.match(
                onlyProblem(
                    { ...running, api: { ...api, messages: 0 } },
                    { existingClaim: "synergychat-api-pvc" },
                ),
                /existingClaim is "synergychat-api-pvc": that is the claim that the stack makes itself/,
            );
            const going = claim({ name: "mine", labels: {}, deletionTimestamp: "2026-01-01T00:00:00Z" });
            assert.match(
                onlyProblem({ ...running, claims: [], objects: [going] }, { existingClaim: "mine" }),
                /existingClaim is "mine": that claim is being deleted/,
            );
        });

        it("of somebody else with the stack's name for it is used by that name, and never taken over unasked", () => {
            const theirs = { ...running, claims: [], objects: [claim({ labels: {} })] };
            const message = onlyProblem(theirs);
            assert.match(message, /PersistentVolumeClaim synergychat-api-pvc .* is not this stack's/);
            assert.match(message, /pulumi config set existingClaim synergychat-api-pvc/);
            assert.doesNotMatch(message, /Delete it/);
            assert.deepEqual(problems(theirs, { existingClaim: "synergychat-api-pvc" }), []);
        });

        it("that a state has never heard of is named when it is taken over", () => {
            const found = { ...running, recorded: undefined };
            const { problems: none, warnings } = judge(settings(), found, instance);
            assert.deepEqual(none, []);
            assert.match(
                warnings.join(),
                /Namespace synergychat is taken over, with claim synergychat-api-pvc/,
            );
            const annotations = { "synergychat/retain-data": "true" };
            const kept = { ...found, namespace: named("synergychat", { annotations }) };
            assert.deepEqual(judge(settings(), kept, instance).warnings, []);
            assert.deepEqual(judge(settings(), kept, instance).notes, [
                "Claim synergychat-api-pvc is found again, with what it holds.",
            ]);
        });

        it("of somebody else must be there", () => {
            const facts = {
                ...running,
                claims: [],
                objects: [{ kind: "PersistentVolumeClaim", ...named("theirs") }],
            };
            assert.match(
                onlyProblem(facts, { existingClaim: "mine" }),
                /existingClaim is "mine": namespace synergychat has no such claim, it has: theirs/,
            );
            assert.deepEqual(problems(facts, { existingClaim: "theirs" }), []);
        });
    });

    describe("classes", () => {
        it("must exist, and those that do are named", () => {
            assert.match(
                onlyProblem(fresh, { storageClass: "fast" }),
                /storageClass is "fast": .* It has: standard, roomy/,
            );
            assert.match(
                onlyProblem(fresh, { ingressClass: "traefik" }),
                /ingressClass is "traefik": .* It has: nginx/,
            );
        });

        it("must have a default where none is named", () => {
            assert.match(
                onlyProblem({ ...fresh, storageClasses: [] }),
                /no default storage class. It has no storage class at all/,
            );
            const message = onlyProblem({ ...fresh, ingressClasses: [named("haproxy")] });
            assert.match(
                message,
                /no default ingress class. It has: haproxy.*\n.*minikube addons enable ingress/,
            );
        });

        it("are no question for what the stack does not use", () => {
            const bare = { ...fresh, storageClasses: [], ingressClasses: [] };
            assert.deepEqual(problems(bare, { storageMode: "ephemeral", exposure: "none" }), []);
        });

        it("are no question for a claim that is there", () => {
            assert.deepEqual(problems({ ...running, storageClasses: [] }), []);
        });

        it("must exist for a claim that is only kept as well", () => {
            const config = { storageMode: "ephemeral", retainData: "true", storageClass: "fast" };
            assert.match(onlyProblem(fresh, config), /storageClass is "fast"/);
        });

        it("are no question where the user may not list them", () => {
            assert.deepEqual(
                problems({ ...fresh, storageClasses: undefined, ingressClasses: undefined }),
                [],
            );
        });

        it("of gateways need the Gateway API", () => {
            const config = { exposure: "gateway", gatewayClass: "eg" };
            assert.match(onlyProblem(fresh, config), /it has no Gateway API/);
            assert.match(
                onlyProblem({ ...fresh, gatewayClasses: [named("contour")] }, config),
                /it has: contour/,
            );
            assert.deepEqual(problems({ ...fresh, gatewayClasses: [named("eg")] }, config), []);
        });
    });

    describe("names", () => {
        it("of a namespace that is somebody else's are left alone", () => {
            const theirs = {
                metadata: {
                    name: "synergychat",
                    uid: "1",
                    labels: { ...labels, "app.kubernetes.io/instance": "other" },
                },
            };
            assert.match(
                onlyProblem({ ...fresh, namespace: theirs }),
                /not this stack's \(it is marked as other's\)/,
            );
            const nobodys = { metadata: { name: "synergychat", uid: "1" } };
            const message = onlyProblem({ ...fresh, namespace: nobodys });
            assert.match(message, /carries no stack's mark/);
            assert.match(
                message,
                /kubectl label namespace synergychat --overwrite app.kubernetes.io\/instance=synergychat-dev/,
            );
        });

        it("of a namespace that a killed up moved away from are not gone back to: the next one deletes it", () => {
            assert.match(
                onlyProblem({ ...running, recorded: "elsewhere" }),
                /namespace is "synergychat": .* had left that for elsewhere, and the next one deletes it/,
            );
            // One that was only just made, on the way there, holds nothing yet.
            const begun = { ...fresh, namespace: named("synergychat"), recorded: "elsewhere" };
            assert.deepEqual(problems(begun), []);
        });

        it("of objects that are somebody else's are left alone, and other objects are no question", () => {
            const foreign = { kind: "Service", metadata: { name: "api-service", uid: "1" } };
            const beside = { kind: "Service", metadata: { name: "redis", uid: "1" } };
            assert.deepEqual(problems({ ...running, objects: [beside] }), []);
            assert.match(
                onlyProblem({ ...running, objects: [foreign] }),
                /Service api-service in namespace synergychat is not this stack's/,
            );
        });

        it("of hosts that another namespace serves are not taken", () => {
            const other = named("app-ingress", { namespace: "theirs" });
            const rule = (host: string) => ({ ...other, spec: { rules: [{ host }] } });
            const facts = { ...running, ingresses: [rule("synchat.internal"), rule("else.internal")] };
            assert.match(
                onlyProblem(facts),
                /webHost is "synchat.internal": ingress app-ingress in namespace theirs serves that host already/,
            );
            assert.deepEqual(problems(facts, { webHost: "mine.internal" }), []);
            assert.deepEqual(problems(facts, { exposure: "none" }), []);
            const own = {
                ...rule("synchat.internal"),
                metadata: { ...other.metadata, namespace: "synergychat" },
            };
            assert.deepEqual(problems({ ...running, ingresses: [own] }), []);
        });

        it("of a namespace that is going are not taken yet", () => {
            const going = named("synergychat", { deletionTimestamp: "2026-01-01T00:00:00Z" });
            assert.match(onlyProblem({ ...fresh, namespace: going }), /is being deleted. Wait/);
        });
    });

    describe("rights", () => {
        it("that are missing are named, all at once", () => {
            const rights = [
                {
                    verbs: ["*"],
                    apiGroups: ["", "apps"],
                    resources: ["configmaps", "services", "deployments", "namespaces"],
                },
                { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["persistentvolumeclaims"] },
            ];
            const message = onlyProblem({ ...fresh, rights });
            assert.match(
                message,
                /Missing: create, patch, delete persistentvolumeclaims; create, get.* ingresses.networking.k8s.io/,
            );
        });

        it("are no question where the cluster does not tell", () => {
            assert.deepEqual(problems({ ...fresh, rights: undefined }), []);
        });
    });
});

describe("objects of the state", () => {
    const object = (kind: string, name: string, uid = "1", apiVersion = "v1"): RecordedObject => ({
        apiVersion,
        kind,
        metadata: { name, ...(kind !== "Namespace" && { namespace: "chat" }), uid },
    });
    const namespace = object("Namespace", "chat");
    const claimOfState = object("PersistentVolumeClaim", "synergychat-api-pvc");
    const objects = [namespace, claimOfState, object("Service", "api-service")];

    /** A cluster that answers as it is told, by path. */
    function answering(answers: Record<string, Answer>): Connection {
        const read = (path: string) => Promise.resolve(answers[path] ?? ({ kind: "not found" } as const));
        return { target: { context: "minikube" }, read, post: read };
    }

    function live(recorded: RecordedObject, uid = recorded.metadata.uid): Record<string, Answer> {
        const body = { ...recorded, metadata: { ...recorded.metadata, uid } };
        return { [pathOf(recorded)]: { kind: "found", body } };
    }

    it("are asked for by the paths of their kinds, whatever the stack can make", () => {
        const paths: Record<string, string> = {
            "v1 Namespace": "/api/v1/namespaces/x",
            "v1 ConfigMap": "/api/v1/namespaces/chat/configmaps/x",
            "v1 Service": "/api/v1/namespaces/chat/services/x",
            "v1 PersistentVolumeClaim": "/api/v1/namespaces/chat/persistentvolumeclaims/x",
            "apps/v1 Deployment": "/apis/apps/v1/namespaces/chat/deployments/x",
            "networking.k8s.io/v1 Ingress": "/apis/networking.k8s.io/v1/namespaces/chat/ingresses/x",
            "gateway.networking.k8s.io/v1 Gateway":
                "/apis/gateway.networking.k8s.io/v1/namespaces/chat/gateways/x",
            "gateway.networking.k8s.io/v1 HTTPRoute":
                "/apis/gateway.networking.k8s.io/v1/namespaces/chat/httproutes/x",
        };
        for (const [type, path] of Object.entries(paths)) {
            const [apiVersion, kind = ""] = type.split(" ");
            assert.equal(pathOf(object(kind, "x", "1", apiVersion)), path);
        }
        const plans = readdirSync("tests/golden").filter((file) => file.endsWith(".yaml"));
        const made = plans.flatMap((plan) => {
            const text = readFileSync(`tests/golden/${plan}`, "utf8");
            return [...text.matchAll(/- kubernetes:(?:core\/)?(\S+):(\w+) /g)].map(
                ([, version = "", kind = ""]) => `${version} ${kind}`,
            );
        });
        assert.deepEqual([...new Set(made)].sort(), Object.keys(paths).sort());
    });

    it("are found in the cluster by their UID", async () => {
        const [first, second, third] = objects as [RecordedObject, RecordedObject, RecordedObject];
        const all = { ...live(first), ...live(second), ...live(third) };
        assert.deepEqual(await absentOf(answering(all), objects), []);
        assert.deepEqual(await absentOf(answering({ ...all, ...live(second, "2") }), objects), [second]);
        assert.deepEqual(await absentOf(answering(live(second)), objects), [first, third]);
    });

    it("are not absent if they may not be seen", async () => {
        const forbidden: Answer = { kind: "forbidden", message: "you may not" };
        assert.deepEqual(await absentOf(answering({ [pathOf(namespace)]: forbidden }), [namespace]), []);
    });

    it("are no question if the cluster does not answer", async () => {
        const failed: Answer = { kind: "failed", message: "connection refused" };
        await assert.rejects(absentOf(answering({ [pathOf(namespace)]: failed }), [namespace]));
    });

    it("that are absent are named, with the command that creates them again", () => {
        const recorded = { context: "minikube", objects };
        assert.equal(recordedAndAbsent(recorded, []), undefined);
        const some = recordedAndAbsent(recorded, [claimOfState]) ?? "";
        assert.match(some, /PersistentVolumeClaim synergychat-api-pvc in namespace chat\n/);
        assert.match(some, /pulumi up --refresh/);
        assert.doesNotMatch(some, /api-service/);
        assert.match(
            recordedAndAbsent(recorded, objects) ?? "",
            /none of the 3 objects[^]*pulumi up --refresh/,
        );
    });
});
