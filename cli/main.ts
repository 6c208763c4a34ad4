/**
 * The entry of all commands: `npm run NAME -- ARGUMENTS`. Exit status 0: done, 1: failed, 2: used wrongly.
 */
// First, since it makes what is loaded later start sooner.
import "../pulumi/preload.cjs";
import { homedir } from "node:os";
import { UserError, isUserError } from "../system/errors.ts";
import type { Environment } from "../system/process.ts";
import { UsageError, helpOf, readCall } from "./command.ts";
import { commands } from "./commands.ts";

async function main([name = "", ...args]: readonly string[], env: Environment): Promise<void> {
    const load = commands[name];
    if (!load) {
        const known = Object.keys(commands).join(", ");
        throw new UsageError(
            `Unknown command: ${name}. The commands are: ${known}.\n  See one:  npm run up -- --help`,
        );
    }
    const { command } = await load();
    if (args.includes("--help")) {
        console.log(helpOf(name, command));
        return;
    }
    const call = readCall(name, command, args, env);
    await command.run(call).catch((error: unknown) => {
        throw error instanceof UserError && !(error instanceof UsageError)
            ? new UserError(call.output.withSetup(error.message))
            : error;
    });
}

const env = { ...process.env };

// As for kubectl and Pulumi, a variable that is empty is not set. Only a passphrase may be empty.
for (const [name, value] of Object.entries(process.env)) {
    if (value === "" && name !== "PULUMI_CONFIG_PASSPHRASE") {
        Reflect.deleteProperty(process.env, name);
    }
}
process.env.HOME ??= homedir();

// An interrupt reaches the program that runs from here as well. Without this, the command would end before that program,
// and before the cleanup that follows it.
process.on("SIGINT", () => process.exit(130));

main(process.argv.slice(2), env).catch((error: unknown) => {
    console.error(isUserError(error) ? `\n${error.message}` : error);
    process.exitCode = error instanceof UsageError ? 2 : 1;
});
