/** The picture in the README: drawn from the program, and still the program's. */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { declared } from "../../operations/declared";
import { draw } from "../../operations/drawing";

describe("the picture of the stack", () => {
    it("is the one that npm run picture draws now", async () => {
        const ephemeral = await declared({ storageMode: "ephemeral" });
        const persistent = await declared({ storageMode: "persistent" });
        const committed = readFileSync("docs/stack.svg", "utf8");
        assert.ok(
            draw({ ephemeral, persistent }) === committed,
            "the program has changed: run npm run picture",
        );
    });

    it("shows every resource of both modes by its name", async () => {
        for (const storageMode of ["ephemeral", "persistent"]) {
            for (const { inputs } of await declared({ storageMode })) {
                const name = inputs.metadata?.name ?? "";
                assert.ok(readFileSync("docs/stack.svg", "utf8").includes(`${name}</text>`), name);
            }
        }
    });

    it("changes with the program", async () => {
        const few = await declared({ crawlerContainers: "1", webHost: "other.internal" });
        const drawn = draw({ ephemeral: few, persistent: few });
        assert.ok(drawn.includes("http://other.internal"));
        assert.ok(!drawn.includes("synergychat-crawler-2"));
    });
});
