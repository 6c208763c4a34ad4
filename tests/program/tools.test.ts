/** The checksum of a guarded pod: a restart of the api for each change of what it runs, and for nothing else. */
import { strict as assert } from "node:assert";
import { toolFiles, toolsChecksum } from "../../components/tools.ts";

describe("the checksum of the guard's programs", () => {
    const files = toolFiles();
    const checksumAfterEdit = (name: string) =>
        toolsChecksum(["guard.ts", "supervisor.sh"], { ...files, [name]: `${files[name] ?? ""}\n` });
    const checksum = toolsChecksum(["guard.ts", "supervisor.sh"]);

    for (const name of ["guard.ts", "supervisor.sh", "keeper.ts", "copies.ts", "database.ts", "events.ts"]) {
        it(`changes with ${name}`, () => {
            assert.notEqual(checksumAfterEdit(name), checksum);
        });
    }

    for (const name of ["backup.ts", "backups.ts"]) {
        it(`does not change with ${name}, which only the backups run`, () => {
            assert.equal(checksumAfterEdit(name), checksum);
        });
    }
});
