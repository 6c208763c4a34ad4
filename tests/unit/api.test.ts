/** The api's file, written by the shell of its image: on a kubectl that runs the shell here. */
import { strict as assert } from "node:assert";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { RunningApi } from "../../operations/api";

/** Knows one ready pod; `exec` runs what follows `--` on this machine. */
const kubectl = `#!/bin/sh
case "$*" in
*/pods?labelSelector*)
    echo '{"items": [
        {"metadata": {"name": "old", "deletionTimestamp": "now"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        {"metadata": {"name": "new"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}]}' ;;
*/pods/new:8080/proxy/messages*) cat "$API_DB_FILEPATH" ;;
*" new -- sh "*) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
`;

describe("the api's file", () => {
    const folder = mkdtempSync(join(tmpdir(), "synergychat-api-"));
    const file = join(folder, "data", "db 1.json");
    const env = { PATH: `${folder}${delimiter}${process.env.PATH ?? ""}`, API_DB_FILEPATH: file };
    const api = new RunningApi({ context: "minikube", env }, "chat");
    const messages = [{ AuthorUsername: "ada", Text: "/stats 'love' \"ä\" \\ $HOME\n", CreatedAt: "then" }];

    before(() => {
        writeFileSync(join(folder, "kubectl"), kubectl, { mode: 0o755 });
    });
    after(() => {
        rmSync(folder, { recursive: true });
    });

    it("cannot be written where its folder is not there, and that is said", async () => {
        assert.equal(await api.hasShell(), true);
        await assert.rejects(api.replaceFile(messages), /The api's file cannot be written/);
    });

    it("is replaced whole, with every field, and reads back the same", async () => {
        mkdirSync(join(folder, "data"));
        writeFileSync(file, "[{torn");
        await api.replaceFile(messages);
        assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), messages);
        assert.deepEqual(await api.messages(), messages);
        assert.deepEqual(readdirSync(join(folder, "data")), ["db 1.json"]);
    });
});
