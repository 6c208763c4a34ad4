/** Medians and ratios of interleaved rounds. Pure. */

/** The middle of the values, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (index: number) => sorted[index] ?? NaN;
    const middle = Math.floor(sorted.length / 2);
    return sorted.length % 2 === 1 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
}

/** A median, and the least and the greatest of the values. */
export interface Spread {
    readonly median: number;
    readonly least: number;
    readonly greatest: number;
}

/** @throws Error if there is no value, because a figure without a measurement is wrong in any case. */
export function spread(values: readonly number[]): Spread {
    if (values.length === 0) {
        throw new Error("There are no values.");
    }
    return { median: median(values), least: Math.min(...values), greatest: Math.max(...values) };
}

/**
 * The ratios of two measurements, round by round. What slows a whole round down, such as another process on the machine,
 * is in both and divides out. That is why a ratio is taken within a round, and never between medians.
 */
export function ratios(values: readonly number[], floors: readonly number[]): Spread {
    if (values.length !== floors.length) {
        throw new Error(`There are ${values.length} values and ${floors.length} floors.`);
    }
    return spread(values.map((value, round) => value / (floors[round] ?? NaN)));
}
