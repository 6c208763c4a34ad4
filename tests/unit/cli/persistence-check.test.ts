import { strict as assert } from "node:assert";
import { volumesOfCopy } from "../../../cli/commands/verify/persistence-check.ts";

describe("the volumes of the copy of the api's pod", () => {
    const claimed = (name: string, claimName: string) => ({ name, persistentVolumeClaim: { claimName } });

    it("are a claim of its own in place of the api's, and nothing of the backups", () => {
        const cache = { name: "cache", emptyDir: {} };
        const volumes = [claimed("data", "api-pvc"), claimed("backups", "backups-pvc"), cache];
        assert.deepEqual(volumesOfCopy(volumes, "api-pvc"), [
            claimed("data", "synergychat-verify"),
            { name: "backups", emptyDir: {} },
            cache,
        ]);
    });

    it("have no claim if the api has none", () => {
        assert.deepEqual(volumesOfCopy([claimed("backups", "backups-pvc")], undefined), [
            { name: "backups", emptyDir: {} },
        ]);
    });
});
