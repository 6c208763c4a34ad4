/** `npm run restore` and `npm run backup`: what they refuse before they ask any cluster, with stand-ins that record calls. */
import { strict as assert } from "node:assert";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Recording } from "./support/recording.ts";

describe("npm run restore and npm run backup, on stand-ins", function () {
    this.timeout(600_000); // each run takes seconds to start, and longer on a busy machine
    let recording: Recording;

    beforeEach(() => {
        recording = new Recording();
    });
    afterEach(() => {
        recording.remove();
    });

    it("refuse to restore without --yes and without a terminal, and name the command that does", () => {
        const { status, text, calls } = recording.run("restore", ["my chat.json", "dev", "--messages=3"]);
        assert.equal(status, 2, text);
        assert.match(text, /npm run restore -- '.*\/my chat\.json' dev --messages 3 --yes$/m);
        assert.deepEqual(calls, []);
    });

    it("take a restore of nothing for wrong usage", () => {
        const { status, text, calls } = recording.run("restore");
        assert.equal(status, 2, text);
        assert.match(text, /npm run backups$/m);
        assert.deepEqual(calls, []);
    });

    it("say without a name how to go on with a restore that was interrupted, for each stack", () => {
        const folder = join(recording.folder, ".local", "share", "synergychat", "restores");
        mkdirSync(folder, { recursive: true });
        const entries = (stack: string) => ({
            pid: 1,
            stack,
            source: { named: "/tmp/db.json" },
            wanted: "[]",
            copy: `${folder}/${stack}-20260105T120000Z.json`,
        });
        for (const [index, stack] of ["dev", "prod"].entries()) {
            const journal = `0f1e0000-0000-4000-8000-00000000000${index}.json`;
            writeFileSync(join(folder, journal), JSON.stringify(entries(stack)));
            writeFileSync(entries(stack).copy, "[]");
        }
        const { status, text, calls } = recording.run("restore");
        assert.equal(status, 1, text);
        for (const stack of ["dev", "prod"]) {
            assert.ok(text.includes(`npm run restore -- /tmp/db.json ${stack} --yes`), text);
            assert.ok(text.includes(`npm run restore -- ${entries(stack).copy} ${stack} --yes`), text);
        }
        assert.deepEqual(calls, []);
    });

    for (const [situation, file] of [
        ["a file that exists", "Pulumi.yaml"],
        ["a file in a folder that does not exist", "absent/messages.json"],
    ] as const) {
        it(`refuse to write a backup to ${situation}`, () => {
            const before = readFileSync(join(recording.folder, "Pulumi.yaml"), "utf8");
            const { status, text, calls } = recording.run("backup", ["--file", file]);
            assert.equal(status, 1, text);
            assert.ok(text.includes(file.replace(/\/.*/, "")), text);
            assert.deepEqual(calls, []);
            assert.equal(readFileSync(join(recording.folder, "Pulumi.yaml"), "utf8"), before);
        });
    }
});
