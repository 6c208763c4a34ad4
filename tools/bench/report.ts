/** What the benchmark writes: a table in Markdown and a picture in SVG. Pure. */
import { table } from "../markdown.ts";
import { type Spread, median, ratios } from "./statistics.ts";

/** Who is measured. */
export type Contestant = "floor" | "helm" | "plain" | "program";

/** A row of the table: one task, and what each contestant needed for it in each round. */
export interface Row {
    readonly task: string;
    /** What the floor does. */
    readonly floor: string;
    readonly unit: "s" | "MiB";
    /** The greatest ratio to the floor that is aimed at, if there is an aim. */
    readonly aim?: number;
    readonly values: Readonly<Partial<Record<Contestant, readonly number[]>>>;
}

/** A table of all rows, in the order of their measurement. */
export function resultTable(rows: readonly Row[]): string {
    const header = ["", "floor", "Helm", "plainest program", "this program", "aim", "met"];
    return table(
        header,
        rows.map((row) => [
            row.task,
            `${row.floor}: ${figure(row, "floor")}`,
            withRatio(row, "helm"),
            withRatio(row, "plain"),
            withRatio(row, "program"),
            row.aim === undefined ? "" : `${row.aim}x`,
            met(row),
        ]),
    );
}

/** The ratio to the floor. Undefined if the contestant was not measured. */
export function ratioOf(row: Row, contestant: Contestant): Spread | undefined {
    const { floor = [], [contestant]: values } = row.values;
    return values && ratios(values, floor);
}

function met(row: Row): string {
    const ratio = ratioOf(row, "program");
    if (row.aim === undefined || !ratio) {
        return "";
    }
    return ratio.median <= row.aim ? "yes" : "no";
}

function figure({ values, unit }: Row, contestant: Contestant): string {
    const all = values[contestant];
    return all ? `${median(all).toFixed(unit === "s" ? 1 : 0)} ${unit}` : "";
}

function withRatio(row: Row, contestant: Contestant): string {
    const ratio = ratioOf(row, contestant);
    return ratio
        ? `${figure(row, contestant)} = **${ratio.median.toFixed(2)}x** (${ratio.least.toFixed(2)} to ${ratio.greatest.toFixed(2)})`
        : "";
}

const layout = { width: 760, label: 270, bar: 14, row: 60, top: 44, perUnit: 90, most: 5 };
const colors = {
    floor: "#8c959f",
    helm: "#8250df",
    plain: "#d4a72c",
    program: "#0969da",
    text: "#57606a",
    aim: "#cf222e",
};

/** The ratios to the floor as bars. A thin line is the spread, and a dashed one the aim. */
export function picture(rows: readonly Row[]): string {
    const height = layout.top + rows.length * layout.row + 10;
    return [
        `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${layout.width} ${height}" font-family="sans-serif" font-size="13">`,
        `<rect width="${layout.width}" height="${height}" fill="#ffffff"/>`,
        legend(),
        line(1, 30, height - 6, colors.floor, ""),
        ...rows.map((row, index) => group(row, layout.top + index * layout.row)),
        "</svg>",
        "",
    ].join("\n");
}

function legend(): string {
    const entry = (x: number, color: string, label: string) =>
        `<rect x="${x}" y="10" width="12" height="12" fill="${color}"/>${text(x + 18, 21, label)}`;
    return [
        entry(layout.label, colors.program, "this program"),
        entry(layout.label + 120, colors.plain, "plainest program"),
        entry(layout.label + 260, colors.helm, "Helm"),
        entry(layout.label + 330, colors.floor, "floor = 1"),
        entry(layout.label + 420, colors.aim, "aim"),
    ].join("");
}

function group(row: Row, y: number): string {
    const bars = (["program", "plain", "helm"] as const)
        .flatMap((contestant) => {
            const ratio = ratioOf(row, contestant);
            return ratio ? [{ ratio, color: colors[contestant] }] : [];
        })
        .map(({ ratio, color }, index) => {
            return bar(ratio, y + index * (layout.bar + 3), color);
        });
    const aim = row.aim === undefined ? "" : line(row.aim, y - 3, y + 3 * layout.bar + 9, colors.aim, "4 2");
    return [text(layout.label - 10, y + 12, row.task, "end"), ...bars, aim].join("\n");
}

function bar(ratio: Spread, y: number, color: string): string {
    const [from, end, least, greatest] = [0, ratio.median, ratio.least, ratio.greatest].map(position);
    const middle = y + layout.bar / 2;
    return (
        `<rect x="${from}" y="${y}" width="${round(Number(end) - Number(from))}" height="${layout.bar}" fill="${color}" opacity="0.75"/>` +
        `<path d="M${least} ${middle}H${greatest}" stroke="#24292f"/>` +
        text(Number(greatest) + 6, y + 12, `${ratio.median.toFixed(2)}x`)
    );
}

function line(ratio: number, from: number, to: number, color: string, dashes: string): string {
    const x = position(ratio);
    return `<path d="M${x} ${from}V${to}" stroke="${color}" stroke-dasharray="${dashes}"/>`;
}

/** The place of a ratio on the scale. A ratio beyond it is drawn at its end, and its number tells. */
function position(ratio: number): number {
    return round(layout.label + Math.min(ratio, layout.most) * layout.perUnit);
}

function round(value: number): number {
    return Math.round(value * 10) / 10;
}

function text(x: number, y: number, content: string, anchor = "start"): string {
    const escaped = content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${colors.text}">${escaped}</text>`;
}
