import { strict as assert } from "node:assert";
import type { ClusterSnapshot } from "../../../kubernetes/snapshot.ts";
import { classAnnotation, protectAnnotation } from "../../../model/labels.ts";
import { interrupted } from "../../../preflight/messages.ts";
import {
    type Config,
    api,
    assertFinding,
    claim,
    codes,
    commandsOf,
    ephemeralApi,
    findings,
    object,
    only,
    rejection,
    retained,
    running,
    runningEphemeral,
    uid,
} from "../support/snapshots.ts";

const subject = { kind: "PersistentVolumeClaim", name: "synergychat-api-pvc", namespace: "synergychat" };
const foreignClaim = claim({ name: "mine", uid: "2", labels: {} });
const ephemeral: Config = { storageMode: "ephemeral" };

/** Changes that give the claim up. */
const changes: readonly (readonly [what: string, key: string, value: string])[] = [
    ["a switch to ephemeral", "storageMode", "ephemeral"],
    ["another class", "storageClass", "roomy"],
    ["an existing claim instead", "existingClaim", "mine"],
];

describe("messages on the stack's claim", () => {
    describe("of which the program changes a field that cannot be changed", () => {
        const replaced = (message: string): ClusterSnapshot => ({
            ...running,
            rejections: [rejection(subject.kind, subject.name, message, true)],
        });
        const immutable = replaced("spec: Forbidden: spec is immutable after creation");

        it("are not deleted, unless discardClaim names that very claim", () => {
            assert.deepEqual(codes(immutable, {}), ["claim-would-be-deleted"]);
            assert.deepEqual(codes(immutable, { discardClaim: uid }), []);
        });

        it("come along with a change of the class, which cannot be changed either", () => {
            const finding = only(immutable, { storageClass: "roomy" });
            assert.ok(commandsOf(finding).includes("npm run switch -- ephemeral"));
        });

        it("are no reason to refuse what Pulumi changes in place, or a claim without messages", () => {
            assert.deepEqual(codes(replaced("only dynamically provisioned pvc can be resized"), {}), []);
            assert.deepEqual(codes({ ...immutable, api: api({ messages: 0 }) }, {}), []);
        });
    });

    for (const [what, key, value] of changes) {
        const config = { [key]: value };
        const others = key === "existingClaim" ? [foreignClaim] : [];
        const snapshot: ClusterSnapshot = { ...running, claims: [claim(), ...others] };

        it(`are not deleted by ${what}, and every way on is complete`, () => {
            const finding = only(snapshot, config);
            assertFinding(finding, {
                code: "claim-would-be-deleted",
                severity: "error",
                subject: { ...subject, uid },
            });
            assert.ok(finding.reason.includes("3 messages"), finding.reason);
            assert.ok(finding.reason.includes(`${key} is "${value}"`), finding.reason);
            const commands = commandsOf(finding);
            assert.ok(commands.includes(`pulumi config set discardClaim ${uid}`));
            // A kept claim keeps its name, so keeping it is no way to another class.
            assert.equal(commands.includes("pulumi config set retainData true"), key !== "storageClass");
            const canSwitch = key === "storageMode" || key === "storageClass";
            assert.equal(commands.includes("npm run switch -- ephemeral"), canSwitch);
        });

        it(`may be deleted by ${what} if discardClaim names that very claim`, () => {
            const seen = snapshot;
            assert.deepEqual(findings(seen, { ...config, discardClaim: uid }), []);
            const other = uid.replace(/^0/, "1");
            assert.deepEqual(codes(seen, { ...config, discardClaim: other }), ["claim-would-be-deleted"]);
        });

        it(`are not deleted by ${what} if the claim is retained`, () => {
            const kept = {
                ...snapshot,
                namespace: object("Namespace", "synergychat", { annotations: retained }),
                claims: [claim({ annotations: retained }), ...others],
            };
            const found = codes(kept, config);
            assert.ok(!found.includes("claim-would-be-deleted"), found.join());
        });

        it(`do not exist for ${what} if the api has none`, () => {
            const empty = { ...snapshot, api: api({ messages: 0 }) };
            assert.deepEqual(findings(empty, config), []);
        });

        it(`do not exist for ${what} if no volume was ever bound`, () => {
            const unbound = {
                ...snapshot,
                claims: [claim({}, { volumeName: undefined }), ...others],
                api: undefined,
            };
            assert.deepEqual(findings(unbound, config), []);
        });

        it(`are assumed for ${what} if they cannot be counted`, () => {
            for (const state of [api({ messages: undefined }), undefined]) {
                const found = findings({ ...snapshot, api: state }, config);
                const [finding] = found.filter(({ severity }) => severity === "error");
                assert.equal(finding?.code, "claim-would-be-deleted");
                assert.match(finding.reason, /cannot be counted/);
            }
        });

        it(`are assumed for ${what} if the api does not mount the claim`, () => {
            const found = codes({ ...snapshot, api: ephemeralApi }, config);
            assert.ok(found.includes("claim-would-be-deleted"), found.join());
        });
    }

    it("stay with the value that the config had before: the class of the claim", () => {
        const fast = claim({ annotations: { ...claim().metadata.annotations, [classAnnotation]: "fast" } });
        const reclassed = only({ ...running, claims: [fast] }, { storageClass: "roomy" });
        assert.deepEqual(reclassed.fixes[0]?.run, ["pulumi config set storageClass fast"]);
        assert.deepEqual(reclassed.fixes[1]?.run, [
            "pulumi config set storageClass fast",
            "npm run switch -- ephemeral",
            "pulumi config set storageClass roomy",
            "npm run switch -- persistent",
        ]);
        assert.equal(only({ ...running, claims: [fast] }).fixes[1]?.run[2], "pulumi config rm storageClass");
    });

    it("stay with retainData on a switch to ephemeral, because the claim stays declared", () => {
        assert.deepEqual(codes(running, { ...ephemeral, retainData: "true" }), ["kept-claim-not-mounted"]);
    });

    it("need the protection to be removed first if the claim is protected", () => {
        const { fixes } = only(running, { ...ephemeral, protectData: "true" });
        assert.deepEqual(fixes.at(-1)?.run, [
            "pulumi config set protectData false",
            "pulumi state unprotect --all --yes",
            `pulumi config set discardClaim ${uid}`,
        ]);
    });
});

