/** The checksum of a guarded pod: a restart of the api for each change of what it runs, and for nothing else. */
import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { toolFiles, toolsChecksum } from "../../components/tools.ts";

describe("the checksum of the guard's programs", () => {
    const files = toolFiles();
    const checksumAfterEdit = (name: string) =>
        toolsChecksum(["guard.js", "supervisor.sh"], { ...files, [name]: `${files[name] ?? ""}\n` });
    const checksum = toolsChecksum(["guard.js", "supervisor.sh"]);

    for (const name of ["guard.js", "supervisor.sh", "keeper.js", "copies.js", "database.js", "events.js"]) {
        it(`changes with ${name}`, () => {
            assert.notEqual(checksumAfterEdit(name), checksum);
        });
    }

    for (const name of ["backup.js", "backups.js"]) {
        it(`does not change with ${name}, which only the backups run`, () => {
            assert.equal(checksumAfterEdit(name), checksum);
        });
    }
});

describe("the programs in the pods", () => {
    for (const [name, text] of Object.entries(toolFiles()).filter(([one]) => one.endsWith(".js"))) {
        it(`are JavaScript, which Node.js runs as it is: ${name}`, () => {
            const check = ["--check", "--input-type=module", "-"];
            const { status, stderr } = spawnSync(process.execPath, check, { input: text, encoding: "utf8" });
            assert.equal(status, 0, stderr);
        });
    }
});
