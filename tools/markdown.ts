/** Pieces of Markdown that tools/docs.ts writes. */
import { format, resolveConfig } from "prettier";

/** A table. What Markdown would read as a column or as HTML is escaped. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
    const line = (cells: readonly string[]) =>
        `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |`;
    return [line(header), line(header.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * A document with the text between two markers replaced. The markers are comments, which no reader sees:
 * `<!-- generated: NAME -->` and `<!-- end -->`.
 *
 * @throws Error if the document does not have the markers.
 */
export function replaceGenerated(document: string, name: string, text: string): string {
    const [start, end] = [`<!-- generated: ${name} -->`, "<!-- end -->"];
    const from = document.indexOf(start) + start.length;
    const to = document.indexOf(end, from);
    if (!document.includes(start) || to < 0) {
        throw new Error(`There is no ${start} ... ${end}`);
    }
    return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(to)}`;
}

/** A text as prettier writes it into a file. */
export async function formatted(file: string, text: string): Promise<string> {
    return format(text, { ...(await resolveConfig(file)), filepath: file });
}
