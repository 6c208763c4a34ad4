import { strict as assert } from "node:assert";
import { ownerLabels } from "../../../model/labels.ts";
import { stackKinds } from "../../../model/kinds.ts";
import {
    api,
    assertFinding,
    claim,
    codes,
    commandsOf,
    findings,
    fresh,
    object,
    only,
    recorded,
    retained,
    running,
} from "../support/snapshots.ts";

const deletionTimestamp = "2026-01-01T00:00:00Z";
const label = "app.kubernetes.io/instance=synergychat-dev app.kubernetes.io/managed-by=pulumi";

describe("the namespace", () => {
    it("is refused if another stack owns it, and named with its owner", () => {
        const theirs = object("Namespace", "synergychat", { labels: ownerLabels("other") });
        const finding = only({ ...fresh, namespace: theirs });
        assertFinding(finding, {
            code: "foreign-namespace",
            severity: "error",
            subject: { kind: "Namespace", name: "synergychat" },
        });
        assert.match(finding.reason, /\bother\b/);
    });

    it("is refused if it has no owner labels, and can be given to the stack", () => {
        const nobodys = object("Namespace", "synergychat", { labels: undefined });
        const finding = only({ ...fresh, namespace: nobodys });
        assert.equal(finding.code, "foreign-namespace");
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set namespace NAME",
            `kubectl label namespace synergychat --overwrite ${label}`,
            "pulumi config set retainData true",
            `kubectl label namespace synergychat --overwrite ${label}`,
        ]);
    });

    it("is refused if one of the owner labels is missing", () => {
        const half = object("Namespace", "synergychat", {
            labels: { "app.kubernetes.io/instance": "synergychat-dev" },
        });
        assert.deepEqual(codes({ ...fresh, namespace: half }), ["foreign-namespace"]);
    });

    it("is the stack's own after the stack was renamed, and so is all in it", () => {
        const labels = ownerLabels("synergychat-former");
        const all = [object("Service", "api-service", { labels }), claim({ labels })];
        const renamed = {
            ...running,
            namespace: object("Namespace", "synergychat", { labels }),
            objects: all,
        };
        const state = { ...recorded("synergychat"), instances: ["synergychat-former"] };
        assert.deepEqual(codes(renamed, {}, { recorded: state }), []);
        assert.deepEqual(codes(renamed), ["foreign-namespace"]);
    });

    it("is refused while it is being deleted", () => {
        const going = object("Namespace", "synergychat", { deletionTimestamp });
        assertFinding(only({ ...fresh, namespace: going }), {
            code: "namespace-terminating",
            severity: "error",
            subject: { kind: "Namespace", name: "synergychat" },
        });
    });

    it("is adopted with a warning if its labels name this stack and the state does not have it", () => {
        const unknown = { recorded: recorded(undefined) };
        const finding = only(running, {}, unknown);
        assertFinding(finding, {
            code: "namespace-adopted",
            severity: "warning",
            subject: { kind: "Namespace", name: "synergychat" },
        });
        assert.match(finding.reason, /synergychat-api-pvc/);
        assert.deepEqual(codes({ ...running, claims: [] }, {}, unknown), []);
    });
});

describe("claims", () => {
    it("that an earlier destroy has kept are re-attached, with a note", () => {
        const kept = object("Namespace", "synergychat", { annotations: retained });
        const found = findings({ ...running, namespace: kept }, {}, { recorded: recorded(undefined) });
        assert.equal(found.length, 1);
        assertFinding(found[0] ?? assert.fail(), {
            code: "claim-reattached",
            severity: "note",
            subject: { kind: "PersistentVolumeClaim", name: "synergychat-api-pvc", namespace: "synergychat" },
        });
    });

    it("that somebody else made are used by existingClaim only, and never adopted", () => {
        const theirs = claim({ labels: {} });
        const snapshot = { ...running, claims: [theirs], api: api({ messages: 0 }) };
        const finding = only(snapshot);
        assertFinding(finding, {
            code: "foreign-claim",
            severity: "error",
            subject: { kind: "PersistentVolumeClaim", name: "synergychat-api-pvc", namespace: "synergychat" },
        });
        assert.ok(commandsOf(finding).includes("pulumi config set existingClaim synergychat-api-pvc"));
        assert.ok(!commandsOf(finding).some((command) => command.startsWith("kubectl delete")));
        assert.deepEqual(findings(snapshot, { existingClaim: "synergychat-api-pvc" }), []);
    });
});

describe("objects with the stack's names", () => {
    const inNamespace = stackKinds.flatMap(({ kind, names }) => names.map((name) => [kind, name] as const));
    for (const [kind, name] of inNamespace.filter(([kind]) => kind !== "PersistentVolumeClaim")) {
        it(`refuses a foreign ${kind} ${name}`, () => {
            const foreign = object(kind, name, { labels: {} });
            const finding = only({ ...running, objects: [foreign] });
            assertFinding(finding, {
                code: "foreign-object",
                severity: "error",
                subject: { kind, name, namespace: "synergychat" },
            });
            // A Deployment of somebody else's could not be given: its containers and volumes would be mixed.
            assert.deepEqual(commandsOf(finding), [
                `kubectl delete ${kind.toLowerCase()} ${name} --namespace synergychat`,
                ...(kind === "Deployment"
                    ? []
                    : [
                          `kubectl label ${kind.toLowerCase()} ${name} --namespace synergychat --overwrite ${label}`,
                      ]),
            ]);
        });
    }

    it("does not ask about other objects, or about the stack's own", () => {
        const beside = [
            object("Service", "redis", { labels: {} }),
            object("ConfigMap", "kube-root-ca.crt", { labels: {} }),
            object("Gateway", "app-ingress", { labels: {} }),
            object("Gateway", "app-gateway"),
        ];
        assert.deepEqual(findings({ ...running, objects: beside }), []);
    });
});
