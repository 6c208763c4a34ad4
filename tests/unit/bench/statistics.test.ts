import { strict as assert } from "node:assert";
import { median, ratios, spread } from "../../../tools/bench/statistics.ts";

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
});

describe("spread", () => {
    it("has the least and the greatest value beside the median", () => {
        assert.deepEqual(spread([3, 1, 2]), { median: 2, least: 1, greatest: 3 });
    });

    it("refuses to make a figure of no values", () => {
        assert.throws(() => spread([]));
    });
});

describe("ratios", () => {
    it("are taken within each round, so that a slow round changes nothing", () => {
        // The third round was ten times as slow for both.
        assert.deepEqual(ratios([4, 6, 50], [2, 3, 25]), { median: 2, least: 2, greatest: 2 });
    });

    it("are not the ratio of the medians", () => {
        assert.equal(ratios([2, 3, 40], [1, 4, 10]).median, 2);
    });

    it("refuse rounds without a partner", () => {
        assert.throws(() => ratios([1, 2], [1]));
    });
});
