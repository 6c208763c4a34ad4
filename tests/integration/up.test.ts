/** `npm run up` on a minikube and on other clusters, with stand-ins that record how they are called. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { isLinuxRoot, thisMachine } from "../../system/machine.ts";
import { Recording, type Run, type RunOptions, outputs } from "./support/recording.ts";

describe("npm run up, on stand-ins", function () {
    this.timeout(600_000); // each run takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording();
    });
    afterEach(() => {
        recording.remove();
    });

    /** Runs the command. The calls are those that change something. */
    function up(args: readonly string[] = [], options?: RunOptions): Run {
        const run = recording.run("up", args, options);
        const changing = /^minikube (start|addons enable)|^pulumi (stack select|up)|^POST .*ingresses/;
        return { ...run, calls: run.calls.filter((call) => changing.test(call)) };
    }

    const select = "pulumi stack select --create --non-interactive --stack dev";
    const deploy = "pulumi up --yes --skip-preview --stack dev";
    const start = "minikube start --profile minikube";
    const enable = "minikube addons enable ingress --profile minikube";
    const probe = "POST /apis/networking.k8s.io/v1/namespaces/default/ingresses?dryRun=All";
    const notReady =
        'Internal error occurred: failed calling webhook "validate.nginx.ingress.kubernetes.io": connection refused';

    it("starts a stopped minikube and enables its ingress controller before it deploys", () => {
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [start, select, enable, probe, deploy]);
    });

    it("opens one connection to the cluster, and asks Pulumi no question twice", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        const { calls } = recording.run("up");
        assert.equal(calls.filter((call) => call.startsWith("kubectl proxy")).length, 1);
        // The state is read before and after the change.
        const questions = calls.filter((call) => call.startsWith("pulumi") && !/ (export|up) /.test(call));
        assert.deepEqual(questions, [...new Set(questions)]);
    });

    it("changes nothing about a minikube that runs with its ingress controller", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [select, probe, deploy]);
    });

    it("starts and prepares the profile behind the context, whatever other profile is active", () => {
        const profiles = [{ Name: "minikube" }, { Name: "second" }];
        recording.write("profiles", JSON.stringify({ valid: profiles, invalid: [] }));
        recording.config({ "kubernetes:context": "second" });
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        const ofMinikube = calls.filter((call) => call.startsWith("minikube"));
        assert.deepEqual(ofMinikube, [
            "minikube start --profile second",
            "minikube addons enable ingress --profile second",
        ]);
    });

    it("deploys only when the admission webhook of the ingress controller answers", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        recording.write("refusal-1", notReady);
        recording.write("refusal-2", notReady);
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [select, probe, probe, probe, deploy]);
    });

    it("leaves any other refusal of an Ingress to Pulumi", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        recording.write("refusal-1", "Forbidden: ingresses.networking.k8s.io is forbidden");
        const { status, calls } = up();
        assert.equal(status, 0);
        assert.deepEqual(calls, [select, probe, deploy]);
    });

    it("waits for the ingress controller of a cluster that is no minikube", () => {
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
        recording.write("refusal-1", notReady);
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [select, probe, probe, deploy]);
    });

    const withoutNginx: Record<string, string>[] = [
        { exposure: "none" },
        { exposure: "gateway", gatewayClass: "eg" },
    ];
    for (const config of withoutNginx) {
        it(`enables no ingress controller and waits for none with ${JSON.stringify(config)}`, () => {
            recording.write("running-minikube");
            recording.config(config);
            const { status, text, calls } = up();
            assert.equal(status, 0, text);
            assert.deepEqual(calls, [select, deploy]);
        });
    }

    it("enables no ingress controller for another ingress class", () => {
        recording.write("running-minikube");
        recording.config({ ingressClass: "contour" });
        const { status, text, calls } = up();
        assert.equal(status, 0, text);
        assert.deepEqual(calls, [select, probe, deploy]);
    });

    const addons: readonly (readonly [string, Record<string, string>, string, string | undefined])[] = [
        ["enables traefik in a minikube that has no ingress", { traefik: "disabled" }, "", "traefik"],
        ["leaves traefik as the default class", { ingress: "disabled", traefik: "enabled" }, "", undefined],
        ["enables traefik for its class", { ingress: "disabled", traefik: "disabled" }, "traefik", "traefik"],
        ["enables nothing in a minikube that has neither", { dashboard: "enabled" }, "", undefined],
        ["leaves two enabled addons", { ingress: "enabled", traefik: "enabled" }, "traefik", undefined],
    ];
    for (const [title, statuses, ingressClass, addon] of addons) {
        it(`${title}: ingressClass "${ingressClass}"`, () => {
            recording.write("running-minikube");
            const list = Object.entries(statuses).map(([name, Status]) => [name, { Status }]);
            recording.write("addons", JSON.stringify(Object.fromEntries(list)));
            recording.config(ingressClass === "" ? {} : { ingressClass });
            const { status, text, calls } = up();
            assert.equal(status, 0, text);
            const enabled = calls.filter((call) => call.startsWith("minikube addons enable"));
            assert.deepEqual(enabled, addon ? [`minikube addons enable ${addon} --profile minikube`] : []);
        });
    }

    it("says how to go on if the addon cannot be enabled", () => {
        recording.write("running-minikube");
        recording.write("broken");
        const { status, text, calls } = up();
        assert.equal(status, 1, text);
        assert.match(text, /pulumi config set exposure none/);
        assert.ok(!calls.includes(deploy));
    });

    it("shows what kubectl says if a cluster does not answer, and runs kubectl without a kuberc", () => {
        recording.config({ "kubernetes:context": "prod" });
        const { text } = up();
        assert.match(text, /proxyconnect tcp: 407/);
        assert.match(recording.read("kuberc"), /^(off\n)+$/);
    });

    it("enables no ingress controller beside another one, which binds the same ports", () => {
        recording.write("running-minikube");
        recording.write("addons", '{"ingress":{"Status":"disabled"},"traefik":{"Status":"enabled"}}');
        recording.config({ ingressClass: "nginx" });
        const { status, text, calls } = up();
        assert.equal(status, 1, text);
        assert.match(text, /pulumi config set ingressClass traefik/);
        assert.match(text, /minikube addons disable traefik --profile minikube/);
        assert.deepEqual(calls, [select]);
    });

    it("names minikube's node if nothing answers", function () {
        if (thisMachine() !== "linux") {
            this.skip();
        }
        recording.write("running-minikube");
        recording.write("ip", "192.0.2.2\n");
        recording.write("ingress");
        const ingress = {
            kind: "Ingress",
            metadata: { name: "app-ingress", namespace: "synergychat", uid: "1" },
            // TEST-NET-1: packets to it get no answer.
            status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
        };
        recording.objects({
            "/apis/networking.k8s.io/v1/namespaces/synergychat/ingresses/app-ingress": ingress,
        });
        const began = performance.now();
        const { status, text } = up();
        assert.equal(status, 0, text);
        assert.match(text, /192\.0\.2\.2 synchat\.invalid synchatapi\.invalid/);
        // One deadline for all addresses, not a minute for each.
        assert.ok(performance.now() - began < 300_000);
    });

    it("waits for an address that a load balancer gets after the update, and says so", () => {
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
        const path = "/apis/networking.k8s.io/v1/namespaces/synergychat/ingresses/app-ingress";
        const ingress = (list: readonly object[]) => ({
            kind: "Ingress",
            metadata: { name: "app-ingress", namespace: "synergychat", uid: "1" },
            status: { loadBalancer: { ingress: list } },
        });
        recording.objects({ [path]: ingress([]) });
        recording.write("later", JSON.stringify({ [path]: ingress([{ ip: "192.0.2.1" }]) }));
        const { status, text } = up();
        assert.equal(status, 0, text);
        assert.match(text, /at most \d+ s/);
        assert.match(text, /192\.0\.2\.1 does not answer/);
    });

    it("resolves the name of a load balancer for the hosts file, advises records, and prints the addresses with --json", async () => {
        const script = `const server = require("node:http").createServer(({ url }, response) =>
            response.end(url === "/messages" ? "[]" : "SynergyChat"));
            server.listen(0, "127.0.0.1", () => console.log(server.address().port));`;
        const server = spawn(process.execPath, ["--eval", script], { stdio: ["ignore", "pipe", "inherit"] });
        const [port] = (await once(server.stdout, "data")) as [Buffer];
        const urls = ["synchat", "synchatapi"].map((name) => `http://${name}.invalid:${String(port).trim()}`);
        const [webUrl, apiUrl] = urls;
        recording.state([{ type: "pulumi:pulumi:Stack", outputs: { ...outputs, webUrl, apiUrl } }]);
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
        recording.objects({
            "/apis/networking.k8s.io/v1/namespaces/synergychat/ingresses/app-ingress": {
                kind: "Ingress",
                metadata: { name: "app-ingress", namespace: "synergychat", uid: "1" },
                status: { loadBalancer: { ingress: [{ hostname: "localhost" }] } },
            },
        });
        const { status, stdout, text } = up(["--json"]);
        server.kill();
        assert.equal(status, 0, text);
        assert.match(text, /^ {2}127\.0\.0\.1 synchat\.invalid synchatapi\.invalid$/m);
        assert.match(
            text,
            /^ {2}synchat\.invalid CNAME localhost\n {2}synchatapi\.invalid CNAME localhost$/m,
        );
        assert.match(text, /curl --resolve '\*:80:127\.0\.0\.1'/);
        assert.deepEqual(JSON.parse(stdout), {
            ...{ stack: "dev", context: "prod", namespace: "synergychat", storageMode: "persistent" },
            ...{ webUrl, apiUrl, policiesEnforced: null },
            addresses: { "synchat.invalid": "127.0.0.1", "synchatapi.invalid": "127.0.0.1" },
        });
    });

    it("names the port-forwards if the app is not exposed", () => {
        recording.write("running-minikube");
        recording.config({ exposure: "none" });
        const { text } = up();
        assert.match(text, /kubectl port-forward --namespace synergychat service\/web-service/);
        assert.match(text, /pulumi config set apiUrl http:\/\/localhost:8081 && pulumi up/);
        assert.doesNotMatch(text, /synchat\.invalid/);
        recording.config({ apiUrl: "http://localhost:9000" });
        assert.match(up().text, /service\/api-service 9000:http/);
    });

    it("leaves the stack's config file as it was, interrupted or not", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        const before = recording.read("Pulumi.dev.yaml");
        assert.equal(up().status, 0);
        assert.equal(recording.read("Pulumi.dev.yaml"), before);
        recording.write("interrupted");
        assert.notEqual(up().status, 0);
        assert.equal(recording.read("Pulumi.dev.yaml"), before);
    });

    it("uses the kubeconfig that the config names, and refuses one that is given as content", () => {
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod", "kubernetes:kubeconfig": "~/own.yaml" });
        const { status, text } = up();
        assert.equal(status, 0, text);
        assert.match(recording.read("kubeconfig"), new RegExp(`^${recording.folder}/own.yaml$`, "m"));
        recording.config({ "kubernetes:kubeconfig": '{"a": 1}' });
        assert.equal(up().status, 1);
    });

    it("works on the selected stack, and on another one if that is named", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        recording.write("selected", "two");
        recording.write("Pulumi.two.yaml", "config:\n  kubernetes:context: minikube\n");
        assert.equal(up().calls.at(-1), "pulumi up --yes --skip-preview --stack two");
        assert.equal(up(["dev"]).calls.at(-1), deploy);
    });

    it("waits at a terminal until the page answers, after all that it has to say", async () => {
        recording.write("running-minikube");
        recording.write("ingress");
        const options = { terminal: ["stdin", "stdout"] } as const;
        const text = await recording.runUntil(/at most 10 min/, "up", [], options);
        assert.match(text, /To look around:[^]*at most 10 min/);
    });

    it("previews and asks at a terminal, unless --yes is given", () => {
        recording.write("running-minikube");
        recording.config({ exposure: "none" });
        const terminal = ["stdin", "stdout"] as const;
        assert.equal(up([], { terminal }).calls.at(-1), "pulumi up --stack dev");
        assert.equal(up(["--yes"], { terminal }).calls.at(-1), deploy);
    });

    it("says after a no to Pulumi that nothing was changed, and not that pulumi failed", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        recording.write("declined");
        const { status, text } = up([], { terminal: ["stdin", "stdout"] });
        assert.equal(status, 1);
        assert.match(text, /^Nothing was changed\.$/m);
        assert.doesNotMatch(text, /failed/);
    });

    it("goes ahead without a terminal", () => {
        recording.write("running-minikube");
        recording.write("ingress");
        assert.equal(up([], { terminal: ["stdin"] }).calls.at(-1), deploy);
    });

    for (const args of [["--now"], ["--yes=false"], ["-y"], ["dev", "prod"]]) {
        it(`exits with 2 and changes nothing if it is called with ${args.join(" ")}`, () => {
            const { status, text, calls } = up(args);
            assert.equal(status, 2, text);
            assert.deepEqual(calls, []);
        });
    }

    it("exits with 2 and changes nothing if npm has kept its option", () => {
        const { status, text, calls } = up([], { env: { npm_config_yes: "true" } });
        assert.equal(status, 2, text);
        assert.match(text, /npm run up -- --yes$/m);
        assert.deepEqual(calls, []);
    });

    it("prints its help and exits with 0", () => {
        const { status, text, calls } = up(["--help"]);
        assert.equal(status, 0);
        assert.match(text, /Usage: npm run up -- \[STACK\]/);
        assert.match(text, /--yes/);
        assert.deepEqual(calls, []);
    });

    it("deploys nothing if minikube does not start, and prints no stack trace", () => {
        recording.write("broken");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.deepEqual(calls, [start]);
        assert.match(text, /no driver found/);
        assert.equal(text.includes("minikube start --profile minikube --force"), isLinuxRoot());
        assert.doesNotMatch(text, /^\s+at /m);
    });

    it("names the stacks that exist if there is none of that name", () => {
        const { status, text, calls } = up(["dve"]);
        assert.equal(status, 1);
        assert.match(text, /Stacks that have one: dev\./);
        assert.deepEqual(calls, []);
    });

    it("starts no minikube for a stack that names another cluster", () => {
        recording.config({ "kubernetes:context": "elsewhere" });
        assert.deepEqual({ ...up(), text: "", stdout: "" }, { status: 1, calls: [], text: "", stdout: "" });
        recording.config({ "kubernetes:context": "prod" });
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.match(text, /kubectl --context prod get nodes/);
        assert.deepEqual(calls, []);
    });

    it("names an invalid config before anything changes", () => {
        recording.write("running-minikube");
        recording.config({ webReplicas: "0" });
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.match(text, /webReplicas is "0"/);
        assert.deepEqual(calls, [select]);
    });

    it("names a pulumi that is too old before anything changes", () => {
        recording.write("running-minikube");
        recording.write("version", "v3.100.0\n");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.match(text, /v3\.100\.0/);
        assert.deepEqual(calls, []);
    });

    it("says that kubectl is missing before anything changes", () => {
        recording.without("kubectl");
        const { status, text, calls } = up();
        assert.equal(status, 1);
        assert.match(text, /kubectl is not on the PATH/);
        assert.deepEqual(calls, []);
    });
});
