import { strict as assert } from "node:assert";
import { longestAge } from "../../../model/schedule.ts";

describe("the age of a backup that is overdue", () => {
    const hours = (schedule: string) => (longestAge(schedule) ?? NaN) / 3600;

    it("is twice the longest time between two runs", () => {
        assert.equal(hours("0 3 * * *"), 48);
        assert.equal(hours("*/30 * * * *"), 1);
        assert.equal(hours("0 3 * * 1-5"), 2 * 72);
        assert.equal(hours("0 9-17 * * 1-5"), 2 * 64);
        assert.equal(hours("0 3 1 1 *"), 2 * 366 * 24);
    });

    it("is unknown if only Kubernetes reads the schedule, or if it never comes", () => {
        assert.equal(longestAge("@every 1h"), undefined);
        assert.equal(longestAge("0 0 30 2 *"), undefined);
    });
});
