import { strict as assert } from "node:assert";
import { type Finding, hasErrors, reaching, renderFinding, renderFindings } from "../../../model/finding.ts";

const finding: Finding = {
    code: "unknown-key",
    severity: "error",
    reason: "One.\nTwo.",
    fixes: [
        { to: "Remove it", run: ["a", "b"] },
        { to: "Keep", run: ["c"] },
    ],
};

describe("a rendered finding", () => {
    it("has its code behind the first line, and a line for each command, aligned", () => {
        assert.equal(
            renderFinding(finding),
            ["One. [unknown-key]", "Two.", "  Remove it:  a", "              b", "  Keep:       c"].join(
                "\n",
            ),
        );
    });

    it("is its reason alone if there is no fix", () => {
        assert.equal(renderFinding({ ...finding, reason: "One.", fixes: [] }), "One. [unknown-key]");
    });

    it("is indented, with a blank line between two", () => {
        const short = { ...finding, reason: "One.", fixes: [] };
        assert.equal(renderFindings([short, short]), "  One. [unknown-key]\n\n  One. [unknown-key]");
    });
});

describe("a finding whose commands reach a stack", () => {
    it("adds the stack to every command that works on the selected one, and to no other", () => {
        const run = [
            "pulumi config set namespace chat",
            "pulumi up --refresh",
            "pulumi state delete 'urn:pulumi:dev::chat::pkg:index:Api::api'",
            "npm run up",
            "npm run switch -- ephemeral",
            "npm run switch -- ephemeral --no-backup",
            "npm run backup",
            "npm run backup -- --file messages.json",
            "npm run restore -- NAME other --yes",
            "npm run restore -- '/home/ann smith/chat.json'",
            "pulumi stack init NAME",
            "kubectl delete pod looker",
        ];
        assert.deepEqual(reaching({ ...finding, fixes: [{ to: "Go on", run }] }, { stack: "dev" }).fixes, [
            {
                to: "Go on",
                run: [
                    "pulumi config set namespace chat --stack dev",
                    "pulumi up --refresh --stack dev",
                    "pulumi state delete 'urn:pulumi:dev::chat::pkg:index:Api::api' --stack dev",
                    "npm run up -- dev",
                    "npm run switch -- ephemeral dev",
                    "npm run switch -- ephemeral --no-backup dev",
                    "npm run backup -- dev",
                    "npm run backup -- --file messages.json dev",
                    "npm run restore -- NAME other --yes",
                    "npm run restore -- '/home/ann smith/chat.json' dev",
                    "pulumi stack init NAME",
                    "kubectl delete pod looker",
                ],
            },
        ]);
    });

    it("adds the context of its cluster to every kubectl command that asks a cluster, and changes nothing else", () => {
        const named = "kubectl --context second delete pv pvc-1";
        const run = ["kubectl get pv --output name | grep x", "kubectl config get-contexts", named];
        const fixes = [{ to: "Go on", run }];
        assert.deepEqual(reaching({ ...finding, fixes }, { context: "prod" }).fixes, [
            {
                to: "Go on",
                run: [
                    "kubectl get pv --output name --context prod | grep x",
                    "kubectl config get-contexts",
                    named,
                ],
            },
        ]);
        assert.deepEqual(reaching({ ...finding, fixes }, {}).fixes, fixes);
    });
});

describe("hasErrors", () => {
    it("is true only if a finding is an error", () => {
        assert.ok(hasErrors([{ ...finding, severity: "note" }, finding]));
        assert.ok(!hasErrors([{ ...finding, severity: "warning" }]));
        assert.ok(!hasErrors([]));
    });
});
