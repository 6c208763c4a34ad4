/** The api's file, written by the shell of its image: on a kubectl that runs the shell here. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { RunningApi } from "../../operations/api";

/** Knows one pod; `exec` runs what follows `--` on this machine. */
const kubectl = `#!/bin/sh
case "$*" in
*" new -- sh "*) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

const ready = { conditions: [{ type: "Ready", status: "True" }] };
const pods = [
    { metadata: { name: "old", deletionTimestamp: "now" }, status: ready },
    { metadata: { name: "new" }, status: ready },
];

describe("the api's file", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-api-"));
    const file = join(folder, "data", "db 1.json");
    const env = { PATH: `${folder}${delimiter}${process.env.PATH ?? ""}`, API_DB_FILEPATH: file };
    const api = new RunningApi(
        {
            target: { context: "minikube", env },
            read: (path) => Promise.resolve({ kind: "found", body: answerOf(path) }),
            post: () => assert.fail("nothing is posted"),
        },
        "chat",
    );
    const messages = [{ AuthorUsername: "ada", Text: "/stats 'love' \"ä\" \\ $HOME\n", CreatedAt: "then" }];

    function answerOf(path: string): unknown {
        return path.endsWith("/pods/new:8080/proxy/messages")
            ? JSON.parse(readFileSync(file, "utf8"))
            : { kind: "PodList", items: pods };
    }

    before(() => {
        writeFileSync(join(folder, "kubectl"), kubectl, { mode: 0o755 });
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("cannot be written where its folder is not there, and that is said", async () => {
        assert.equal(await api.hasShell(), true);
        await assert.rejects(
            api.replaceFile(messages),
            /The api's file cannot be written .*db 1\.json\.part/,
        );
    });

    it("is replaced whole, with every field, and reads back the same", async () => {
        mkdirSync(join(folder, "data"));
        writeFileSync(file, "[{torn");
        await api.replaceFile(messages);
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), messages);
        assert.deepEqual(await api.read(), messages);
        assert.deepEqual(readdirSync(join(folder, "data")), ["db 1.json"]);
    });
});
