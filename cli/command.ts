/** What a command is, and how its arguments are read. */
import { parseArgs } from "node:util";
import { UserError } from "../system/errors";
import { Output } from "./output";

/** The command was called in a way that it does not allow. Exit status 2. */
export class UsageError extends UserError {}

/** A row of the table of commands. */
export interface Command {
    /** What it does, in one line. */
    readonly summary: string;
    /** Its positional arguments, such as `[STACK]`, in the order in which they are given. */
    readonly words: readonly string[];
    /** Its flags without dashes, each with what it does. */
    readonly flags: Readonly<Record<string, string>>;
    /** Options with a value, without dashes: the name of the value, and what the option does. */
    readonly options?: Readonly<Record<string, readonly [value: string, text: string]>>;
    /** Loads the command's module and runs it. */
    readonly run: (call: Call) => Promise<void>;
}

/** One call of a command. */
export interface Call {
    /** Positional arguments. There are at most as many as the command has. */
    readonly words: readonly string[];
    /** Flags that were given, without dashes. */
    readonly flags: ReadonlySet<string>;
    /** Values of the options that were given, without dashes. */
    readonly values: ReadonlyMap<string, string>;
    readonly output: Output;
}

/**
 * Reads the arguments of a command.
 *
 * @throws UsageError that names what the command does not know.
 */
export function readCall(name: string, command: Command, args: readonly string[]): Call {
    const { flags: known, options: valued = {} } = command;
    const { positionals, tokens } = parseArgs({
        args: [...args],
        allowPositionals: true,
        strict: false,
        tokens: true,
        options: {
            ...Object.fromEntries(Object.keys(known).map((flag) => [flag, { type: "boolean" } as const])),
            ...Object.fromEntries(Object.keys(valued).map((option) => [option, { type: "string" } as const])),
        },
    });
    const options = tokens.filter((token) => token.kind === "option");
    // A flag takes no value: --yes=false must not count as a yes.
    const unknown = options.find(
        ({ name: option, value }) => !(option in valued) && (!(option in known) || value !== undefined),
    );
    if (unknown) {
        const value = unknown.value === undefined ? "" : `=${unknown.value}`;
        throw new UsageError(`Unknown option: ${unknown.rawName}${value}\n\n${helpOf(name, command)}`);
    }
    const tooMany = positionals.slice(command.words.length);
    if (tooMany.length > 0) {
        throw new UsageError(`Unexpected argument: ${tooMany.join(" ")}\n\n${helpOf(name, command)}`);
    }
    const values = new Map<string, string>();
    for (const { name: option, value } of options.filter((one) => one.name in valued)) {
        if (!value) {
            throw new UsageError(`--${option} needs a value.\n\n${helpOf(name, command)}`);
        }
        values.set(option, value);
    }
    const flags = new Set(options.map((option) => option.name).filter((option) => option in known));
    return { words: positionals, flags, values, output: new Output(flags.has("json")) };
}

/** Help of a command. */
export function helpOf(name: string, { summary, words, flags, options = {} }: Command): string {
    const rows = [
        ...Object.entries(options).map(([option, [value, text]]) => [`${option} ${value}`, text] as const),
        ...Object.entries(flags),
        ["help", "show this help"] as const,
    ];
    const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
    return [
        summary,
        "",
        `Usage: npm run ${name} -- ${[...words, "[OPTIONS]"].join(" ")}`,
        "",
        "Options:",
        ...rows.map(([flag, text]) => `  --${flag.padEnd(width)}${text}`),
    ].join("\n");
}
