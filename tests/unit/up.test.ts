/**
 * `npm run up` on minikube, which does not run everywhere: programs that only record how they are called stand for
 * minikube, kubectl and pulumi, and keep just enough state to answer as minikube would.
 */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { untilIngressesAreAccepted } from "../../operations/ingress";
import { UserError } from "../../operations/process";
import { Recording, type RunOptions } from "./support/recording";

/** The recorded programs, as shell scripts. `$STATE` is a folder: its files say what is so. */
const programs = {
    minikube: `
case "$*" in
"-p minikube start") test ! -e "$STATE/broken" || { echo "no driver found" >&2; exit 1; }; touch "$STATE/running" ;;
"-p minikube addons list --output=json")
    if test -e "$STATE/ingress"; then status=enabled; else status=disabled; fi
    echo '{"ingress":{"Profile":"minikube","Status":"'$status'"}}' ;;
"-p minikube addons enable ingress") touch "$STATE/ingress" ;;
*) exit 1 ;;
esac`,
    kubectl: `
echo "$KUBECONFIG" >> "$STATE/kubeconfig"
case "$*" in
"config get-contexts --output=name") printf 'minikube\\nprod\\n' ;;
*--raw=/version) test -e "$STATE/running" && echo '{"major":"1"}' ;;
*" create ingress "*)
    for refusal in "$STATE"/refusal-*; do
        test -e "$refusal" && cat "$refusal" >&2 && rm "$refusal" && exit 1
    done
    exit 0 ;;
*) exit 1 ;;
esac`,
    pulumi: `
case "$*" in
"whoami --json") echo '{"user":"somebody","url":"https://example.org"}' ;;
"stack export"*) cat "$STATE/state" ;;
"stack --show-name"*) cat "$STATE/selected" 2>/dev/null ;;
up*)
    echo "encryptionsalt: v1:abc" >>Pulumi.dev.yaml
    if test -e "$STATE/interrupted"; then kill -INT $PPID; sleep 0.2; exit 1; fi ;;
esac`,
};

const outputs = {
    webUrl: "http://synchat.internal",
    apiUrl: "http://synchatapi.internal",
    namespaceName: "synergychat",
    storageMode: "persistent",
    claimName: "synergychat-api-pvc",
    retainsData: false,
    nextCommands: ["kubectl get pods"],
};

