import { strict as assert } from "node:assert";
import { type Row, picture, ratioOf, resultTable } from "../../../tools/bench/report.ts";

const row: Row = {
    task: "first up",
    floor: "kubectl apply",
    unit: "s",
    aim: 1.4,
    values: { floor: [4, 4, 8], plain: [16, 20, 32], program: [6, 5, 10] },
};

function cells(table: string): string[][] {
    return table
        .split("\n")
        .slice(2)
        .map((line) =>
            line
                .split("|")
                .slice(1, -1)
                .map((cell) => cell.trim()),
        );
}

describe("the table of the benchmark", () => {
    it("has seconds, ratios with their spread, and whether the aim is met", () => {
        assert.deepEqual(cells(resultTable([row])), [
            [
                "first up",
                "kubectl apply: 4.0 s",
                "",
                "20.0 s = **4.00x** (4.00 to 5.00)",
                "6.0 s = **1.25x** (1.25 to 1.50)",
                "1.4x",
                "yes",
            ],
        ]);
    });

    it("says that an aim is not met by the median, not by the best round", () => {
        const slow = { ...row, values: { floor: [1, 1, 1], program: [1.3, 1.5, 1.6] } };
        assert.equal(cells(resultTable([slow]))[0]?.at(-1), "no");
    });

    it("leaves cells empty if nobody was measured, or if there is no aim", () => {
        const { aim, ...others } = row;
        const memory: Row = { ...others, unit: "MiB", values: { floor: [140], program: [210] } };
        assert.deepEqual(cells(resultTable([memory])), [
            ["first up", "kubectl apply: 140 MiB", "", "", "210 MiB = **1.50x** (1.50 to 1.50)", "", ""],
        ]);
        assert.equal(aim, 1.4);
        assert.equal(ratioOf(memory, "plain"), undefined);
    });
});

describe("the picture of the benchmark", () => {
    const bars = (svg: string) => [
        ...svg.matchAll(/<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="14"/g),
    ];
    const widths = (svg: string) => bars(svg).map(([, width]) => Number(width));

    it("has a bar for each contestant, as long as its ratio", () => {
        const [program = 0, plain = 0] = widths(picture([row]));
        assert.ok(Math.abs(plain / program - 4 / 1.25) < 0.01, `${plain} to ${program}`);
    });

    it("ends a bar that is too long at the end of the scale, with its number beside it", () => {
        const far = { ...row, values: { floor: [1], program: [50] } };
        const svg = picture([far]);
        assert.ok((widths(svg)[0] ?? 0) < 500);
        assert.match(svg, />50\.00x</);
    });

    it("is well-formed if a task has characters of XML", () => {
        const svg = picture([{ ...row, task: "a < b & c" }]);
        assert.match(svg, />a &lt; b &amp; c</);
    });
});
