/** What a command is, and how its arguments are read. */
import { parseArgs } from "node:util";
import { UserError } from "../system/errors.ts";
import type { Environment } from "../system/process.ts";
import { Output } from "./output.ts";
import { shellWord } from "./shell.ts";

/** The command was called in a way that it does not allow. Exit status 2. */
export class UsageError extends UserError {}

/** Options without dashes, as Node reads them: what each does, and of one that takes a value what that is, such as `PATH`. */
type Options = Readonly<
    Record<string, { readonly type: "boolean" | "string"; readonly text: string; readonly value?: string }>
>;

export interface Command<Table extends Options = Options> {
    readonly summary: string;
    /** Its positional arguments, such as `[STACK]`, in the order in which they are given. */
    readonly words: readonly string[];
    /** Every command has `--json` as well, see `Output`. */
    readonly options: Table;
    /** What a person should know beyond the summary, for the help. */
    readonly details?: readonly string[];
    run(call: Call<Table>): Promise<void>;
}

interface Call<Table extends Options> {
    /** Positional arguments. There are at most as many as the command has. */
    readonly words: readonly string[];
    /** The options that are given. */
    readonly options: {
        readonly [Name in keyof Table]?: { boolean: boolean; string: string }[Table[Name]["type"]];
    };
    readonly output: Output;
}

export const stackWord = "[STACK]";

export const yesOption = { yes: { type: "boolean", text: "do not ask" } } as const;
const jsonOption = {
    json: {
        type: "boolean",
        text: "print one JSON document on standard output, and everything else on standard error",
    },
} as const;

/** A command whose options are inferred from its definition. */
export function defineCommand<const Table extends Options>(command: Command<Table>): Command<Table> {
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
): Call<Options> {
    const table: Options = { ...command.options, ...jsonOption };
    const kept = keptByNpm(table, args, env);
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
            options: table,
        });
        const [tooMany] = positionals.slice(command.words.length);
        const empty = Object.keys(values).find((key) => values[key] === "");
        if (tooMany !== undefined || empty !== undefined) {
            throw new Error(
                empty === undefined ? `Unexpected argument: ${tooMany}` : `Option --${empty} needs a value`,
            );
        }
        return { words: positionals, options: values, output: new Output(values.json === true) };
    } catch (error) {
        // What Node says beyond its first sentence is about positional arguments that begin with a dash.
        const [problem = ""] = (error as Error).message.split(". ");
        throw new UsageError(`${problem}\n\n${helpOf(name, command)}`);
    }
}

/** The options that npm has taken. `--no-backup` is its option `backup`, which is false. Of `--messages 3` it takes the name. */
function keptByNpm(table: Options, args: readonly string[], env: Environment): readonly string[] {
    return Object.entries(table).flatMap(([name, { value }]) => {
        const kept = env[`npm_config_${name.replace(/^no-/, "").replaceAll("-", "_")}`];
        const isOff = kept === "" || kept === "false";
        const isGiven = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
        if (kept === undefined || isGiven || isOff !== name.startsWith("no-")) {
            return [];
        }
        return value === undefined ? [`--${name}`] : [`--${name}=${kept === "true" ? value : kept}`];
    });
}

export function helpOf(name: string, { summary, words, options, details = [] }: Command): string {
    const all: Options = { ...options, ...jsonOption, help: { type: "boolean", text: "show this help" } };
    const rows = Object.entries(all).map(
        ([option, { value, text }]) => [`--${option} ${value ?? ""}`, text] as const,
    );
    const width = Math.max(...rows.map(([option]) => option.length)) + 2;
    return [
        summary,
        ...(details.length > 0 ? ["", ...details] : []),
        "",
        `Usage: npm run ${name} -- ${[...words, "[OPTIONS]"].join(" ")}`,
        "",
        "Options:",
        ...rows.map(([option, text]) => `  ${option.padEnd(width)}${text}`),
    ].join("\n");
}