describe("npm run up, with a recording minikube", function () {
    this.timeout(300_000); // a command takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording(programs);
        write(
            "state",
            JSON.stringify({ deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs }] } }),
        );
    });
    afterEach(() => {
        recording.remove();
    });

    function write(file: string, text = ""): void {
        recording.write(file, text);
    }

    /** Runs the command; gives what it printed, and the calls of minikube and of pulumi up. */
    function up(args: readonly string[] = [], options?: RunOptions): ReturnType<Recording["run"]> {
        const { calls, ...run } = recording.run("up", args, options);
        const changing = /^minikube|^pulumi (stack select|up)/;
        return { ...run, calls: calls.filter((call) => changing.test(call)) };
    }

    const deploy = [
        "pulumi stack select dev --create --non-interactive",
        "pulumi up --yes --skip-preview --refresh --stack dev",
    ];

    it("starts a minikube that is stopped, and enables its ingress, before it deploys", () => {
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [
            "minikube -p minikube start",
            "minikube -p minikube addons list --output=json",
            "minikube -p minikube addons enable ingress",
            ...deploy,
        ]);
        assert.match(text, /Starting minikube: minikube -p minikube start/);
        assert.match(
            text,
            /Enabling minikube's ingress controller: minikube -p minikube addons enable ingress/,
        );
    });

    it("enables the ingress of one that runs without", () => {
        write("running");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [
            "minikube -p minikube addons list --output=json",
            "minikube -p minikube addons enable ingress",
            ...deploy,
        ]);
        assert.doesNotMatch(text, /Starting minikube/);
    });

    it("changes nothing about one that runs with it", () => {
        write("running");
        write("ingress");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, ["minikube -p minikube addons list --output=json", ...deploy]);
        assert.doesNotMatch(text, /Starting|Enabling/);
    });

    const starting =
        'Error from server (InternalError): Internal error occurred: failed calling webhook "validate.nginx.ingress.kubernetes.io": ' +
        'failed to call webhook: Post "https://ingress-nginx-controller-admission.ingress-nginx.svc:443": dial tcp 10.96.0.9:443: connect: connection refused';

    it("deploys only when the admission webhook of the ingress controller answers", () => {
        write("running");
        write("refusal-1", starting);
        write("refusal-2", starting);
        const { status, text } = up();
        assert.equal(status, 0, text);
        const order = recording.calls.flatMap(
            (call) => / create ingress |^pulumi up/.exec(call)?.[0].trim() ?? [],
        );
        assert.deepEqual(order, ["create ingress", "create ingress", "create ingress", "pulumi up"]);
        assert.ok(
            recording.calls.every(
                (call) => !call.includes(" create ") || call.includes(" --dry-run=server "),
            ),
        );
    });

    it("leaves any other refusal of an Ingress to Pulumi: a person may have no right to it in namespace default", () => {
        write("running");
        write("refusal-1", "Error from server (Forbidden): ingresses.networking.k8s.io is forbidden");
        assert.equal(up().status, 0);
        assert.equal(recording.calls.filter((call) => call.includes(" create ingress ")).length, 1);
    });

    it("waits for the ingress controller of any cluster, and of minikube after a stop", () => {
        write("ingress");
        write("refusal-1", starting);
        const { calls } = up();
        assert.deepEqual(calls, [
            "minikube -p minikube start",
            "minikube -p minikube addons list --output=json",
            ...deploy,
        ]);
        write("Pulumi.dev.yaml", "config:\n  kubernetes:context: own\n");
        write("refusal-1", starting);
        assert.equal(up().status, 0);
        assert.equal(recording.calls.filter((call) => call.includes(" create ingress ")).length, 4);
    });

    it("gives up when the limit passes, with what the cluster says", async () => {
        write("refusal-1", starting);
        await assert.rejects(untilIngressesAreAccepted("minikube", recording.env, 0), (error: Error) => {
            assert.ok(error instanceof UserError);
            assert.ok(error.message.includes(starting), error.message);
            return true;
        });
    });

    for (const [key, value] of [
        ["exposure", "none"],
        ["exposure", "gateway"],
        ["ingressClass", "contour"],
    ] as const) {
        it(`enables no ingress controller and waits for none if ${key} is ${value}`, () => {
            write("running");
            write("refusal-1", starting);
            write(
                "Pulumi.dev.yaml",
                `config:\n  kubernetes:context: minikube\n  synergychat:${key}: ${value}\n`,
            );
            const { status, text, calls } = up();
            assert.equal(status, 0, text);
            assert.deepEqual(calls, deploy);
            assert.ok(!recording.calls.some((call) => call.includes(" create ingress ")));
        });
    }

    it("ends with the addresses and the tunnel that they may need", () => {
        write("running");
        write("ingress");
        const { text } = up();
        assert.match(text, /SynergyChat is up, with persistent storage/);
        assert.match(text, /page {2}http:\/\/synchat.internal/);
        assert.match(text, /Run minikube tunnel in a terminal of its own/);
    });

    it("leaves the stack's config file as it was, interrupted (Ctrl-C) or not", () => {
        write("running");
        write("ingress");
        const config = () => readFileSync(join(recording.folder, "Pulumi.dev.yaml"), "utf8");
        const before = config();
        assert.equal(up().status, 0);
        assert.equal(config(), before);
        write("interrupted");
        const { status, text } = up();
        assert.notEqual(status, 0, text);
        assert.equal(config(), before);
    });

    it("uses the kubeconfig that the stack's config names, and none that is given as content", () => {
        write("running");
        write("Pulumi.dev.yaml", "config:\n  kubernetes:context: own\n  kubernetes:kubeconfig: ~/own.yaml\n");
        assert.equal(up().status, 0);
        assert.match(
            readFileSync(join(recording.folder, "kubeconfig"), "utf8"),
            new RegExp(`^${recording.folder}/own.yaml$`, "m"),
        );
        write(
            "Pulumi.dev.yaml",
            "config:\n  kubernetes:context: own\n  kubernetes:kubeconfig: '{\"a\": 1}'\n",
        );
        const { status, text } = up();
        assert.equal(status, 1);
        assert.match(text, /kubernetes:kubeconfig in Pulumi.dev.yaml is a kubeconfig's content/);
    });

    it("works on the stack that is selected, and on another only when that is named", () => {
        write("running");
        write("ingress");
        write("selected", "two");
        write("Pulumi.two.yaml", "config:\n  kubernetes:context: minikube\n");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.match(text, /^Stack two, context minikube\.$/m);
        assert.ok(calls.includes("pulumi up --yes --skip-preview --refresh --stack two"), calls.join("\n"));
        assert.match(up(["dev"]).text, /^Stack dev, context minikube\.$/m);
    });

    it("previews and asks at a terminal, unless --yes is given", () => {
        write("running");
        write("ingress");
        const ups = () => recording.calls.filter((call) => call.startsWith("pulumi up"));
        assert.equal(up([], { terminal: ["stdin", "stdout"] }).status, 0);
        assert.deepEqual(ups(), ["pulumi up --refresh --stack dev"]);
        assert.equal(up(["--yes"], { terminal: ["stdin", "stdout"] }).status, 0);
        assert.deepEqual(ups().slice(1), ["pulumi up --yes --skip-preview --refresh --stack dev"]);
    });

    it("goes ahead if there is no terminal, with and without --yes", () => {
        write("running");
        write("ingress");
        for (const args of [[], ["--yes"]]) {
            const { status, text, calls } = up(args, { terminal: ["stdin"] });
            assert.equal(status, 0, text);
            assert.deepEqual(calls.slice(-2), deploy);
        }
    });

    it("exits with 2 and prints its usage if it is called wrongly, and changes nothing", () => {
        for (const [args, wrong] of [
            [["--now"], "--now"],
            [["--yes=false"], "--yes=false"],
            [["-y"], "-y"],
            [["dev", "prod"], "prod"],
        ] as const) {
            const { status, text, calls } = up(args);
            assert.equal(status, 2, text);
            assert.ok(text.includes(`: ${wrong}\nUsage: npm run up -- [STACK] [--yes]`), text);
            assert.deepEqual(calls, []);
        }
        const { status, text, calls } = up(["--help"]);
        assert.equal(status, 0);
        assert.match(text, /^Usage: npm run up -- \[STACK\] \[--yes\]\n$/);
        assert.deepEqual(calls, []);
    });

    it("deploys nothing when minikube does not start, and says so without a stack trace", () => {
        write("broken");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.deepEqual(calls, ["minikube -p minikube start"]);
        assert.match(
            text,
            /no driver found[\s\S]*minikube -p minikube start failed \(exit status 1\), see above/,
        );
        assert.doesNotMatch(text, /^\s+at /m);
    });

    it("makes nothing of a name that no stack has, and says which there are", () => {
        const { status, text, calls } = up(["dve"]);
        assert.equal(status, 1);
        assert.match(text, /There is no stack dve here, no file Pulumi\.dve\.yaml\. There is: dev\./);
        assert.deepEqual(calls, []);
    });

    it("starts no minikube for a stack that names another cluster", () => {
        write("Pulumi.dev.yaml", "config:\n  kubernetes:context: elsewhere\n");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.deepEqual(calls, []);
        assert.match(
            text,
            /kubernetes:context is "elsewhere": your kubeconfig has no such context. It has: minikube, prod\./,
        );
        write("Pulumi.dev.yaml", "config:\n  kubernetes:context: prod\n");
        assert.match(up().text, /The cluster of context prod does not answer. Is it running\?/);
    });
});
