/** What the benchmark measures and writes: medians and ratios of interleaved rounds as a table in Markdown. Pure. */
import { table } from "../markdown.ts";

/** Who is measured: kubectl, Helm, and three Pulumi programs. */
export type Name = "kubectl" | "helm" | "empty" | "plain" | "program";

interface Task {
    readonly task: string;
    /** What the floor does, and who it is. */
    readonly floor: readonly [does: string, name: Name];
    /** Seconds if undefined. */
    readonly unit?: "s" | "MiB";
    /** The greatest ratio to the floor that is aimed at, if there is an aim. */
    readonly aim?: number;
}

const apply = ["kubectl apply, rollout status", "kubectl"] as const;
const empty = ["an empty program", "empty"] as const;
const restart = ["kubectl rollout restart", "kubectl"] as const;

export const tasks = {
    first: { task: "first up until ready", floor: apply, aim: 1.4 },
    nothing: { task: "up with nothing to do", floor: empty, aim: 1.4 },
    preview: { task: "preview with nothing to do", floor: empty, aim: 1.4 },
    config: { task: "config change of the crawler", floor: apply, aim: 1.4 },
    ephemeral: { task: "switch to ephemeral", floor: apply, aim: 1.2 },
    persistent: { task: "switch to persistent", floor: apply, aim: 1.2 },
    destroy: { task: "destroy until the volume is gone", floor: ["kubectl delete", "kubectl"], aim: 1.1 },
    silentConfig: { task: "api silent: config rollout", floor: restart },
    silentSwitch: { task: "api silent: switch", floor: restart },
    memory: { task: "peak memory of the program", floor: empty, unit: "MiB" },
} as const satisfies Readonly<Record<string, Task>>;

export type TaskName = keyof typeof tasks;

/** What somebody needed for a task in one round. */
export interface Sample {
    readonly task: TaskName;
    readonly name: Name;
    readonly value: number;
}

/** A table of all tasks, from everybody's samples in the order of the rounds. */
export function resultTable(samples: readonly Sample[]): string {
    const header = ["", "floor", "Helm", "plainest program", "this program", "to both floors", "aim", "met"];
    return table(
        header,
        (Object.keys(tasks) as TaskName[]).map((task) => cells(task, samples)),
    );
}

function cells(key: TaskName, samples: readonly Sample[]): readonly string[] {
    const { task, floor, unit = "s", aim }: Task = tasks[key];
    const valuesOf = (name: Name, of = key) =>
        samples.filter((one) => one.task === of && one.name === name).map(({ value }) => value);
    const [floors, program, starts] = [valuesOf(floor[1]), valuesOf("program"), valuesOf("empty", "nothing")];
    // Pulumi has to start and the cluster has to change, one after the other.
    const both = floors.map((value, round) => value + (starts[round] ?? NaN));
    const isAfterStart = floor !== empty && aim !== undefined && starts.length > 0;
    const figure = (all: readonly number[]) => `${median(all).toFixed(unit === "s" ? 1 : 0)} ${unit}`;
    const withRatio = (all: readonly number[]) =>
        all.length > 0 ? `${figure(all)} = ${spread(ratios(all, floors))}` : "";
    return [
        task,
        `${floor[0]}: ${figure(floors)}`,
        withRatio(valuesOf("helm")),
        withRatio(valuesOf("plain")),
        withRatio(program),
        isAfterStart ? spread(ratios(program, both)) : "",
        aim === undefined ? "" : `${aim}x`,
        aim === undefined ? "" : median(ratios(program, floors)) <= aim ? "yes" : "no",
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
