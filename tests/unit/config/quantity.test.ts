import { strict as assert } from "node:assert";
import { bytesOf } from "../../../config/quantity.ts";

describe("bytesOf", () => {
    for (const [quantity, bytes] of [
        ["0", 0],
        ["100", 100],
        ["1k", 1000],
        ["1Ki", 1024],
        ["500Mi", 500 * 1024 ** 2],
        ["1Gi", 1024 ** 3],
        ["1.5Gi", 1.5 * 1024 ** 3],
        ["2G", 2e9],
        ["1T", 1e12],
        ["1Ti", 1024 ** 4],
        ["1P", 1e15],
        ["1Pi", 1024 ** 5],
    ] as const) {
        it(`returns ${bytes} for ${quantity}`, () => {
            assert.equal(bytesOf(quantity), bytes);
        });
    }

    for (const text of ["", "Gi", "1GB", "1 Gi", "-1Gi", "1e9", "100m", "1gi", "1K", ".5Gi", "1.Gi"]) {
        it(`returns nothing for ${JSON.stringify(text)}`, () => {
            assert.equal(bytesOf(text), undefined);
        });
    }
});
