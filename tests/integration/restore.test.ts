/** `npm run restore` and `npm run backup`: what they refuse before they ask any cluster, with stand-ins that record calls. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
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
