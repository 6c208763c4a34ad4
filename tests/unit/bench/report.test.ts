import { strict as assert } from "node:assert";
import { type Row, resultTable } from "../../../tools/bench/report.ts";

const row: Row = {
    task: "first up",
    floor: ["kubectl apply", "kubectl"],
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

    it("takes ratios within each round, so that a slow round changes nothing", () => {
        // The third round was ten times as slow for both.
        const uneven = { ...row, values: { kubectl: [2, 3, 25], program: [4, 6, 50] } };
        assert.match(cells(resultTable([uneven]))[4] ?? "", /\*\*2\.00x\*\* \(2\.00 to 2\.00\)/);
    });

    it("leaves cells empty if nobody was measured, or if there is no aim", () => {
        const values = { kubectl: [140], program: [210] };
        const memory: Row = { task: row.task, floor: row.floor, unit: "MiB", values };
        const expected = ["first up", "kubectl apply: 140 MiB", "", "", "210 MiB = **1.50x** (1.50 to 1.50)"];
        assert.deepEqual(cells(resultTable([memory])), [...expected, "", "", ""]);
    });

    it("takes the mean of the two in the middle of an even number of rounds, ordered by value", () => {
        const even = { ...row, values: { kubectl: [100, 1, 4, 10], program: [100, 1, 4, 10] } };
        assert.equal(cells(resultTable([even]))[4], "7.0 s = **1.00x** (1.00 to 1.00)");
    });
});
