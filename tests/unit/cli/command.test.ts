/** How the arguments of a command are read. */
import { strict as assert } from "node:assert";
import { UsageError, defineCommand, helpOf, readCall } from "../../../cli/command.ts";
import { commands } from "../../../cli/commands.ts";

const command = defineCommand({
    summary: "Does it.",
    words: ["[STACK]"],
    flags: { yes: "do not ask" },
    options: { file: { value: "PATH", text: "write a file" } },
    run: () => Promise.resolve(),
});

describe("readCall", () => {
    it("returns words and flags in any order", () => {
        for (const args of [
            ["dev", "--yes"],
            ["--yes", "dev"],
        ]) {
            const { words, flags } = readCall("up", command, args);
            assert.deepEqual(words, ["dev"]);
            assert.deepEqual(flags, { yes: true });
        }
    });

    for (const args of [
        ["--file", "a.json", "dev", "--yes"],
        ["dev", "--yes", "--file=a.json"],
        ["--file", "b.json", "--yes", "--file", "a.json", "dev"],
    ]) {
        it(`returns the value of an option: ${args.join(" ")}`, () => {
            const { words, flags, options } = readCall("up", command, args);
            assert.deepEqual([words, flags, options], [["dev"], { yes: true }, { file: "a.json" }]);
        });
    }

    for (const args of [["--file"], ["--file="], ["--file", "--yes"]]) {
        it(`refuses an option without its value: ${args.join(" ")}`, () => {
            assert.throws(
                () => readCall("up", command, args),
                (error: unknown) => error instanceof UsageError && error.message.includes("--file PATH"),
            );
        });
    }

    for (const args of [["--now"], ["--yes=false"], ["-y"], ["dev", "prod"]]) {
        it(`refuses ${args.join(" ")} as wrong usage, and names it`, () => {
            assert.throws(
                () => readCall("up", command, args),
                (error: unknown) =>
                    error instanceof UsageError &&
                    error.message.includes((args.at(-1) ?? "").replace("=false", "")),
            );
        });
    }
});

describe("the table of commands", () => {
    for (const [name, load] of Object.entries(commands)) {
        it(`has a help for ${name} that names its words and flags`, async () => {
            const { command: row } = await load();
            const help = helpOf(name, row);
            const options = Object.entries(row.options ?? {}).map(
                ([option, { value }]) => `--${option} ${value}`,
            );
            for (const part of [row.summary, ...row.words, ...Object.keys(row.flags), ...options]) {
                assert.ok(help.includes(part), part);
            }
        });
    }
});
