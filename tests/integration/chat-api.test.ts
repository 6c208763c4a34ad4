/** The api's file, written by the shell of its image: with a kubectl that runs the shell on this machine. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ChatApi } from "../../kubernetes/chat-api.ts";
import { textOf } from "../../kubernetes/messages-file.ts";
import { fakeClient } from "../unit/support/client.ts";

/** Knows one pod. `exec` runs what follows `--` on this machine, with all of its input or only the first bytes. */
const kubectl = `#!/bin/sh
cut=$(dirname "$0")/cut
case "$*" in
*" new -- sh "*)
    while [ "$1" != -- ]; do shift; done
    shift
    if test -e "$cut"; then head -c 9 | "$@"; else exec "$@"; fi ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

const ready = { conditions: [{ type: "Ready", status: "True" }] };
const pods = [
    { metadata: { name: "old", deletionTimestamp: "now" }, status: ready },
    { metadata: { name: "new" }, status: ready },
];

describe("ChatApi.replaceFile", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-api-"));
    const file = join(folder, "data", "db 1.json");
    const env = { PATH: `${folder}${delimiter}${process.env.PATH ?? ""}`, API_DB_FILEPATH: file };
    const client = fakeClient((path) => ({ kind: "found", body: answerOf(path) }));
    const api = new ChatApi(Object.assign(client, { target: { context: "minikube", env } }), "chat");
    const messages = [{ AuthorUsername: "ada", Text: "/stats 'love' \"ä\" \\ $HOME\n", CreatedAt: "then" }];

    function answerOf(path: string): unknown {
        return path.endsWith("/pods/new:8080/proxy/messages")
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
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("fails with the path if the folder of the file does not exist", () => {
        rmSync(join(folder, "data"), { recursive: true });
        assert.throws(() => {
            api.replaceFile("new", textOf(messages));
        }, /db 1\.json\.part/);
    });

    it("does not replace the file by input that was cut short", () => {
        writeFileSync(join(folder, "cut"), "");
        assert.throws(() => {
            api.replaceFile("new", textOf(messages));
        });
        assert.equal(readFileSync(file, "utf8"), "[]");
    });

    it("replaces the whole file, with every field, and leaves nothing beside it", async () => {
        writeFileSync(file, "[{torn");
        assert.equal(api.hasShell("new"), true);
        api.replaceFile("new", textOf(messages));
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
