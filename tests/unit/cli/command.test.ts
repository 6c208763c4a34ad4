/** How the arguments of a command are read. */
import { strict as assert } from "node:assert";
import { type Command, UsageError, helpOf, readCall } from "../../../cli/command";
import { commands } from "../../../cli/commands";

const command: Command = {
    summary: "Does it.",
    words: ["[STACK]"],
    flags: { yes: "do not ask" },
    options: { file: ["PATH", "save it there"] },
    run: () => Promise.resolve(),
};

describe("readCall", () => {
    it("returns words and flags in any order", () => {
        for (const args of [
            ["dev", "--yes"],
            ["--yes", "dev"],
        ]) {
            const { words, flags } = readCall("up", command, args);
            assert.deepEqual(words, ["dev"]);
            assert.deepEqual([...flags], ["yes"]);
        }
    });

    it("returns the values of options", () => {
        const { words, flags, values } = readCall("up", command, ["--file", "a.json", "dev"]);
        assert.deepEqual([words, [...flags], [...values]], [["dev"], [], [["file", "a.json"]]]);
        assert.equal(readCall("up", command, ["--file=b.json"]).values.get("file"), "b.json");
    });

    it("refuses an option without its value", () => {
        assert.throws(() => readCall("up", command, ["dev", "--file"]), UsageError);
        assert.throws(() => readCall("up", command, ["--file="]), UsageError);
    });

    for (const args of [["--now"], ["--yes=false"], ["-y"], ["dev", "prod"]]) {
        it(`refuses ${args.join(" ")} as wrong usage, and names it`, () => {
            assert.throws(
                () => readCall("up", command, args),
                (error: unknown) => error instanceof UsageError && error.message.includes(args.at(-1) ?? ""),
            );
        });
    }
});

describe("the table of commands", () => {
    for (const [name, row] of Object.entries(commands)) {
        it(`has a help for ${name} that names its words and flags`, () => {
            const help = helpOf(name, row);
            for (const part of [
                row.summary,
                ...row.words,
                ...Object.keys(row.flags),
                ...Object.keys(row.options ?? {}),
            ]) {
                assert.ok(help.includes(part), part);
            }
        });
    }
});
