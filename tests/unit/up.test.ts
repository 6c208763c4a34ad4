/**
 * `npm run up` on minikube, which does not run everywhere: programs that only record how they are called stand for
 * minikube, kubectl and pulumi, and keep just enough state to answer as minikube would.
 */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** The recorded programs, as shell scripts. `$STATE` is a folder: its files say what is so. */
const programs = {
    minikube: `
case "$*" in
start) test ! -e "$STATE/broken" || { echo "no driver found" >&2; exit 1; }; touch "$STATE/running" ;;
"addons list --output=json")
    if test -e "$STATE/ingress"; then status=enabled; else status=disabled; fi
    echo '{"ingress":{"Profile":"minikube","Status":"'$status'"}}' ;;
"addons enable ingress") touch "$STATE/ingress" ;;
*) exit 1 ;;
esac`,
    kubectl: `
echo "$KUBECONFIG" >> "$STATE/kubeconfig"
case "$*" in
"config get-contexts --output=name") printf 'minikube\\nprod\\n' ;;
*--raw=/version) test -e "$STATE/running" && echo '{"major":"1"}' ;;
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

const root = resolve(__dirname, "../..");

describe("npm run up, with a recording minikube", () => {
    let folder: string;

    beforeEach(() => {
        folder = mkdtempSync(join(tmpdir(), "synergychat-up-"));
        for (const [program, script] of Object.entries(programs)) {
            const recording = `#!/bin/sh\necho "${program} $*" >> "$STATE/calls"\n${script}\n`;
            writeFileSync(join(folder, program), recording, { mode: 0o755 });
        }
        write(
            "state",
            JSON.stringify({ deployment: { resources: [{ type: "pulumi:pulumi:Stack", outputs }] } }),
        );
        for (const file of ["Pulumi.yaml", "Pulumi.dev.yaml"]) {
            copyFileSync(join(root, file), join(folder, file));
        }
    });
    afterEach(() => {
        rmSync(folder, { recursive: true });
    });

    function write(file: string, text = ""): void {
        writeFileSync(join(folder, file), text);
    }

    /** Runs the command in a folder of its own; gives what it printed, and the calls of minikube and of pulumi up. */
    function up(...named: readonly string[]): { status: number | null; text: string; calls: string[] } {
        const env = {
            PATH: [folder, dirname(process.execPath), "/usr/bin", "/bin"].join(":"),
            HOME: folder,
            STATE: folder,
            TS_NODE_PROJECT: join(root, "tsconfig.json"),
        };
        const args = [
            "--require",
            require.resolve("ts-node/register"),
            join(root, "operations/up.ts"),
            ...named,
        ];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, {
            cwd: folder,
            env,
            encoding: "utf8",
        });
        const file = join(folder, "calls");
        const calls = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
        const changing = /^minikube|^pulumi (stack select|up)/;
        return { status, text: stdout + stderr, calls: calls.filter((call) => changing.test(call)) };
    }

    const deploy = [
        "pulumi stack select dev --create --non-interactive",
        "pulumi up --yes --skip-preview --refresh --stack dev",
    ];

    it("starts a minikube that is stopped, and enables its ingress, before it deploys", () => {
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [
            "minikube start",
            "minikube addons list --output=json",
            "minikube addons enable ingress",
            ...deploy,
        ]);
        assert.match(text, /Starting minikube: minikube start/);
        assert.match(text, /Enabling minikube's ingress controller: minikube addons enable ingress/);
    });

    it("enables the ingress of one that runs without", () => {
        write("running");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [
            "minikube addons list --output=json",
            "minikube addons enable ingress",
            ...deploy,
        ]);
        assert.doesNotMatch(text, /Starting minikube/);
    });

    it("changes nothing about one that runs with it", () => {
        write("running");
        write("ingress");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, ["minikube addons list --output=json", ...deploy]);
        assert.doesNotMatch(text, /Starting|Enabling/);
    });

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
        const config = () => readFileSync(join(folder, "Pulumi.dev.yaml"), "utf8");
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
            readFileSync(join(folder, "kubeconfig"), "utf8"),
            new RegExp(`^${folder}/own.yaml$`, "m"),
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
        assert.match(up("dev").text, /^Stack dev, context minikube\.$/m);
    });

    it("says what it takes when it is given something else", () => {
        for (const args of [["--yes"], ["--yes=1"], ["-y"], ["dev", "prod"]]) {
            const { status, text, calls } = up(...args);
            assert.equal(status, 1);
            assert.match(
                text,
                /^(--?y(es)?|prod) is nothing that this command knows.\nUsage: npm run up -- \[STACK\]/m,
            );
            assert.deepEqual(calls, []);
        }
        const { status, text, calls } = up("--help");
        assert.equal(status, 0);
        assert.match(text, /^Usage: npm run up -- \[STACK\]\n$/);
        assert.deepEqual(calls, []);
    });

    it("deploys nothing when minikube does not start, and says so without a stack trace", () => {
        write("broken");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.deepEqual(calls, ["minikube start"]);
        assert.match(text, /no driver found[\s\S]*minikube start failed \(exit status 1\), see above/);
        assert.doesNotMatch(text, /^\s+at /m);
    });

    it("makes nothing of a name that no stack has, and says which there are", () => {
        const { status, text, calls } = up("dve");
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
