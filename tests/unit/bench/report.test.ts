import { strict as assert } from "node:assert";
import { type Row, median, ratios, resultTable } from "../../../tools/bench/report.ts";

const row: Row = {
    task: "first up",
    floor: ["kubectl apply", "kubectl"],
    unit: "s",
    aim: 1.4,
    values: { kubectl: [4, 4, 8], plain: [16, 20, 32], program: [6, 5, 10] },
};

function cells(table: string): string[] {
    const [, , line = ""] = table.split("\n");
    const parts = line.split("|").slice(1, -1);
    return parts.map((cell) => cell.trim());
}

describe("the table of the benchmark", () => {
    it("has seconds, ratios with their spread, and whether the aim is met", () => {
        assert.deepEqual(cells(resultTable([row])), [
            "first up",
            "kubectl apply: 4.0 s",
            "",
            "20.0 s = **4.00x** (4.00 to 5.00)",
            "6.0 s = **1.25x** (1.25 to 1.50)",
            "",
            "1.4x",
            "yes",
        ]);
    });

    it("compares with the sum of both floors of the same round", () => {
        const afterStart = { ...row, starts: [2, 1, 2] };
        assert.equal(cells(resultTable([afterStart])).at(-3), "**1.00x** (1.00 to 1.00)");
    });

    it("says that an aim is not met by the median, not by the best round", () => {
        const slow = { ...row, values: { kubectl: [1, 1, 1], program: [1.3, 1.5, 1.6] } };
        assert.equal(cells(resultTable([slow])).at(-1), "no");
    });

    it("leaves cells empty if nobody was measured, or if there is no aim", () => {
        const values = { kubectl: [140], program: [210] };
        const memory: Row = { task: row.task, floor: row.floor, unit: "MiB", values };
        const expected = ["first up", "kubectl apply: 140 MiB", "", "", "210 MiB = **1.50x** (1.50 to 1.50)"];
        assert.deepEqual(cells(resultTable([memory])), [...expected, "", "", ""]);
    });
});

describe("median", () => {
    it("is the middle value, or the mean of the two in the middle", () => {
        assert.equal(median([9, 1, 5]), 5);
        assert.equal(median([10, 1, 4, 2]), 3);
        assert.equal(median([7]), 7);
    });

    it("orders numbers by value, and leaves the list as it is", () => {
        const values = [100, 9, 20];
        assert.equal(median(values), 20);
        assert.deepEqual(values, [100, 9, 20]);
    });

    it("refuses to make a figure of no values", () => {
        assert.throws(() => median([]));
    });
});

describe("ratios", () => {
    it("are taken within each round, so that a slow round changes nothing", () => {
        // The third round was ten times as slow for both.
        assert.deepEqual(ratios([4, 6, 50], [2, 3, 25]), [2, 2, 2]);
    });

    it("refuse rounds without a partner", () => {
        assert.throws(() => ratios([1, 2], [1]));
    });
});
