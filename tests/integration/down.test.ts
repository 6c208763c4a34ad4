/** `npm run down`: what it asks and when it deletes, with stand-ins that record how they are called. */
import { strict as assert } from "node:assert";
import { stackLabels } from "../../model/labels.ts";
import { Recording, type Run, type RunOptions } from "./support/recording.ts";

const core = "/api/v1/namespaces/synergychat";
const metadata = (name: string, more: object = {}) => ({
    name,
    namespace: "synergychat",
    uid: name,
    labels: stackLabels("synergychat-dev"),
    ...more,
});
const unrecorded = "/apis/apps/v1/namespaces/synergychat/deployments/synergychat-api";
const claimPath = `${core}/persistentvolumeclaims/synergychat-api-pvc`;
const deployment = { kind: "Deployment", metadata: metadata("synergychat-api"), spec: {} };

describe("npm run down, on stand-ins", function () {
    this.timeout(600_000); // each run takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording();
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
        recording.objects({ [unrecorded]: deployment });
    });
    afterEach(() => {
        recording.remove();
    });

    /** Runs the command. The calls are those that delete. */
    function down(args: readonly string[] = [], options?: RunOptions): Run {
        const run = recording.run("down", args, options);
        return { ...run, calls: run.calls.filter((call) => /^pulumi destroy|^DELETE /.test(call)) };
    }

    const atTerminal = ["stdin", "stdout"] as const;
    const preview = "pulumi destroy --preview-only --stack dev";
    const destroy = "pulumi destroy --yes --skip-preview --stack dev";
    const deleted = `DELETE ${unrecorded}?propagationPolicy=Background`;

    for (const [situation, options] of [
        ["its output goes to a pipe", { terminal: ["stdin"], typed: "yes\n" }],
        ["its input is a pipe", { terminal: ["stdout"], typed: "yes\n" }],
        ["its input is /dev/null", { terminal: ["stdout"] }],
        ["it has no terminal, as in cron", {}],
    ] as const) {
        it(`refuses without --yes if ${situation}, before it runs any program`, () => {
            const run = recording.run("down", ["dev"], options);
            assert.equal(run.status, 2, run.text);
            assert.match(run.text, /npm run down -- dev --yes$/m);
            assert.deepEqual(run.calls, []);
        });
    }

    it("does not take a value of --yes for a yes", () => {
        const { status, calls } = down(["--yes=false"], { terminal: atTerminal });
        assert.equal(status, 2);
        assert.deepEqual(calls, []);
    });

    it("deletes nothing if the config is invalid", () => {
        recording.config({ retainData: "yes" });
        const { status, text, calls } = down(["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /retainData is "yes".*\[invalid-value\]/);
        assert.deepEqual(calls, []);
    });

    it("deletes with --yes without a question, at a terminal or not", () => {
        for (const terminal of [[], atTerminal]) {
            recording.objects({ [unrecorded]: deployment });
            const { status, text, calls } = down(["--yes"], { terminal });
            assert.equal(status, 0, text);
            assert.deepEqual(calls, [deleted, destroy]);
        }
    });

    it("asks once at a terminal, after Pulumi has listed what it would delete", () => {
        const { status, text, calls } = down([], { terminal: atTerminal, typed: "y\n" });
        assert.equal(status, 0, text);
        assert.match(text, /state does not have.*:\n {2}Deployment synergychat-api/);
        assert.deepEqual(calls, [preview, deleted, destroy]);
    });

    it("deletes nothing at a terminal after a no", () => {
        const { status, calls } = down([], { terminal: atTerminal, typed: "n\n" });
        assert.equal(status, 1);
        assert.deepEqual(calls, [preview]);
    });

    it("takes the end of the input (Ctrl+D) for a no, without a stack trace", () => {
        const { text, calls } = down([], { terminal: atTerminal, typed: "" });
        assert.deepEqual(calls, [preview]);
        assert.match(text, /Nothing was changed/);
        assert.doesNotMatch(text, /^\s+at /m);
    });

    it("prints what became of the data as JSON with --json, and nothing else", () => {
        const volume = {
            kind: "PersistentVolume",
            metadata: { name: "kept", uid: "kept" },
            spec: {
                persistentVolumeReclaimPolicy: "Retain",
                claimRef: { namespace: "synergychat", name: "synergychat-api-pvc", uid: "gone" },
            },
        };
        recording.objects({ [unrecorded]: deployment, "/api/v1/persistentvolumes/kept": volume });
        const { status, stdout, text } = down(["--yes", "--json"]);
        assert.equal(status, 0, text);
        assert.deepEqual(JSON.parse(stdout), {
            stack: "dev",
            data: [{ kind: "volume", name: "kept", kept: true }],
        });
        recording.state([]);
        recording.objects({});
        assert.deepEqual(JSON.parse(down(["--yes", "--json"]).stdout), { stack: "dev", data: [] });
    });

    it("runs pulumi cancel on no dead lock if a command only reads", () => {
        const reading = recording.run("verify").calls;
        assert.ok(!reading.some((call) => call.startsWith("pulumi cancel")));
    });

    it("does not suggest to delete a claim that a failed destroy has not come to", () => {
        recording.write("declined");
        recording.objects({
            [claimPath]: {
                kind: "PersistentVolumeClaim",
                metadata: metadata("synergychat-api-pvc"),
                spec: {},
            },
        });
        const { status, text } = down(["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /synergychat-api-pvc will be deleted/);
        assert.doesNotMatch(text, /kubectl delete/);
    });

    it("says how to set kubectl's namespace back if it is the one that is gone", () => {
        const setBack = /kubectl config set-context prod --namespace=default/;
        assert.doesNotMatch(down(["--yes"]).text, setBack);
        recording.write("namespace", "synergychat");
        assert.match(down(["--yes"]).text, setBack);
    });

    it("says what holds a namespace that stays Terminating", () => {
        recording.write("declined");
        recording.state([
            {
                type: "kubernetes:core/v1:Namespace",
                id: "synergychat",
                inputs: { kind: "Namespace" },
                outputs: { metadata: { name: "synergychat" } },
            },
        ]);
        recording.objects({
            "/api/v1/namespaces/synergychat": {
                kind: "Namespace",
                metadata: { name: "synergychat", uid: "1", deletionTimestamp: "2026-01-01T00:00:00Z" },
                status: {
                    conditions: [
                        {
                            type: "NamespaceDeletionDiscoveryFailure",
                            status: "True",
                            message: "Discovery failed: metrics.example/v1: stale GroupVersion discovery",
                        },
                    ],
                },
            },
        });
        const { status, text } = down(["--yes"]);
        assert.equal(status, 1, text);
        assert.match(text, /namespace-terminating.*\n.*metrics\.example\/v1/);
    });

    it("starts no cluster to destroy nothing, and says how to forget the stack", () => {
        recording.config({ "kubernetes:context": "minikube" });
        const run = recording.run("down", ["--yes"]);
        assert.equal(run.status, 1, run.text);
        assert.ok(!run.calls.some((call) => call.startsWith("minikube start")));
        assert.match(run.text, /pulumi stack rm dev --force/);
    });

    for (const [situation, profiles, status, advice] of [
        [
            "stopped",
            ["minikube"],
            '{"Host":"Stopped","APIServer":"Stopped"}',
            /minikube start --profile minikube/,
        ],
        [
            "paused",
            ["minikube"],
            '{"Host":"Running","APIServer":"Paused"}',
            /minikube unpause --profile minikube/,
        ],
        ["not answering", ["minikube"], '{"Host":"Running","APIServer":"Running"}', /proxyconnect tcp: 407/],
        ["deleted", [], "", /There is no minikube profile minikube[^]*npm run up -- dev/],
    ] as const) {
        it(`says of a minikube profile that it is ${situation}`, () => {
            recording.config({ "kubernetes:context": "minikube" });
            const valid = profiles.map((Name) => ({ Name }));
            recording.write("profiles", JSON.stringify({ valid, invalid: [] }));
            recording.write("minikube-status", status);
            const run = recording.run("down", ["--yes"]);
            assert.equal(run.status, 1, run.text);
            assert.match(run.text, advice);
            assert.equal(run.text.includes("unpause"), situation === "paused");
        });
    }

    it("names the selected stack to forget, and none if it is not the cluster that is missing", () => {
        recording.write("Pulumi.prod.yaml", "config:\n  kubernetes:context: minikube\n");
        recording.write("selected", "prod");
        assert.match(recording.run("down", ["--yes"]).text, /pulumi stack rm prod --force/);
        recording.without("kubectl");
        assert.doesNotMatch(recording.run("down", ["--yes"]).text, /pulumi stack rm/);
    });

    describe("with a volume that minikube made before its provisioner's last start", () => {
        const folder = "/tmp/hostpath-provisioner/synergychat/synergychat-api-pvc";
        const path = "/api/v1/persistentvolumes/pvc-1";
        const volume = {
            kind: "PersistentVolume",
            metadata: {
                name: "pvc-1",
                uid: "pvc-1",
                creationTimestamp: "2026-01-01T08:00:00Z",
                annotations: { "pv.kubernetes.io/provisioned-by": "k8s.io/minikube-hostpath" },
            },
            spec: {
                claimRef: { namespace: "synergychat", name: "synergychat-api-pvc", uid: "before" },
                persistentVolumeReclaimPolicy: "Delete",
                hostPath: { path: folder },
            },
            status: { phase: "Released" },
        };
        const running = { startedAt: "2026-01-02T08:00:00Z" };
        const provisioner = { status: { containerStatuses: [{ state: { running } }] } };
        const removal = /sudo rm -rf '?\/tmp\/hostpath-provisioner\/synergychat\/synergychat-api-pvc'?$/;

        beforeEach(() => {
            recording.write("running-minikube");
            recording.write("folder");
            recording.config({ "kubernetes:context": "minikube" });
            recording.objects({
                [path]: volume,
                "/api/v1/namespaces/kube-system/pods/storage-provisioner": provisioner,
            });
        });

        it("deletes it and its folder with --yes, at once", () => {
            const { status, text, calls } = recording.run("down", ["--yes"]);
            assert.equal(status, 0, text);
            assert.ok(calls.includes(`DELETE ${path}?propagationPolicy=Background`), text);
            assert.equal(calls.filter((call) => removal.test(call)).length, 1);
            assert.doesNotMatch(text, /Waiting/);
            assert.match(text, /gone {2}volume pvc-1/);
            assert.match(text, /gone {2}data folder/);
        });

        it("deletes it also if it is Bound for a moment after its claim is gone", () => {
            const objects = {
                "/api/v1/namespaces/kube-system/pods/storage-provisioner": provisioner,
            };
            recording.objects({ ...objects, [path]: { ...volume, status: { phase: "Bound" } } });
            recording.write("later", JSON.stringify({ ...objects, [path]: volume }));
            const { status, text, calls } = recording.run("down", ["--yes"]);
            assert.equal(status, 0, text);
            assert.ok(calls.includes(`DELETE ${path}?propagationPolicy=Background`), text);
        });

        it("names it before it asks at a terminal, and deletes nothing after a no", () => {
            const { status, text, calls } = recording.run("down", [], { terminal: atTerminal, typed: "n\n" });
            assert.equal(status, 1, text);
            assert.ok(!calls.some((call) => /^DELETE |rm -rf/.test(call)));
            assert.match(text, /volume pvc-1 will be deleted/);
        });

        it("spares a folder that the volume of another claim uses", () => {
            const claimRef = { namespace: "other", name: "other", uid: "other" };
            const other = { ...volume, spec: { ...volume.spec, claimRef }, status: { phase: "Bound" } };
            recording.objects({
                [path]: volume,
                "/api/v1/persistentvolumes/pvc-2": {
                    ...other,
                    metadata: { ...volume.metadata, name: "pvc-2", uid: "pvc-2" },
                },
                "/api/v1/namespaces/kube-system/pods/storage-provisioner": provisioner,
            });
            const { text, calls } = recording.run("down", ["--yes"]);
            assert.ok(calls.includes(`DELETE ${path}?propagationPolicy=Background`), text);
            assert.ok(!calls.some((call) => call.includes("rm -rf")));
        });

        it("spares the folder of a volume that it may not delete", () => {
            recording.write("undeletable");
            const { status, text, calls } = recording.run("down", ["--yes"]);
            assert.equal(status, 1, text);
            assert.ok(!calls.some((call) => call.includes("rm -rf")));
            assert.match(text, /left {2}volume pvc-1/);
            assert.match(text, /kubectl --context minikube delete pv pvc-1$/m);
        });

        it("keeps it with retainData", () => {
            recording.config({ retainData: "true" });
            const { status, text, calls } = recording.run("down", ["--yes"]);
            assert.equal(status, 0, text);
            assert.ok(!calls.some((call) => /^DELETE |rm -rf/.test(call)));
            assert.match(text, /kept {2}volume pvc-1/);
        });
    });
});
