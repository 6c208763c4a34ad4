import { strict as assert } from "node:assert";
import { type Name, type Sample, type TaskName, resultTable, tasks } from "../../../tools/bench/report.ts";

type Values = Partial<Record<Name, readonly number[]>>;

const values: Values = { kubectl: [4, 4, 8], plain: [16, 20, 32], program: [6, 5, 10] };

/** The cells of a task, of which everybody has these values. */
function cells(own: Values, task: TaskName = "first", others: readonly Sample[] = []): string[] {
    const samples = Object.entries(own).flatMap(([name, all]) =>
        all.map((value) => ({ task, name: name as Name, value })),
    );
    const line = resultTable([...others, ...samples])
        .split("\n")
        .find((one) => one.startsWith(`| ${tasks[task].task} |`));
    const parts = (line ?? "").split("|").slice(1, -1);
    return parts.map((cell) => cell.trim());
}

describe("the table of the benchmark", () => {
    it("has seconds, ratios with their spread, and whether the aim is met", () => {
        assert.deepEqual(cells(values), [
            "first up until ready",
            "kubectl apply, rollout status: 4.0 s",
            "",
            "20.0 s = **4.00x** (4.00 to 5.00)",
            "6.0 s = **1.25x** (1.25 to 1.50)",
            "",
            "1.4x",
            "yes",
        ]);
    });

    it("compares with the sum of both floors of the same round", () => {
        const starts = [2, 1, 2].map((value) => ({ task: "nothing", name: "empty", value }) as const);
        assert.equal(cells(values, "first", starts).at(-3), "**1.00x** (1.00 to 1.00)");
    });

    it("says that an aim is not met by the median, not by the best round", () => {
        assert.equal(cells({ kubectl: [1, 1, 1], program: [1.3, 1.5, 1.6] }).at(-1), "no");
    });

    it("takes ratios within each round, so that a slow round changes nothing", () => {
        // The third round was ten times as slow for both.
        const uneven = { kubectl: [2, 3, 25], program: [4, 6, 50] };
        assert.match(cells(uneven)[4] ?? "", /\*\*2\.00x\*\* \(2\.00 to 2\.00\)/);
    });

    it("leaves cells empty if nobody was measured, or if there is no aim", () => {
        const expected = ["peak memory of the program", "an empty program: 140 MiB", "", ""];
        assert.deepEqual(cells({ empty: [140], program: [210] }, "memory"), [
            ...expected,
            ...["210 MiB = **1.50x** (1.50 to 1.50)", "", "", ""],
        ]);
    });

    it("takes the mean of the two in the middle of an even number of rounds, ordered by value", () => {
        const even = { kubectl: [100, 1, 4, 10], program: [100, 1, 4, 10] };
        assert.equal(cells(even)[4], "7.0 s = **1.00x** (1.00 to 1.00)");
    });
});
