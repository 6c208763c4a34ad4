/** What a person typed after `npm run COMMAND --`. */
import { parseArgs } from "node:util";
import { UserError } from "./process";

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
 * @throws UserError that names what the command does not know.
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
    const unknown = typed.find(({ name }) => !flags.includes(name))?.rawName;
    if (unknown !== undefined || positionals.length > most) {
        const what = unknown ?? positionals.slice(most).join(" ");
        throw new UserError(`${what} is nothing that this command knows.\n${usage}`);
    }
    return { words: positionals, flags: new Set(typed.map(({ name }) => name)) };
}
