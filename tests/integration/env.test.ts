/** `eval "$(npm run -s env)"`: what the line gives a new terminal, with stand-ins. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Recording } from "./support/recording.ts";

describe("npm run env, on stand-ins", function () {
    this.timeout(600_000); // each run takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording();
        recording.write("running-prod");
        recording.config({ "kubernetes:context": "prod" });
    });
    afterEach(() => {
        recording.remove();
    });

    /** The variables of a clean shell that has evaluated what the command prints. */
    function variables(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
        const { status, stdout, text, calls } = recording.run("env", args, { env });
        assert.equal(status, 0, text);
        assert.ok(
            !calls.some((call) => /^(POST|PATCH|DELETE) |start|pulumi (up|cancel|stack select)/.test(call)),
        );
        const { HOME = "", PATH = "" } = process.env;
        const shell = spawnSync("bash", ["--noprofile", "--norc", "-c", 'eval "$LINES_OF_ENV"; env -0'], {
            env: { HOME, PATH, LINES_OF_ENV: stdout, ...env },
            encoding: "utf8",
        });
        assert.equal(shell.stderr, "");
        return Object.fromEntries(
            shell.stdout.split("\0").map((line) => [line.split("=")[0] ?? "", line.replace(/^[^=]*=/, "")]),
        ) as Readonly<Record<string, string | undefined>>;
    }

    it("names the state on this machine if nobody is logged in, and npm run up says how to get it", () => {
        const { PULUMI_BACKEND_URL, PULUMI_CONFIG_PASSPHRASE_FILE, PULUMI_STACK } = variables();
        const data = join(recording.folder, ".local/share/synergychat");
        assert.equal(PULUMI_BACKEND_URL, `file://${data}/state`);
        assert.equal(PULUMI_CONFIG_PASSPHRASE_FILE, `${data}/passphrase`);
        assert.equal(PULUMI_STACK, undefined);
        const first = recording.run("up").text;
        assert.match(first, /not logged in/);
        assert.match(first, /In each new terminal:\n {2}cd \S+ && eval "\$\(npm run -s env\)"$/m);
        assert.doesNotMatch(recording.run("up").text, /not logged in/);
    });

    it("says that another HOME has a state of its own", () => {
        recording.run("up");
        const other = join(recording.folder, "other");
        const { text } = recording.run("up", [], { env: { HOME: other } });
        assert.ok(text.includes(`${other}/.local/share/synergychat/state.\n`), text);
    });

    for (const [how, env] of [
        ["a token", { PULUMI_ACCESS_TOKEN: "pul-1" }],
        ["a backend", { PULUMI_BACKEND_URL: "s3://states" }],
    ] as const) {
        it(`leaves ${how} that somebody has chosen as it is`, () => {
            const seen = variables([], env);
            assert.deepEqual({ ...seen, ...env }, seen);
            assert.equal(seen.PULUMI_CONFIG_PASSPHRASE_FILE, undefined);
        });
    }

    it("leaves a backend of Pulumi.yaml and a login as they are", () => {
        recording.write("Pulumi.yaml", `${recording.read("Pulumi.yaml")}backend:\n  url: s3://states\n`);
        assert.equal(variables().PULUMI_BACKEND_URL, undefined);
        recording.write("Pulumi.yaml", recording.read("Pulumi.yaml").replace(/^backend[^]*/m, ""));
        mkdirSync(join(recording.folder, "logins"));
        writeFileSync(
            join(recording.folder, "logins/credentials.json"),
            '{"current": "https://api.pulumi.com"}',
        );
        const login = { PULUMI_HOME: join(recording.folder, "logins") };
        assert.equal(variables([], login).PULUMI_BACKEND_URL, undefined);
    });

    it("takes an empty variable for none", () => {
        const empty = { PULUMI_ACCESS_TOKEN: "", PULUMI_BACKEND_URL: "", XDG_DATA_HOME: "", KUBECONFIG: "" };
        const { PULUMI_BACKEND_URL = "" } = variables([], empty);
        assert.equal(PULUMI_BACKEND_URL, `file://${recording.folder}/.local/share/synergychat/state`);
    });

    it("prints the same variables as JSON with --json, and nothing else", () => {
        recording.without("pulumi");
        const { status, stdout, text } = recording.run("env", ["dev", "--json"]);
        assert.equal(status, 0, text);
        const { PATH = "", ...others } = JSON.parse(stdout) as Record<string, string>;
        const data = `${recording.folder}/.local/share/synergychat`;
        assert.ok(PATH.startsWith(`${data}/pulumi/bin:${recording.folder}:`), PATH);
        assert.deepEqual(others, {
            PULUMI_BACKEND_URL: `file://${data}/state`,
            PULUMI_CONFIG_PASSPHRASE_FILE: `${data}/passphrase`,
            PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: "true",
            PULUMI_STACK: "dev",
        });
    });

    it("puts a pulumi of the project's own on the PATH if there is no other, before the shell's PATH", () => {
        recording.without("pulumi");
        const { PATH = "" } = variables();
        const own = `${recording.folder}/.local/share/synergychat/pulumi/bin`;
        assert.equal(PATH, `${own}:${process.env.PATH ?? ""}`);
    });

    it("names the kubeconfig of the config, and the stack if one is named", () => {
        recording.config({ "kubernetes:kubeconfig": "~/own.yaml" });
        const { KUBECONFIG, PULUMI_STACK } = variables(["dev"]);
        assert.equal(KUBECONFIG, `${recording.folder}/own.yaml`);
        assert.equal(PULUMI_STACK, "dev");
    });

    it("is named by an advice that says pulumi, if pulumi is not logged in, and not if it is", () => {
        recording.config({ webReplicas: "0" });
        assert.match(recording.run("up").text, /eval "\$\(npm run -s env\)"/);
        const env = { PULUMI_BACKEND_URL: "s3://states" };
        assert.doesNotMatch(recording.run("up", [], { env }).text, /npm run -s env/);
    });
});
