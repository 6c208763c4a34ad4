/** What the benchmark writes: medians and ratios of interleaved rounds as a table in Markdown. Pure. */
import { table } from "../markdown.ts";

/** Who is measured: kubectl, Helm, and three Pulumi programs. */
export type Name = "kubectl" | "helm" | "empty" | "plain" | "program";

/** What is measured. */
export interface Task {
    readonly task: string;
    /** What the floor does, and who it is. */
    readonly floor: readonly [does: string, name: Name];
    /** Seconds if undefined. */
    readonly unit?: "s" | "MiB";
    /** The greatest ratio to the floor that is aimed at, if there is an aim. */
    readonly aim?: number;
}

/** A row of the table. */
export interface Row extends Task {
    /** What each contestant needed in each round. */
    readonly values: Readonly<Partial<Record<Name, readonly number[]>>>;
    /** Seconds of an empty program in each round, if Pulumi starts first and the cluster changes then. */
    readonly starts?: readonly number[] | undefined;
}

/** A table of all rows, in the order of their measurement. */
export function resultTable(rows: readonly Row[]): string {
    const header = ["", "floor", "Helm", "plainest program", "this program", "to both floors", "aim", "met"];
    return table(header, rows.map(cells));
}

function cells({ task, floor: [does, name], unit = "s", aim, values, starts }: Row): readonly string[] {
    const { [name]: floors = [], helm, plain, program } = values;
    const both = starts && floors.map((floor, round) => floor + (starts[round] ?? NaN));
    const figure = (all: readonly number[]) => `${median(all).toFixed(unit === "s" ? 1 : 0)} ${unit}`;
    const withRatio = (all?: readonly number[]) =>
        all ? `${figure(all)} = ${spread(ratios(all, floors))}` : "";
    return [
        task,
        `${does}: ${figure(floors)}`,
        withRatio(helm),
        withRatio(plain),
        withRatio(program),
        both && program ? spread(ratios(program, both)) : "",
        aim === undefined ? "" : `${aim}x`,
        aim === undefined || !program ? "" : median(ratios(program, floors)) <= aim ? "yes" : "no",
    ];
}

function spread(values: readonly number[]): string {
    const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)];
    return `**${middle.toFixed(2)}x** (${least.toFixed(2)} to ${most.toFixed(2)})`;
}

/**
 * The ratios of two measurements, round by round. Another process on the machine slows down both of a round, so a ratio is
 * taken within a round, and never between medians.
 */
function ratios(values: readonly number[], floors: readonly number[]): readonly number[] {
    return values.map((value, round) => value / (floors[round] ?? NaN));
}

/** The middle of the values, or the mean of the two in the middle. */
function median(values: readonly number[]): number {
    const sorted = values.toSorted((one, other) => one - other);
    const middle = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
    return middle.reduce<number>((sum, value) => sum + (value ?? NaN) / 2, 0);
}
