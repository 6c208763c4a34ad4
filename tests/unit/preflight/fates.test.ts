/** The fate of each live claim, and that no rule takes one of the stack's claims for another. */
import { strict as assert } from "node:assert";
import type { ClusterSnapshot } from "../../../kubernetes/snapshot.ts";
import { type Fate, fatesOf, newClaims } from "../../../preflight/fates.ts";
import {
    type Config,
    api,
    backupsClaim,
    claim,
    codes,
    commandsOf,
    findings,
    fresh,
    instance,
    nightly,
    object,
    only,
    recorded,
    retained,
    running,
    runningEphemeral,
    settings,
    uid,
} from "../support/snapshots.ts";

const ephemeral: Config = { storageMode: "ephemeral" };
const deletionTimestamp = "2026-01-01T00:00:00Z";
const foreign = claim({ name: "mine", uid: "3", labels: {} });
const kept = claim({ annotations: retained });
const keptNamespace = object("Namespace", "synergychat", { annotations: retained });

function fates(snapshot: ClusterSnapshot, config: Config = {}): readonly (readonly [string, Fate["kind"]])[] {
    return fatesOf(settings(config), snapshot, [instance]).map(
        ({ claim: { metadata }, fate }) => [metadata.name, fate.kind] as const,
    );
}

const [apis, backups] = ["synergychat-api-pvc", "synergychat-api-backups-pvc"];

describe("the fate of a claim", () => {
    const both = { ...running, claims: [claim(), backupsClaim(), foreign] };
    const cases: readonly (readonly [what: string, ClusterSnapshot, Config, [string, Fate["kind"]][]])[] = [
        [
            "with the config as it was",
            both,
            nightly,
            [
                [apis, "mounted"],
                [backups, "declared"],
                ["mine", "foreign"],
            ],
        ],
        [
            "with ephemeral storage",
            both,
            { ...nightly, ...ephemeral },
            [
                [apis, "deleted"],
                [backups, "declared"],
                ["mine", "foreign"],
            ],
        ],
        [
            "with ephemeral storage and retainData",
            both,
            { ...ephemeral, retainData: "true" },
            [
                [apis, "declared"],
                [backups, "deleted"],
                ["mine", "foreign"],
            ],
        ],
        [
            "with another class",
            both,
            { ...nightly, storageClass: "roomy" },
            [
                [apis, "replaced"],
                [backups, "declared"],
                ["mine", "foreign"],
            ],
        ],
        [
            "with another access mode, which the claim of the backups does not follow",
            both,
            { ...nightly, accessMode: "ReadWriteOncePod" },
            [
                [apis, "replaced"],
                [backups, "declared"],
                ["mine", "foreign"],
            ],
        ],
        [
            "with the access mode that it has",
            { ...running, claims: [claim({}, { accessModes: ["ReadWriteOncePod"] })] },
            { accessMode: "ReadWriteOncePod" },
            [[apis, "mounted"]],
        ],
        [
            "that is retained, with another access mode",
            { ...running, claims: [kept] },
            { accessMode: "ReadWriteOncePod" },
            [[apis, "in-the-way"]],
        ],
        [
            "with an existing claim",
            both,
            { ...nightly, existingClaim: "mine" },
            [
                [apis, "deleted"],
                [backups, "declared"],
                ["mine", "foreign"],
            ],
        ],
        [
            "that is retained, with ephemeral storage",
            { ...running, claims: [kept] },
            ephemeral,
            [[apis, "kept"]],
        ],
        [
            "that is retained, with another class",
            { ...running, claims: [kept] },
            { storageClass: "roomy" },
            [[apis, "in-the-way"]],
        ],
        [
            "that somebody has deleted",
            { ...running, claims: [claim({ deletionTimestamp })] },
            {},
            [[apis, "terminating"]],
        ],
        [
            "that somebody else made under the stack's name",
            { ...running, claims: [claim({ labels: {} })] },
            {},
            [[apis, "foreign"]],
        ],
        [
            "that a user's program declares",
            { ...running, claims: [claim({ name: "redis" })] },
            ephemeral,
            [["redis", "foreign"]],
        ],
        [
            "that the api mounts under a former name",
            { ...running, claims: [claim({ name: "chat" })], api: api({ claim: "chat" }) },
            {},
            [["chat", "deleted"]],
        ],
    ];
    for (const [what, snapshot, config, expected] of cases) {
        it(`is decided ${what}`, () => {
            assert.deepEqual(fates(snapshot, config), expected);
        });
    }
});

