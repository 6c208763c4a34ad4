/** What a person typed after `npm run COMMAND --`. */
import { parseArgs } from "node:util";
import { UsageError } from "./process";

export interface Arguments {
    /** In the order in which they were typed. */
    readonly words: readonly string[];
    /** Without their dashes. */
    readonly flags: ReadonlySet<string>;
}

/**
 * Reads it. `--help` prints the usage and ends the command.
 *
 * @param usage of the command, shown for what it does not know, too.
 * @param most how many words it takes at most.
 * @param flags that it knows, without their dashes.
 * @throws UsageError that names what the command does not know.
 */
export function readArguments(usage: string, most: number, ...flags: readonly string[]): Arguments {
    const { positionals, tokens } = parseArgs({
        allowPositionals: true,
        strict: false,
        tokens: true,
        options: Object.fromEntries(["help", ...flags].map((flag) => [flag, { type: "boolean" }])),
    });
    const typed = tokens.filter((token) => token.kind === "option");
    if (typed.some(({ name }) => name === "help")) {
        console.log(usage);
        process.exit(0);
    }
    // A flag takes no value: --yes=false must not count as a yes.
    const unknown = typed.find(({ name, value }) => !flags.includes(name) || value !== undefined);
    if (unknown) {
        const value = unknown.value === undefined ? "" : `=${unknown.value}`;
        throw new UsageError(`Unknown option: ${unknown.rawName}${value}\n${usage}`);
    }
    if (positionals.length > most) {
        throw new UsageError(`Unexpected argument: ${positionals.slice(most).join(" ")}\n${usage}`);
    }
    return { words: positionals, flags: new Set(typed.map(({ name }) => name)) };
}
