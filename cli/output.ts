/** Where a command writes. */
import { type Finding, type Found, type Target, reaching, renderFindings } from "../model/finding.ts";
import { UserError } from "../system/errors.ts";

/** What printed commands must name, because something else is selected. */
interface Named extends Target {
    /** The line after which plain pulumi and kubectl work in a new terminal. Undefined: they work without it. */
    readonly setup?: string | undefined;
}

/**
 * The output of a command. With `json`, standard output carries one JSON document and nothing else, and everything for
 * people goes to standard error.
 */
export class Output {
    public target: Named = {};
    public readonly json: boolean;

    public constructor(json: boolean) {
        this.json = json;
    }

    /** A text, with the line that its commands need first. */
    public withSetup(text: string): string {
        const { setup } = this.target;
        return setup !== undefined && /:\s+(pulumi|kubectl) /.test(text)
            ? `${text}\n  First, in each new terminal:  ${setup}`
            : text;
    }

    /** The file descriptor for what people read: 1, or 2 with `json`. Programs that the command runs write there too. */
    public get descriptor(): 1 | 2 {
        return this.json ? 2 : 1;
    }

    public readonly info = (text: string): void => {
        (this.json ? process.stderr : process.stdout).write(`${text}\n`);
    };

    /** Lines under a title, or nothing without lines. */
    public list(title: string, lines: readonly string[]): void {
        if (lines.length > 0) {
            this.info(["", title, ...lines.map((line) => `  ${line}`)].join("\n"));
        }
    }

    /** Findings as text, with commands that reach the command's stack. */
    public render(findings: readonly Finding[]): string {
        // Once for all: its context is a question to kubectl.
        const target = { ...this.target };
        return renderFindings(findings.map((finding) => reaching(finding, target)));
    }

    public findings(findings: readonly Finding[]): void {
        if (findings.length > 0) {
            this.info(`\n${this.withSetup(this.render(findings))}`);
        }
    }

    /** Ends the command with what is found, if it is anything. */
    public refuse(found: Found | false | undefined, title = ""): void {
        const findings = found ? [found].flat() : [];
        if (findings.length > 0) {
            throw new UserError(`${title}${this.render(findings)}`);
        }
    }

    /** What the command has found or done, for programs: the one document of `json`, or a text that a shell reads. */
    public result(value: unknown, text = ""): void {
        process.stdout.write(this.json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
    }
}
