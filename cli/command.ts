/** What a command is, and how its arguments are read. */
import { parseArgs } from "node:util";
import { UserError } from "../system/errors.ts";
import { Output } from "./output.ts";

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
    /**
     * Its options that take a value, without dashes.
     *
     * @default {}
     */
    readonly options?: Readonly<Record<string, Option>>;
    /**
     * What a person should know beyond the summary, for the help.
     *
     * @default []
     */
    readonly details?: readonly string[];
    /** Loads the command's module and runs it. */
    readonly run: (call: Call) => Promise<void>;
}

/** An option that takes a value. */
export interface Option {
    /** What the value is, in capitals, such as `PATH`. */
    readonly value: string;
    /** What the option does. */
    readonly text: string;
}

/** One call of a command. */
export interface Call {
    /** Positional arguments. There are at most as many as the command has. */
    readonly words: readonly string[];
    /** Flags that were given, without dashes. */
    readonly flags: ReadonlySet<string>;
    /** Values of the options that were given, by their names without dashes. */
    readonly options: Readonly<Record<string, string | undefined>>;
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
            ...mapValues(known, () => ({ type: "boolean" as const })),
            ...mapValues(valued, () => ({ type: "string" as const })),
        },
    });
    const refuse = (problem: string): never => {
        throw new UsageError(`${problem}\n\n${helpOf(name, command)}`);
    };
    const given = tokens.filter((token) => token.kind === "option");
    for (const { name: option, rawName, value, inlineValue } of given) {
        const valueName = valued[option]?.value;
        // A flag takes no value: --yes=false must not count as a yes.
        if (valueName === undefined && (!(option in known) || value !== undefined)) {
            refuse(`Unknown option: ${rawName}${value === undefined ? "" : `=${value}`}`);
        }
        // Without an equals sign, what begins with a dash is the next option.
        if (valueName !== undefined && (!value || (!inlineValue && value.startsWith("-")))) {
            refuse(`Option ${rawName} needs a value: ${rawName} ${valueName}`);
        }
    }
    const tooMany = positionals.slice(command.words.length);
    if (tooMany.length > 0) {
        refuse(`Unexpected argument: ${tooMany.join(" ")}`);
    }
    const flags = new Set(given.map((option) => option.name).filter((option) => option in known));
    const values = given
        .filter((option) => option.name in valued)
        .map((option) => [option.name, option.value]);
    return {
        words: positionals,
        flags,
        options: Object.fromEntries(values) as Call["options"],
        output: new Output(flags.has("json")),
    };
}

/** Help of a command. */
export function helpOf(name: string, { summary, words, flags, options = {}, details = [] }: Command): string {
    const rows = [
        ...Object.entries(options).map(([option, { value, text }]) => [`${option} ${value}`, text] as const),
        ...Object.entries(flags),
        ["help", "show this help"] as const,
    ];
    const width = Math.max(...rows.map(([flag]) => flag.length)) + 2;
    return [
        summary,
        ...(details.length > 0 ? ["", ...details] : []),
        "",
        `Usage: npm run ${name} -- ${[...words, "[OPTIONS]"].join(" ")}`,
        "",
        "Options:",
        ...rows.map(([flag, text]) => `  --${flag.padEnd(width)}${text}`),
    ].join("\n");
}

function mapValues<T>(record: Readonly<Record<string, unknown>>, value: () => T): Record<string, T> {
    return Object.fromEntries(Object.keys(record).map((key) => [key, value()]));
}