describe("the claim of the backups", () => {
    // The api is ephemeral, and the backups of its former claim are still there.
    const onlyBackups = { ...runningEphemeral, claims: [backupsClaim()] };

    it("is no claim of the api: a switch to persistent storage needs the class", () => {
        assert.ok(codes(onlyBackups, { ...nightly, storageClass: "fast" }).includes("class-missing"));
        assert.ok(codes({ ...onlyBackups, storageClasses: [] }, nightly).includes("default-class-missing"));
    });

    it("holds no messages that the api would mount", () => {
        const [finding] = findings(onlyBackups, nightly);
        assert.equal(finding?.code, "ephemeral-messages-would-be-lost");
        assert.match(finding.reason, /starts empty/);
    });

    it("needs its class too if it is new", () => {
        assert.deepEqual(codes({ ...running, storageClasses: [] }, nightly), ["default-class-missing"]);
        const claims = fatesOf(settings(nightly), running, [instance]);
        assert.deepEqual(
            newClaims(settings(nightly), claims).map(({ use }) => use),
            ["backups"],
        );
    });

    it("is not offered as existingClaim if it is foreign, and refused as such if the stack makes it", () => {
        const theirs = { ...running, claims: [claim(), backupsClaim({ labels: {} })] };
        const finding = only(theirs, nightly);
        assert.equal(finding.code, "foreign-claim");
        assert.ok(!commandsOf(finding).some((command) => command.includes("existingClaim")));
        const mine = { ...running, claims: [backupsClaim()], api: undefined };
        assert.deepEqual(codes(mine, { ...nightly, existingClaim: backups }), ["existing-claim-is-own"]);
    });
});

describe("what is said of a claim", () => {
    it("is that the stack uses it again only if it does", () => {
        const unknown = { recorded: recorded(undefined) };
        const again = { ...running, namespace: keptNamespace, claims: [kept], api: undefined };
        const note = (config: Config) =>
            findings(again, config, unknown).filter(({ code }) => code === "claim-reattached");
        assert.equal(note({}).length, 1);
        assert.deepEqual(note(ephemeral), []);
    });

    it("is not that messages stay in it, or can be kept, while it is being deleted", () => {
        const going = { ...running, claims: [claim({ deletionTimestamp })] };
        for (const config of [ephemeral, { ...ephemeral, retainData: "true" }, { storageClass: "roomy" }]) {
            assert.deepEqual(codes(going, config), ["claim-terminating"]);
        }
        assert.deepEqual(findings(going, { ...ephemeral, discardClaim: uid }), []);
    });

    it("is not that persistent storage starts empty if the api mounts an existing claim", () => {
        const [finding] = findings({ ...runningEphemeral, claims: [foreign] }, { existingClaim: "mine" });
        assert.match(finding?.reason ?? "", /mounts claim mine/);
    });

    it("is nothing if it may not be listed: everything stops", () => {
        const unlisted = { ...running, claims: undefined, permissions: undefined };
        assert.deepEqual(codes(unlisted), ["permissions-missing"]);
    });
});

describe("the cluster's default class", () => {
    it("may be marked by the beta annotation, which Kubernetes still honours", () => {
        const annotations = { "storageclass.beta.kubernetes.io/is-default-class": "true" };
        const storageClasses = [object("StorageClass", "old", { annotations })];
        assert.deepEqual(codes({ ...fresh, storageClasses }), []);
    });
});
