/** `npm run down`: what it asks and when it deletes, with programs that only record how they are called. */
import { strict as assert } from "node:assert";
import { stackLabels } from "../../components/labels";
import { Recording, type Run, type RunOptions } from "./support/recording";

/**
 * `kubectl proxy` for a cluster with one Deployment that has the stack's labels and is in no state. If Pulumi is to fail
 * in the test, the cluster has the stack's claim too.
 */
const proxy = `
const { createServer } = require("node:http");
const { existsSync } = require("node:fs");
const socket = process.argv.find((arg) => arg.startsWith("--unix-socket=")).slice("--unix-socket=".length);
const metadata = (name) => ({ name, namespace: "synergychat", uid: "1", labels: ${JSON.stringify(stackLabels("synergychat-dev"))} });
const list = (kind, item) => ({ kind: kind + "List", items: [item] });
createServer(({ url }, response) => {
    const answer = url.startsWith("/apis/apps/v1/deployments?")
        ? list("Deployment", { metadata: metadata("synergychat-api") })
        : url === "/api/v1/namespaces/synergychat/persistentvolumeclaims" && existsSync(process.env.STATE + "/declined")
          ? list("PersistentVolumeClaim", { metadata: metadata("synergychat-api-pvc"), spec: {} })
          : undefined;
    response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? { kind: "Status" }));
}).listen(socket, () => console.log("Starting to serve"));
`;

const programs = {
    kubectl: `
case "$*" in
proxy*) exec node "$STATE/proxy.cjs" "$@" ;;
*--raw=/version) echo '{"major":"1"}' ;;
*" delete "*) ;;
*) exit 1 ;;
esac`,
    pulumi: `
case "$*" in
"whoami --json") echo '{"user":"somebody","url":"https://example.org"}' ;;
"stack export"*) echo '{"deployment":{"resources":[{"type":"pulumi:pulumi:Stack"}]}}' ;;
destroy*) test ! -e "$STATE/declined" || exit 255 ;;
esac`,
};

describe("npm run down, with programs that record", function () {
    this.timeout(300_000); // a command takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording(programs);
        recording.write("proxy.cjs", proxy);
        recording.write("Pulumi.dev.yaml", "config:\n  kubernetes:context: own\n");
    });
    afterEach(() => {
        recording.remove();
    });

    /** Runs the command; gives the calls that delete. */
    function down(args: readonly string[], options?: RunOptions): Run {
        const { calls, ...run } = recording.run("down", args, options);
        return { ...run, calls: calls.filter((call) => /^pulumi destroy|^kubectl .* delete /.test(call)) };
    }

    const attended = ["stdin", "stdout"] as const;
    const unrecorded =
        "kubectl --context own delete deployment synergychat-api --namespace synergychat --ignore-not-found --wait=false";

    for (const [situation, options] of [
        ["its output goes to a pipe", { terminal: ["stdin"], typed: "yes\n" }],
        ["its input is a pipe", { terminal: ["stdout"], typed: "yes\n" }],
        ["its input is /dev/null", { terminal: ["stdout"] }],
        ["it has no terminal, as in cron", {}],
    ] as const) {
        it(`refuses without --yes if ${situation}, before it runs any program`, () => {
            const { status, text } = down(["dev"], options);
            assert.equal(status, 2, text);
            assert.match(text, /^npm run down -- dev --yes$/m);
            assert.deepEqual(recording.calls, []);
        });
    }

    it("takes no value of --yes for a yes", () => {
        const { status, text } = down(["--yes=false"], { terminal: attended });
        assert.equal(status, 2, text);
        assert.deepEqual(recording.calls, []);
    });

    it("deletes with --yes without a question, at a terminal or not", () => {
        for (const terminal of [[], attended]) {
            const { status, text, calls } = down(["--yes"], { terminal });
            assert.equal(status, 0, text);
            assert.deepEqual(calls.slice(-2), [unrecorded, "pulumi destroy --yes --refresh --stack dev"]);
        }
    });

    it("asks at a terminal before each deletion: Pulumi asks for what is in its state", () => {
        const { status, text, calls } = down([], { terminal: attended, typed: "y\n" });
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [unrecorded, "pulumi destroy --refresh --stack dev"]);
    });

    it("deletes nothing at a terminal after a no", () => {
        const { status, text, calls } = down([], { terminal: attended, typed: "n\n" });
        assert.equal(status, 1, text);
        assert.match(text, /Delete these\?/);
        assert.deepEqual(calls, []);
    });

    it("exits with 1 after a no to Pulumi, and does not tell the person to delete the claim", () => {
        recording.write("declined");
        const { status, text, calls } = down([], { terminal: attended, typed: "y\n" });
        assert.equal(status, 1);
        assert.equal(calls.at(-1), "pulumi destroy --refresh --stack dev");
        assert.match(text, /synergychat-api-pvc, volume not bound, deleted/);
        assert.doesNotMatch(text, /kubectl delete/);
    });
});
