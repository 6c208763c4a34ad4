/** The api's file, written by the shell of its image: with a kubectl that runs the shell on this machine. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ChatApi } from "../../kubernetes/chat-api.ts";
import { render } from "../../pods/database.ts";
import { TransientError, UserError } from "../../system/errors.ts";
import { capture } from "../../system/process.ts";
import { fakeClient } from "../unit/support/client.ts";

/** Knows one pod. `exec` runs what follows `--` on this machine, with all of its input or only the first bytes. */
const kubectl = `#!/bin/sh
cut=$(dirname "$0")/cut
failure=$(dirname "$0")/failure
if test -e "$failure"; then cat "$failure" >&2; exit 1; fi
case "$*" in
*" new --container=synergychat-api "*"-- sh "*)
    while [ "$1" != -- ]; do shift; done
    shift
    if test -e "$cut"; then head -c 9 | "$@"; else exec "$@"; fi ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

const ready = { conditions: [{ type: "Ready", status: "True" }] };
/** With a guard, whose port is the one that network policies open. */
const spec = {
    initContainers: [{ name: "guard", ports: [{ name: "http", containerPort: 8081 }] }],
    containers: [{ name: "synergychat-api", ports: [{ name: "api", containerPort: 8080 }] }],
};
const pods = [
    { metadata: { name: "old", deletionTimestamp: "now" }, status: ready },
    { metadata: { name: "new" }, spec, status: ready },
];

describe("ChatApi, through the shell of its image", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-api-"));
    const file = join(folder, "data", "db 1.json");
    const env = { PATH: `${folder}${delimiter}${process.env.PATH ?? ""}`, API_DB_FILEPATH: file };
    const client = fakeClient((path) => ({ kind: "found", body: answerOf(path) }));
    const api = new ChatApi(Object.assign(client, { target: { context: "minikube", env } }), "chat");
    const messages = [{ AuthorUsername: "ada", Text: "/stats 'love' \"ä\" \\ $HOME\n", CreatedAt: "then" }];

    function answerOf(path: string): unknown {
        return path.endsWith("/pods/new:8081/proxy/messages")
            ? JSON.parse(readFileSync(file, "utf8"))
            : { kind: "PodList", items: pods };
    }

    before(() => {
        writeFileSync(join(folder, "kubectl"), kubectl, { mode: 0o755 });
    });
    beforeEach(() => {
        mkdirSync(join(folder, "data"));
        writeFileSync(file, "[]");
    });
    afterEach(() => {
        rmSync(join(folder, "data"), { recursive: true, force: true });
        rmSync(join(folder, "cut"), { force: true });
        rmSync(join(folder, "failure"), { force: true });
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("fails with the path if the folder of the file does not exist", async () => {
        rmSync(join(folder, "data"), { recursive: true });
        await assert.rejects(api.replaceFile(render(messages)), /db 1\.json\.part/);
    });

    it("does not replace the file by input that was cut short", async () => {
        writeFileSync(join(folder, "cut"), "");
        await assert.rejects(api.replaceFile(render(messages)));
        assert.equal(readFileSync(file, "utf8"), "[]");
    });

    const goError = 'exec: "sh": executable file not found in $PATH';
    for (const words of [
        `error: Internal error occurred: failed to exec in container: OCI runtime exec failed: ${goError}: unknown`,
        `OCI runtime exec failed: ${goError}\ncommand terminated with exit code 126`,
        "error: crun: executable file `sh` not found in $PATH: No such file or directory",
        "command terminated with exit code 127",
    ]) {
        it(`finds no shell if the runtime says: ${words.split("\n")[0] ?? ""}`, async () => {
            writeFileSync(join(folder, "failure"), words);
            assert.equal(await api.hasShell(), false);
        });
    }

    for (const [words, isTransient] of [
        ["Unable to connect to the server: dial tcp 127.0.0.1:8443: connect: connection refused", true],
        ["error: unable to upgrade connection: container not found (synergychat-api)", true],
        ["Error from server: etcdserver: leader changed", true],
        ['Error from server (NotFound): pods "new" not found', true],
        ["error: Timeout occurred", true],
        ["command terminated with exit code 137", true],
        ['Error from server (Forbidden): pods "new" is forbidden: User "ada" cannot create pods/exec', false],
    ] as const) {
        it(`does not take it for a missing shell if kubectl says: ${words}`, async () => {
            writeFileSync(join(folder, "failure"), words);
            await assert.rejects(
                api.hasShell(),
                (error) => error instanceof UserError && error instanceof TransientError === isTransient,
            );
        });
    }

    it("replaces the whole file, with every field, and leaves nothing beside it", async () => {
        writeFileSync(file, "[{torn");
        assert.equal(await api.hasShell(), true);
        await api.replaceFile(render(messages));
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), messages);
        assert.deepEqual(await api.read(), messages);
        assert.deepEqual(readdirSync(join(folder, "data")), ["db 1.json"]);
    });
});

describe("ChatApi.runningPod", () => {
    const running = { containerStatuses: [{ name: "synergychat-api", state: { running: {} } }] };
    const podOf = (items: readonly object[]) =>
        new ChatApi(
            fakeClient(() => ({ kind: "found", body: { kind: "PodList", items } })),
            "chat",
        ).runningPod();

    it("is the ready pod if there is one", async () => {
        const torn = { metadata: { name: "torn" }, status: running };
        assert.equal(await podOf([torn, { metadata: { name: "new" }, status: ready }]), "new");
    });

    it("is a pod that runs and is not ready, as with a torn file, and none that is being deleted", async () => {
        const leaving = { metadata: { name: "old", deletionTimestamp: "now" }, status: running };
        assert.equal(await podOf([leaving, { metadata: { name: "torn" }, status: running }]), "torn");
    });
});

describe("capture", () => {
    it("ends a program that does not end by itself, and says so", () => {
        const { status, stderr } = capture("sleep", ["60"], process.env, { seconds: 0.1 });
        assert.equal(status, null);
        assert.match(stderr, /sleep did not end within 0.1 s/);
    });
});