describe("ephemeral messages", () => {
    const lost = {
        code: "ephemeral-messages-would-be-lost",
        severity: "warning",
    } as const;

    it("are named before a plain switch to persistent storage, with the command that moves them", () => {
        const finding = only(runningEphemeral);
        assertFinding(finding, lost);
        assert.match(finding.reason, /3 messages on ephemeral storage/);
        assert.deepEqual(commandsOf(finding), ["npm run switch -- persistent"]);
        assert.deepEqual(codes({ ...runningEphemeral, claims: [claim()] }), [lost.code]);
    });

    it("are assumed if the api does not answer", () => {
        const silent = { ...runningEphemeral, api: api({ claim: undefined, messages: undefined }) };
        const finding = only(silent);
        assertFinding(finding, lost);
        assert.match(finding.reason, /cannot be counted/);
    });

    it("are the switch's own business while it runs", () => {
        assert.deepEqual(findings(runningEphemeral, {}, { switching: true }), []);
    });

    it("are named before anything replaces the pod: any change of its template", () => {
        const apiPodChanges = [
            "template.spec.containers[0].resources.limits.memory",
            "template.spec.containers[0].image",
            "template.metadata.annotations.a",
            "template.metadata.annotations.b",
        ];
        const changed = { ...runningEphemeral, apiPodChanges };
        const finding = only(changed, ephemeral);
        assertFinding(finding, lost);
        assert.match(finding.reason, /spec\.containers\[0\]\.resources\.limits\.memory/);
        assert.deepEqual(commandsOf(finding), ["npm run switch -- persistent"]);
        assert.deepEqual(
            findings({ ...changed, api: api({ claim: undefined, messages: 0 }) }, ephemeral),
            [],
        );
    });

    it("are not at stake if the template does not change", () => {
        assert.deepEqual(findings({ ...runningEphemeral, apiPodChanges: [] }, ephemeral), []);
    });

    it("are assumed to be at stake if the cluster does not tell whether the template changes", () => {
        assertFinding(only({ ...runningEphemeral, apiPodChanges: undefined }, ephemeral), lost);
    });

    it("do not exist with persistent storage, whatever changes", () => {
        assert.deepEqual(findings({ ...running, apiPodChanges: ["template.spec"] }), []);
    });
});

