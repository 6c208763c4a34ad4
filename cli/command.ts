/** What a command is, and how its arguments are read. */
import { parseArgs } from "node:util";
import { UserError } from "../system/errors.ts";
import type { Environment } from "../system/process.ts";
import { Output } from "./output.ts";
import { shellWord } from "./shell.ts";

/** The command was called in a way that it does not allow. Exit status 2. */
export class UsageError extends UserError {}

/** A command with its arguments, which are typed by their names. */
export interface Command<Flag extends string = string, Option extends string = string> {
    readonly summary: string;
    /** Its positional arguments, such as `[STACK]`, in the order in which they are given. */
    readonly words: readonly string[];
    /** Its flags without dashes, each with what it does. Every command has `--json` as well, see `Output`. */
    readonly flags: Readonly<Record<Flag, string>>;
    /**
     * Its options that take a value, without dashes: what the value is, such as `PATH`, and what the option does.
     *
     * @default {}
     */
    readonly options?: Readonly<Record<Option, { readonly value: string; readonly text: string }>>;
    /**
     * What a person should know beyond the summary, for the help.
     *
     * @default []
     */
    readonly details?: readonly string[];
    run(call: Call<Flag, Option>): Promise<void>;
}

export interface Call<Flag extends string = never, Option extends string = never> {
    /** Positional arguments. There are at most as many as the command has. */
    readonly words: readonly string[];
    /** Whether each flag is given. */
    readonly flags: Readonly<Record<Flag, boolean>>;
    /** The value of each option. Undefined: it is not given. */
    readonly options: Readonly<Record<Option, string | undefined>>;
    readonly output: Output;
}

export const stackWord = "[STACK]";

export const yesFlag = { yes: "do not ask" };
const jsonFlag = {
    json: "print one JSON document on standard output, and everything else on standard error",
};

/** A command whose flags and options are inferred from its definition. */
export function defineCommand<Flag extends string = never, Option extends string = never>(
    command: Command<Flag, Option>,
): Command<Flag, Option> {
    return command;
}

/**
 * Reads the arguments of a command.
 *
 * @param env environment of the command. npm keeps what was given without `--` there.
 * @throws UsageError that names what the command does not know.
 */
export function readCall(
    name: string,
    command: Command,
    args: readonly string[],
    env: Environment = {},
): Call<string, string> {
    const { words, flags, options = {} } = command;
    const values = mapValues(options, (option) => options[option]?.value);
    const allFlags = { ...flags, ...jsonFlag };
    const kept = keptByNpm({ ...mapValues(allFlags, () => undefined), ...values }, args, env);
    if (kept.length > 0) {
        throw new UsageError(
            `npm kept ${kept.join(" ")} for itself: options of a command come after --. Nothing was changed.\n` +
                `  Run instead:  npm run ${name} -- ${[...args, ...kept].map(shellWord).join(" ")}`,
        );
    }
    try {
        const { values, positionals } = parseArgs({
            args: [...args],
            allowPositionals: true,
            options: {
                ...mapValues(allFlags, () => ({ type: "boolean" as const })),
                ...mapValues(options, () => ({ type: "string" as const })),
            },
        });
        const tooMany = positionals.slice(words.length);
        const empty = Object.keys(values).filter((key) => values[key] === "");
        if (tooMany.length > 0 || empty.length > 0) {
            const valueless = `Option --${empty.join(", --")} needs a value`;
            throw new Error(tooMany.length > 0 ? `Unexpected argument: ${tooMany.join(" ")}` : valueless);
        }
        return {
            words: positionals,
            flags: mapValues(flags, (flag) => values[flag] === true),
            options: mapValues(options, (option) => values[option] as string | undefined),
            output: new Output(values.json === true),
        };
    } catch (error) {
        // What Node says beyond its first sentence is about positional arguments that begin with a dash.
        const [problem = ""] = (error as Error).message.split(". ");
        throw new UsageError(`${problem}\n\n${helpOf(name, command)}`);
    }
}

/**
 * The options that npm has taken. `--no-backup` is its option `backup`, which is false. Of `--messages 3` it takes the name.
 *
 * @param known every flag and option, with what the value of an option is.
 */
function keptByNpm(
    known: Readonly<Record<string, string | undefined>>,
    args: readonly string[],
    env: Environment,
): readonly string[] {
    return Object.entries(known).flatMap(([name, value]) => {
        const kept = env[`npm_config_${name.replace(/^no-/, "").replaceAll("-", "_")}`];
        const isOff = kept === "" || kept === "false";
        const isGiven = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
        if (kept === undefined || isGiven || isOff !== name.startsWith("no-")) {
            return [];
        }
        return value === undefined ? [`--${name}`] : [`--${name}=${kept === "true" ? value : kept}`];
    });
}

export function helpOf(name: string, { summary, words, flags, options = {}, details = [] }: Command): string {
    const rows = [
        ...Object.entries(options).map(([option, { value, text }]) => [`${option} ${value}`, text] as const),
        ...Object.entries({ ...flags, ...jsonFlag }),
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

function mapValues<T>(
    record: Readonly<Record<string, unknown>>,
    value: (key: string) => T,
): Record<string, T> {
    return Object.fromEntries(Object.keys(record).map((key) => [key, value(key)]));
}
