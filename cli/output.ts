/** Where a command writes. */
import { type Finding, type Target, reaching, renderFindings } from "../model/finding.ts";

/**
 * The output of a command. With `json`, standard output carries one JSON document and nothing else, and everything for
 * people goes to standard error.
 */
export class Output {
    /** What printed commands must name, because something else is selected. */
    private target: Target = {};

    /** The line after which plain pulumi and kubectl work in a new terminal. Undefined: they work without it. */
    private setup: string | undefined;

    private readonly json: boolean;

    public constructor(json: boolean) {
        this.json = json;
    }

    /** From now on, printed commands name this stack, this context, or both. */
    public name(target: Target): void {
        this.target = target;
    }

    /** From now on, what is printed with commands in it also names the line that they need first. */
    public setUp(line: string | undefined): void {
        this.setup = line;
    }

    /** The line that commands in a text need first, to be printed after it. Empty if they need none. */
    public setupFor(text: string): string {
        return this.setup !== undefined && /:\s+(pulumi|kubectl) /.test(text)
            ? `\n  First, in each new terminal:  ${this.setup}`
            : "";
    }

    /** The file descriptor for what people read: 1, or 2 with `json`. Programs that the command runs write there too. */
    public get descriptor(): 1 | 2 {
        return this.json ? 2 : 1;
    }

    /** A line or more for people. */
    public readonly info = (text: string): void => {
        (this.json ? process.stderr : process.stdout).write(`${text}\n`);
    };

    /** A title, and lines below it. */
    public list(title: string, lines: readonly string[]): void {
        this.info(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
    }

    /** Findings as text, with commands that reach the command's stack. */
    public render(findings: readonly Finding[]): string {
        return renderFindings(findings.map((finding) => reaching(finding, this.target)));
    }

    /** Findings for people, if there are any. */
    public findings(findings: readonly Finding[]): void {
        if (findings.length > 0) {
            const text = this.render(findings);
            this.info(`\n${text}${this.setupFor(text)}`);
        }
    }

    /** The one JSON document of the command. */
    public result(value: unknown): void {
        process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
    }
}
