import assert from "node:assert/strict";
import { atMostMinutesLeft, throttled } from "../progress.ts";

describe("progress", () => {
    it("estimates from what is left, and never promises less than a minute", () => {
        assert.equal(atMostMinutesLeft(0, 3000, 10), 10);
        assert.equal(atMostMinutesLeft(1500, 3000, 10), 5);
        assert.equal(atMostMinutesLeft(2999, 3000, 10), 1);
        assert.equal(atMostMinutesLeft(3200, 3000, 10), 1);
        assert.equal(atMostMinutesLeft(0, 0, 10), 1);
    });

    it("speaks at once and then once in a while", () => {
        let now = 0;
        const said: string[] = [];
        const say = throttled(
            20,
            () => now,
            (line) => said.push(line),
        );
        for (const moment of [0, 1000, 19_999, 20_000, 20_001, 41_000]) {
            now = moment;
            say(() => `${moment}`);
        }
        assert.deepEqual(said, ["0", "20000", "41000"]);
    });
});
