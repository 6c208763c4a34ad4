/** The api's file, written by the shell of its image: with a kubectl that runs the shell on this machine. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { ChatApi } from "../../kubernetes/chat-api";
import { fakeClient } from "../unit/support/client";

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

    it("fails with the path if the folder of the file does not exist", async () => {
        rmSync(join(folder, "data"), { recursive: true });
        await assert.rejects(api.replaceFile(messages), /db 1\.json\.part/);
    });

    it("does not replace the file by input that was cut short", async () => {
        writeFileSync(join(folder, "cut"), "");
        await assert.rejects(api.replaceFile(messages));
        assert.equal(readFileSync(file, "utf8"), "[]");
    });

    it("replaces the whole file, with every field, and leaves nothing beside it", async () => {
        writeFileSync(file, "[{torn");
        assert.equal(await api.hasShell(), true);
        await api.replaceFile(messages);
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), messages);
        assert.deepEqual(await api.read(), messages);
        assert.deepEqual(readdirSync(join(folder, "data")), ["db 1.json"]);
    });
});
