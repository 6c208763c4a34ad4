/**
 * The entry of all commands: `npm run NAME -- ARGUMENTS`. Exit status 0: done, 1: failed, 2: used wrongly.
 */
import { isUserError } from "../system/errors.ts";
import { UsageError, helpOf, readCall } from "./command.ts";
import { commands } from "./commands.ts";

async function main([name = "", ...args]: readonly string[]): Promise<void> {
    const command = commands[name];
    if (!command) {
        throw new UsageError(`Unknown command: ${name}\n\n${helpOfAll()}`);
    }
    if (args.includes("--help")) {
        console.log(helpOf(name, command));
        return;
    }
    await command.run(readCall(name, command, args));
}

function helpOfAll(): string {
    const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
    const rows = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
    return ["Commands:", ...rows, "", "Each explains itself: npm run NAME -- --help"].join("\n");
}

// An interrupt reaches the program that runs from here as well. Without this, the command would end before that program,
// and before the cleanup that follows it.
process.on("SIGINT", () => process.exit(130));

main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(isUserError(error) ? `\n${error.message}` : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
});