describe("a claim that is kept but not mounted", () => {
    const foreign: ClusterSnapshot = {
        ...running,
        claims: [foreignClaim],
        api: api({ claim: "mine" }),
    };

    it("is named with the way back after a switch to ephemeral with retainData", () => {
        const finding = only(running, { ...ephemeral, retainData: "true" });
        assertFinding(finding, { code: "kept-claim-not-mounted", severity: "warning", subject });
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set storageMode persistent",
            "pulumi config rm existingClaim",
        ]);
    });

    it("is named if existingClaim no longer names it, and a later destroy would delete it", () => {
        const finding = only(foreign);
        assertFinding(finding, {
            code: "kept-claim-not-mounted",
            severity: "warning",
            subject: { ...subject, name: "mine" },
        });
        assert.deepEqual(commandsOf(finding), [
            "pulumi config set storageMode persistent",
            "pulumi config set existingClaim mine",
            "pulumi config set retainData true",
        ]);
        const kept = only(foreign, { retainData: "true" });
        assert.ok(!commandsOf(kept).includes("pulumi config set retainData true"));
    });

    it("is not named while the api mounts it", () => {
        assert.deepEqual(findings(foreign, { existingClaim: "mine" }), []);
        assert.deepEqual(findings(running), []);
    });

    it("is named if the config no longer declares it, and who may still delete it", () => {
        const kept = { ...running, claims: [claim({ annotations: retained })] };
        const undeclared = (config: Config, snapshot: ClusterSnapshot) =>
            findings(snapshot, config).find(({ code }) => code === "kept-claim-not-mounted") ?? assert.fail();
        const finding = undeclared(ephemeral, kept);
        assertFinding(finding, { code: "kept-claim-not-mounted", severity: "warning", subject });
        const back = [
            "pulumi config set storageMode persistent",
            "pulumi config rm existingClaim",
            "pulumi config rm storageClass",
        ];
        assert.deepEqual(commandsOf(finding), [...back, "pulumi config set retainData true"]);
        // The namespace stays for the sake of the existing claim.
        const config = { existingClaim: "mine" };
        assert.deepEqual(
            commandsOf(undeclared(config, { ...kept, claims: [...kept.claims, foreignClaim] })),
            back,
        );
    });
});

describe("an interrupted switch", () => {
    const half = {
        ...running,
        api: api({
            messages: undefined,
            outOfService: { by: "switch", namespace: "chat", journal: "laptop:/journal.json" },
        }),
    };
    const patch =
        "kubectl patch service api-service --namespace chat --type=merge " +
        `--patch='{"spec":{"selector":{"synergychat/out-of-service":null}}}'`;

    it("stops everything but the switch itself", () => {
        const finding = only(half);
        assertFinding(finding, {
            code: "switch-interrupted",
            severity: "error",
        });
        assert.deepEqual(commandsOf(finding), [
            "npm run switch -- persistent",
            "npm run switch -- ephemeral",
            patch,
        ]);
        assert.ok(finding.reason.includes("laptop:/journal.json"));
        assert.deepEqual(findings(half, {}, { switching: true }), []);
    });

    it("names the file to which a restore goes back, and the command that completes it if that is known", () => {
        const journal = "laptop:/copies/dev.json (process 7)";
        const taken = { by: "restore", namespace: "chat", journal } as const;
        assert.deepEqual(commandsOf(interrupted(taken, "npm run restore -- db.json --yes")), [
            "npm run restore -- db.json --yes",
            "npm run restore -- '/copies/dev.json'",
            patch,
        ]);
        assert.equal(interrupted(taken).code, "restore-interrupted");
    });
});

describe("discardClaim", () => {
    it("is named if a later change would delete the messages of its claim without a question", () => {
        const finding = only(running, { discardClaim: uid });
        assertFinding(finding, {
            code: "discard-claim-stale",
            severity: "warning",
            subject: { key: "discardClaim" },
        });
        assert.deepEqual(commandsOf(finding), ["pulumi config rm discardClaim"]);
        assert.deepEqual(findings(running, { discardClaim: uid.replace(/^0/, "1") }), []);
    });
});

describe("the protection of a claim", () => {
    const kept = { ...retained, [protectAnnotation]: "true" };
    const protectedClaim = { ...running, claims: [claim({ annotations: kept })] };

    it("is not taken off without a word, as by a fresh clone or git checkout", () => {
        const found = findings(protectedClaim);
        assert.deepEqual(
            found.map(({ code, severity }) => [code, severity]),
            [
                ["protection-removed", "warning"],
                ["protection-removed", "warning"],
            ],
        );
        assert.deepEqual(found.flatMap(commandsOf), [
            "pulumi config set retainData true",
            "pulumi config set protectData true",
        ]);
    });

    it("is not named while it stays, in a switch, and for a claim without messages", () => {
        assert.deepEqual(findings(protectedClaim, { retainData: "true", protectData: "true" }), []);
        assert.deepEqual(findings(protectedClaim, {}, { switching: true }), []);
        assert.deepEqual(findings({ ...protectedClaim, api: api({ messages: 0 }) }), []);
    });
});
