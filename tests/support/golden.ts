/** Files that tests compare with, and that `npm run golden` rewrites, so that a change of them is reviewed like code. */
import { strict as assert } from "node:assert";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** Fails unless the file has exactly this text. With `npm run golden`, writes it instead. */
export function assertGolden(path: string, text: string): void {
    if (process.env.GOLDEN === "update") {
        writeFileSync(path, text);
    }
    const known = existsSync(path) ? readFileSync(path, "utf8") : "";
    assert.equal(text, known, `${path} is out of date. Review the change, and run: npm run golden`);
}
